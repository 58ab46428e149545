"""Writing back, row by row, what a backup kept of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, Table, func, insert, select, text

from pipelines.tables import UtcTime


def pour(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert rows under their own keys; columns that this version does not have are left out."""
    poured = 0
    for row in rows:
        values = {name: _value(table, name, value) for name, value in row.items() if name in table.columns}
        connection.execute(insert(table).values(**values))
        poured += 1
    if connection.dialect.name == "postgresql":
        _count_on(connection, table)
    return poured


def _value(table: Table, name: str, value: Any) -> Any:
    if value is not None and isinstance(table.columns[name].type, UtcTime):
        return datetime.fromisoformat(value)
    return value


def _count_on(connection: Connection, table: Table) -> None:
    """The next key comes after the last one that was written back."""
    [key] = table.primary_key.columns
    last = connection.execute(select(func.max(key))).scalar() if isinstance(key.type, Integer) else None
    if last is not None:
        connection.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)"),
            {"table": table.name, "column": key.name, "last": last},
        )
