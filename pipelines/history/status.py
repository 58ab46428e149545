"""How each list is doing, and whether the clock lives: told from outside, by what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select

from pipelines.history.incidents import open_incidents
from pipelines.history.looks import CLOCK, last_round, last_tick, watched_lists
from pipelines.history.publications import cleared_since, held_publications
from pipelines.processes import is_alive
from pipelines.tables import changes
from scraper.cadence import is_overdue, next_due
from scraper.lists import PublishedList

LATELY = timedelta(days=14)
MISSED = timedelta(minutes=3)  # three ticks: a busy machine may be late with one


@dataclass(frozen=True, slots=True)
class ListStatus:
    """`age` is since the last look that succeeded; `incidents` are kind, sentence and beginning of each.
    `cleared` are publications that were held and put right by a later list within LATELY, newest first.
    `documents` is the last run that asked for the list's documents; None when they are not fetched, or none was made.
    """

    list: str
    outcome: str | None
    last_look: datetime | None
    last_success: datetime | None
    last_change: datetime | None
    next_look: datetime | None
    age: timedelta | None
    overdue: bool
    held: int
    incidents: Sequence[tuple[str, str, datetime]]
    documents: Row[Any] | None = None
    cleared: Sequence[Row[Any]] = ()


@dataclass(frozen=True, slots=True)
class ClockStatus:
    """`state`: "running", "dead" (it ticked and stopped without a word), or "none" (nobody started one)."""

    state: str
    last_tick: datetime | None


def clock_status(connection: Connection, now: datetime) -> ClockStatus:
    """Dead when it ticked longer ago than MISSED, or when its process on this machine is gone."""
    row = last_tick(connection, CLOCK)
    if row is None:
        return ClockStatus("none", None)
    lives = now - row.at <= MISSED and is_alive(row.process) is not False
    return ClockStatus("running" if lives else "dead", row.at)


def list_statuses(
    connection: Connection, lists: Mapping[str, PublishedList], now: datetime
) -> list[ListStatus]:
    """One for each of `lists`, in their order."""
    watched = watched_lists(connection)
    changed = _last_changes(connection, lists)
    held = [row.list for row in held_publications(connection)]
    incidents = open_incidents(connection)
    cleared = cleared_since(connection, now - LATELY)
    return [
        _status(
            declaration,
            watched.get(name),
            changed.get(name),
            held.count(name),
            [(row.kind, row.text, row.opened_at) for row in incidents if row.list == name],
            last_round(connection, name) if declaration.documents else None,
            [row for row in cleared if row.list == name],
            now,
        )
        for name, declaration in lists.items()
    ]


def _status(
    declaration: PublishedList,
    row: Any,
    changed: datetime | None,
    held: int,
    incidents: Sequence[tuple[str, str, datetime]],
    documents: Row[Any] | None,
    cleared: Sequence[Row[Any]],
    now: datetime,
) -> ListStatus:
    succeeded = row.last_success if row else None
    return ListStatus(
        list=declaration.name,
        outcome=row.last_outcome if row else None,
        last_look=row.last_look if row else None,
        last_success=succeeded,
        last_change=changed,
        next_look=next_due(declaration.cadence, now),
        age=now - succeeded if succeeded else None,
        overdue=is_overdue(declaration.cadence, succeeded, now),
        held=held,
        incidents=incidents,
        documents=documents,
        cleared=cleared,
    )


def _last_changes(connection: Connection, names: Iterable[str]) -> dict[str, datetime]:
    """When the newest change of each list was published: one step into the index for each list."""
    newest = select(changes.c.published_at).order_by(changes.c.place.desc()).limit(1)
    found = {name: connection.execute(newest.where(changes.c.list == name)).scalar() for name in names}
    return {name: moment for name, moment in found.items() if moment}
