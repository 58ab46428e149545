"""Across the lists: applications with what became of them, and what a report says of a period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from statistics import median

from sqlalchemy import Connection, select

from pipelines.conversions import Application, Life, Printing, join
from pipelines.history.holdings import as_agreement
from pipelines.history.publications import first_accepted
from pipelines.tables import intervals

OLDEST = 10


@dataclass(frozen=True, slots=True)
class Conversions:
    """A period of the applications of a list.

    `applied` came onto the list of applications; `converted` came onto the list of agreements, `median_days`
    later; `left` went from the list without an agreement. `waiting` stood on it at the period's end, without
    an agreement, `oldest` first.
    """

    applied: int
    converted: Sequence[Application]
    median_days: float | None
    left: int
    waiting: int
    oldest: Sequence[Application]


def applications(connection: Connection, list_name: str, pending: str) -> list[Application]:
    """Every application of the list `pending`, joined with the agreements of `list_name`; oldest first."""
    first = first_accepted(connection, pending)
    if first is None:
        return []
    return join(lives(connection, pending), lives(connection, list_name), first.place)


def conversions(
    connection: Connection, list_name: str, pending: str, since: datetime, until: datetime
) -> Conversions:
    """The figures of a period, from the moment `since` on and before `until` (of publication)."""
    found = applications(connection, list_name, pending)
    begin, end = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (since, until))
    converted = [
        one for one in found if one.converted and one.agreement and begin <= one.agreement.first < end
    ]
    waiting = [one for one in found if one.application.first < end and _waits(one, end)]
    left = [one for one in found if one.status == "left" and begin <= (one.application.until or "") < end]
    days = [one.days for one in converted if one.days is not None]
    return Conversions(
        applied=sum(begin <= one.application.first < end for one in found),
        converted=converted,
        median_days=float(median(days)) if days else None,
        left=len(left),
        waiting=len(waiting),
        oldest=waiting[:OLDEST],
    )


def _waits(one: Application, end: str) -> bool:
    """Listed as an application at the period's end, and not yet as an agreement."""
    until = one.application.until
    listed = one.agreement.first if one.converted and one.agreement else None
    return (until is None or until >= end) and one.status != "had" and (listed is None or listed >= end)


def lives(connection: Connection, list_name: str) -> list[Life]:
    """Every agreement that a list ever had."""
    i = intervals.c
    rows = connection.execute(
        select(intervals).where(i.list == list_name).order_by(i.agreement_id, i.from_place)
    )
    found = []
    for agreement_id, group in groupby(rows, lambda row: row.agreement_id):
        printed = list(group)
        printings = tuple(Printing(as_agreement(row), row.from_place, row.until_place) for row in printed)
        found.append(Life(agreement_id, printed[-1].agency_id, printings))
    return found
