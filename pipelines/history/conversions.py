"""Across the lists: applications with what became of them, and what a report says of a period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any

from sqlalchemy import Connection, Row, select

from pipelines.history.publications import stamp
from pipelines.tables import applications

OLDEST = 10
CHUNK = 400


@dataclass(frozen=True, slots=True)
class Applied:
    """An application and what became of it, as `pipelines.applications` found.

    `since` and `until` are the places of the first list with it and of the first without it; `became` is the
    agreement's id, `listed` the place of its first list.
    """

    agreement_id: str
    state: str | None
    agency: str
    support_type: str | None
    since: str
    until: str | None
    status: str
    at_least: bool
    became: str | None
    listed: str | None
    signed: date | None
    rule: str
    evidence: Sequence[str]

    @property
    def applied(self) -> date:
        return _day(self.since)

    @property
    def converted(self) -> bool:
        return self.status in ("signed", "both")

    @property
    def days(self) -> int | None:
        """From the first list of applications with it to the first list of agreements."""
        return max((_day(self.listed) - self.applied).days, 0) if self.converted and self.listed else None

    @property
    def signed_days(self) -> int | None:
        return (self.signed - self.applied).days if self.converted and self.signed else None


@dataclass(frozen=True, slots=True)
class Conversions:
    """A period of the applications of a list.

    `applied` came onto the list of applications; `converted` came onto the list of agreements, `median_days`
    later; `left` went from the list without an agreement. `waiting` stood on it at the period's end, without
    an agreement, `oldest` first.
    """

    applied: int
    converted: Sequence[Applied]
    median_days: float | None
    left: int
    waiting: int
    oldest: Sequence[Applied]


def applications_of(connection: Connection, pending: str) -> list[Applied]:
    """Every application of the list `pending`, oldest first."""
    a = applications.c
    rows = connection.execute(select(applications).where(a.list == pending).order_by(a.since, a.agreement_id))
    return [_applied(row) for row in rows]


def conversions(connection: Connection, pending: str, since: datetime, until: datetime) -> Conversions:
    """The figures of a period, from the moment `since` on and before `until` (of publication)."""
    found = applications_of(connection, pending)
    begin, end = stamp(since), stamp(until)
    converted = [one for one in found if one.converted and begin <= (one.listed or "") < end]
    waiting = [one for one in found if one.since < end and _waits(one, end)]
    days = [one.days for one in converted if one.days is not None]
    return Conversions(
        applied=sum(begin <= one.since < end for one in found),
        converted=converted,
        median_days=float(median(days)) if days else None,
        left=sum(one.status == "left" and begin <= (one.until or "") < end for one in found),
        waiting=len(waiting),
        oldest=waiting[:OLDEST],
    )


def _waits(one: Applied, end: str) -> bool:
    """Listed as an application at the period's end, and not yet as an agreement."""
    listed = one.listed if one.converted else None
    still = one.until is None or one.until >= end
    return still and one.status != "had" and (listed is None or listed >= end)


def applications_among(connection: Connection, ids: Sequence[str], *, became: bool) -> list[Applied]:
    """The applications with these ids, or (`became`) those of which agreements with these ids came."""
    column = applications.c.became_id if became else applications.c.agreement_id
    found = []
    for start in range(0, len(ids), CHUNK):
        rows = connection.execute(select(applications).where(column.in_(ids[start : start + CHUNK])))
        found += [_applied(row) for row in rows]
    return found


def _applied(row: Row[Any]) -> Applied:
    return Applied(
        row.agreement_id, row.state, row.agency, row.support_type, row.since, row.until, row.status, row.at_least,
        row.became_id, row.became_since, date.fromisoformat(row.became_signed) if row.became_signed else None,
        row.rule, tuple(row.evidence or ()),
    )  # fmt: skip


def _day(place: str) -> date:
    return date.fromisoformat(place[:10])
