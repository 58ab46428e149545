"""The record, counted."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from pipelines.tables import changes, runs


def looks_by_outcome(connection: Connection) -> dict[tuple[str, str, str], tuple[int, float]]:
    """How many looks at a list, asked for by a trigger, ended with an outcome; and their seconds in all."""
    rows = connection.execute(
        select(runs.c.list, runs.c.trigger, runs.c.outcome, func.count(), func.sum(runs.c.seconds))
        .where(runs.c.ended_at.is_not(None))
        .group_by(runs.c.list, runs.c.trigger, runs.c.outcome)
    )
    return {
        (name, trigger, outcome): (count, seconds or 0.0) for name, trigger, outcome, count, seconds in rows
    }


def changes_by_kind(connection: Connection) -> dict[tuple[str, str], int]:
    rows = connection.execute(
        select(changes.c.list, changes.c.kind, func.count()).group_by(changes.c.list, changes.c.kind)
    )
    return {(name, kind): count for name, kind, count in rows}
