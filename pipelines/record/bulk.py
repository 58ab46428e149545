"""Writing many rows of one table: by COPY on PostgreSQL, and past all that a single statement needs on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table, insert

from pipelines.database import refused

CHUNK = 5_000
Values = tuple[Any, ...]


def insert_many(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """`rows` name the same columns, all of them."""
    iterator = iter(rows)
    first = next(iterator, None)
    if first is None:
        return
    names = [column.name for column in table.columns if column.name in first]
    values = _bound(connection, table, names, chain([first], iterator))
    if connection.dialect.name == "postgresql":
        copy_in(connection, table, names, values)
        return
    statement = _inserting(table, tuple(names), connection.dialect)
    while chunk := list(islice(values, CHUNK)):
        connection.exec_driver_sql(statement, chunk)


@lru_cache(64)
def _inserting(table: Table, names: tuple[str, ...], dialect: Dialect) -> str:
    return str(insert(table).compile(dialect=dialect, column_keys=names))


def _bound(
    connection: Connection, table: Table, names: list[str], rows: Iterable[Mapping[str, Any]]
) -> Iterator[Values]:
    """The values as the driver takes them."""
    dialect = connection.dialect
    binders: list[Callable[[Any], Any] | None] = [
        table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names
    ]
    busy = [(place, binder) for place, binder in enumerate(binders) if binder is not None]
    picked = itemgetter(*names)
    for row in rows:
        values = [*picked(row)]
        for place, binder in busy:
            values[place] = binder(values[place])
        yield tuple(values)


def copy_in(connection: Connection, table: Table, names: Iterable[str], rows: Iterable[Values]) -> None:
    """PostgreSQL's COPY: `rows` hold the values of these columns as the server reads them."""
    # Past SQLAlchemy, which knows no COPY: what the server refuses is told in the same words all the same.
    quoted = ", ".join(map(connection.dialect.identifier_preparer.quote, names))
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(f"COPY {table.name} ({quoted}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        raise refused(error) or error from error
    finally:
        cursor.close()
