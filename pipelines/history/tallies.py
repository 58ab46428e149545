"""The record, counted."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection, func, select

from pipelines.tables import publications, runs


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
    """Counted by publication when it was recorded, so that nobody counts a million changes to show a metric."""
    total: Counter[tuple[str, str]] = Counter()
    accepted = publications.c.state == "recorded"
    for name, counts in connection.execute(
        select(publications.c.list, publications.c.counts).where(accepted)
    ):
        total.update({(name, kind): count for kind, count in (counts or {}).items()})
    return dict(total)
