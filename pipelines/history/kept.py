"""The tables that no archive could give back: who looked when, what went wrong, what was told and is owed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, select

from pipelines.tables import incidents, outbox, publications, runs, taken, watched

KEPT: tuple[Table, ...] = (watched, runs, incidents, outbox)


def rows_of(connection: Connection, table: Table) -> Iterator[dict[str, Any]]:
    """Every row as JSON can hold it, in the order of its key."""
    for row in connection.execute(select(table).order_by(*table.primary_key.columns)):
        yield {
            name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
            for name, value in row._mapping.items()
        }


def entries_taken(connection: Connection) -> tuple[int, int]:
    """How much of the journal this database has taken in: entries, and bytes."""
    row = connection.execute(select(taken)).first()
    return (row.entries, row.offset) if row else (0, 0)


def is_empty(connection: Connection) -> bool:
    tables = (publications, *KEPT)
    return all(connection.execute(select(table).limit(1)).first() is None for table in tables)


def named_hashes(connection: Connection) -> set[str]:
    """The SHA-256 of every file that some publication is of."""
    return set(connection.execute(select(publications.c.sha256)).scalars())
