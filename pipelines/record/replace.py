"""Writing many rows in place of others: what a second database derived, what a backup kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Integer, Table, delete, func, insert, select, text

from pipelines.record.notices import owe
from pipelines.record.publications import copy_in
from pipelines.tables import (
    UtcTime,
    accepted,
    applications,
    changes,
    document_events,
    documents,
    intervals,
    judgements,
    outbox,
    place_words,
    places,
    publications,
    reviews,
    settlements,
    sheet_rows,
    taken,
)

DERIVED: tuple[Table, ...] = (
    publications, intervals, accepted, sheet_rows, changes, settlements, applications, reviews, judgements,
    documents, document_events, places, place_words, taken,
)  # fmt: skip
# Their keys are counted upward by the server, in the order in which rows come.
_NUMBERED = (publications, judgements)


def adopt(connection: Connection, beside: Engine) -> None:
    """Replace what was derived by what `beside` (of SQLite) holds, and owe what it owes besides.

    One transaction, the caller's: until it ends, everybody else reads what stood before.
    """
    if connection.dialect.name == "sqlite":
        _attach(connection, beside)
    with beside.connect() as source:
        for table in DERIVED:
            connection.execute(delete(table))
            if connection.dialect.name == "sqlite":
                _take_pages(connection, table)
            else:
                _copy_rows(connection, source, table)
        for notice in source.execute(select(outbox).order_by(outbox.c.id)):
            owe(connection, notice.key, notice.lane, [notice.channel], notice.payload, notice.created_at)


def _attach(connection: Connection, beside: Engine) -> None:
    # A file that was attached in a transaction leaves with its connection only, so this one is closed for good.
    connection.detach()
    connection.exec_driver_sql("ATTACH DATABASE ? AS beside", (beside.url.database,))


def _take_pages(connection: Connection, table: Table) -> None:
    """Into an empty table, from one that was made alike, SQLite copies rows and indexes without reading them."""
    ours, theirs = (
        [row.name for row in connection.exec_driver_sql(f"PRAGMA {schema}.table_info({table.name})")]
        for schema in ("main", "beside")
    )
    wanted = "*" if ours == theirs else ", ".join(f'"{name}"' for name in ours)
    # The names are those of our own tables; Core would name the columns first, and then each row is read.
    copied = f"INSERT INTO main.{table.name} SELECT {wanted} FROM beside.{table.name}"  # noqa: S608 # nosec B608
    connection.exec_driver_sql(copied)


def _copy_rows(connection: Connection, source: Connection, table: Table) -> None:
    names = [column.name for column in table.columns if table not in _NUMBERED or column.name != "id"]
    kept = select(*(table.c[name] for name in names)).order_by(text("rowid"))
    rows = source.exec_driver_sql(str(kept.compile(source.engine)))  # as they are stored
    copy_in(connection, table, names, (tuple(row) for row in rows))


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
