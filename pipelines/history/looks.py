"""The record of looks: runs, what each list served last, the clock's tick."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from pipelines.tables import runs, ticks, watched

CLOCK = "clock"  # the name of its tick
TICK = timedelta(minutes=1)
DOCUMENTS = "documents"  # the trigger of runs that ask for documents
NO_LOOKS = ("replay", "backfill", DOCUMENTS)  # triggers of runs that ask no publisher for a list


def watched_lists(connection: Connection) -> dict[str, Row[Any]]:
    """Rows of `watched` by list; a list that was never looked at has none."""
    return {row.list: row for row in connection.execute(select(watched))}


def watched_list(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(watched).where(watched.c.list == name)).first()


def recent_runs(
    connection: Connection, list_name: str | None = None, limit: int = 100, before: int | None = None
) -> Sequence[Row[Any]]:
    """The newest runs first; `before` is the id of the last one of the page before."""
    query = select(runs).order_by(runs.c.id.desc()).limit(limit)
    if list_name is not None:
        query = query.where(runs.c.list == list_name)
    if before is not None:
        query = query.where(runs.c.id < before)
    return connection.execute(query).all()


def last_looks(connection: Connection, lists: Iterable[str]) -> dict[str, datetime | None]:
    """When a look at each list began last, whoever asked and however it ended."""
    # One question for all: each of ten thousand would cost the clock four seconds of every minute.
    began = select(func.max(runs.c.started_at)).where(runs.c.trigger.not_in(NO_LOOKS))
    latest = began.where(runs.c.list == watched.c.list).scalar_subquery()
    known = {row.list: row[1] for row in connection.execute(select(watched.c.list, latest))}
    # No look at the others has ever ended.
    return {
        name: known[name] if name in known else connection.execute(began.where(runs.c.list == name)).scalar()
        for name in lists
    }


def last_whole_look(connection: Connection, list_name: str) -> datetime | None:
    """When the last look began that came to an end, however it ended; not one whose process died or was stopped."""
    query = select(func.max(runs.c.started_at)).where(
        runs.c.list == list_name,
        runs.c.trigger.not_in(NO_LOOKS),
        runs.c.ended_at.is_not(None),
        runs.c.outcome.not_in(("died", "stopped")),
    )
    return connection.execute(query).scalar()


def last_round(connection: Connection, list_name: str) -> Row[Any] | None:
    """The last run that asked for the list's documents."""
    query = select(runs).where(runs.c.list == list_name, runs.c.trigger == DOCUMENTS)
    return connection.execute(query.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(1)).first()


def first_look(connection: Connection) -> datetime | None:
    """When the oldest run that is still recorded was started."""
    return connection.execute(select(func.min(runs.c.started_at))).scalar()


def last_tick(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(ticks).where(ticks.c.name == name)).first()
