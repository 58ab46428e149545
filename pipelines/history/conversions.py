"""Across the lists: applications with what became of them, and what a report says of a period."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from statistics import median

from sqlalchemy import Connection, func, select

from pipelines.conversions import Application, Life, Printing, join
from pipelines.history.holdings import as_agreement
from pipelines.history.paged import record_version
from pipelines.history.publications import first_accepted
from pipelines.tables import intervals

Name = tuple[str, str]  # state and name key, for which there is an index
OLDEST = 10
MANY = 60_000  # printings; of longer lists only lives that share a name are joined
CHUNK = 400
_joined: dict[tuple[str, str, str], tuple[object, Mapping[str, str]]] = {}  # by database and lists


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


def pending_since(
    connection: Connection, list_name: str, pending: str, names: Collection[Name]
) -> Mapping[str, str]:
    """By agreement: the place of the first list with the application that it comes of.

    All agreements' are told, and remembered until the record changes; in lists of very many rows only those whose
    names are in `names`.
    """
    if _is_long(connection, (list_name, pending)):
        return _first_places(connection, list_name, pending, names)
    asked, version = (str(connection.engine.url), list_name, pending), record_version(connection)
    known = _joined.get(asked)
    if known is None or version is None or known[0] != version:
        known = (version, _first_places(connection, list_name, pending, None))
        _joined[asked] = known
    return known[1]


def _is_long(connection: Connection, lists: Sequence[str]) -> bool:
    some = select(intervals.c.id).where(intervals.c.list.in_(lists)).limit(MANY + 1).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one() > MANY


def _first_places(
    connection: Connection, list_name: str, pending: str, names: Collection[Name] | None
) -> Mapping[str, str]:
    first = first_accepted(connection, pending)
    if first is None:
        return {}
    found = join(lives(connection, pending, names), lives(connection, list_name, names), first.place)
    return {
        one.agreement.agreement_id: one.application.first for one in found if one.converted and one.agreement
    }


def lives(connection: Connection, list_name: str, names: Collection[Name] | None = None) -> list[Life]:
    """Every agreement that a list ever had, or every one that ever had one of these names."""
    if names is None:
        return _read(connection, list_name, None)
    i, ids = intervals.c, set[str]()
    for state in {state for state, _ in names}:
        here = sorted(name for where, name in names if where == state)
        for start in range(0, len(here), CHUNK):
            named = (i.state == state, i.name_key.in_(here[start : start + CHUNK]), i.list == list_name)
            ids.update(connection.scalars(select(i.agreement_id).where(*named)))
    ordered = sorted(ids)
    chunks = (ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK))
    return [life for chunk in chunks for life in _read(connection, list_name, chunk)]


def _read(connection: Connection, list_name: str, ids: Sequence[str] | None) -> list[Life]:
    i = intervals.c
    query = select(intervals).where(i.list == list_name).order_by(i.agreement_id, i.from_place)
    rows = connection.execute(query if ids is None else query.where(i.agreement_id.in_(ids)))
    found = []
    for agreement_id, group in groupby(rows, lambda row: row.agreement_id):
        printed = list(group)
        printings = tuple(Printing(as_agreement(row), row.from_place, row.until_place) for row in printed)
        found.append(Life(agreement_id, printed[-1].agency_id, printings))
    return found
