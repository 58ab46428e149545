"""The record of looks: runs, what each list served last, incidents, the clock's tick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from pipelines.tables import runs, watched


def watched_lists(connection: Connection) -> dict[str, Row[Any]]:
    return {row.list: row for row in connection.execute(select(watched))}


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
