"""One moment of a database, read as it is stored, even where a hand or a failing disk wrote nonsense."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Select, String, Table, event, select, type_coerce
from sqlalchemy.types import NULLTYPE

from pipelines.database import open_engine
from pipelines.tables import UtcTime

Columns = Select[*tuple[Any, ...]]


@contextmanager
def snapshot(url: str) -> Iterator[Connection]:
    """A connection that sees one state of all tables, however others go on writing."""
    engine = open_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _read_any_text)
        options: dict[str, Any] = {}
    else:
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    try:
        with engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection
    finally:
        engine.dispose()


def columns(connection: Connection, table: Table) -> Columns:
    """A row to be compared with one that was derived beside it, in SQLite.

    As stored where that is SQLite too, whatever a hand put there; otherwise by what the columns mean (true is 1
    elsewhere).
    """
    if connection.dialect.name == "sqlite":
        return select(*(type_coerce(column, NULLTYPE).label(column.name) for column in table.columns))
    return meant(table)


def meant(table: Table) -> Columns:
    return select(
        *(
            (type_coerce(column, String) if isinstance(column.type, UtcTime) else column).label(column.name)
            for column in table.columns
        )
    )


def _read_any_text(connection: Any, _record: Any) -> None:
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
