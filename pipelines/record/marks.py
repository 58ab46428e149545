"""A mark for every row that no archive could give back: its digest as of when it was written.

Publications, intervals and changes can be derived again and compared; a run, an incident or a notice cannot.
So each transaction ends by noting the digests of the rows it wrote, and `verify` names the row that no longer
has its mark, that has none, or that is gone. The bulk of what is derived (intervals, changes) needs no mark.

A mark is no signature: who can write to the database and knows this module can make one. What is proven
against such a person is in the archive, its journal and a seal that was published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Delete,
    Engine,
    Insert,
    Row,
    Select,
    Table,
    Text,
    Update,
    bindparam,
    cast,
    delete,
    event,
    insert,
    select,
    type_coerce,
)
from sqlalchemy.types import NULLTYPE

from pipelines.record.digests import digest
from pipelines.tables import changes, intervals, marks, metadata

MARKED: tuple[Table, ...] = tuple(
    table for table in metadata.sorted_tables if table not in (changes, intervals, marks)
)
_WRITTEN = "countersign rows written"
_CHUNK = 400
# Every transaction puts these, so they are put together once.
_FORGOTTEN = delete(marks).where(
    marks.c.table == bindparam("of"), marks.c.key.in_(bindparam("keys", expanding=True))
)
_NOTED = insert(marks)


def keep_marks(engine: Engine) -> None:
    """From now on every transaction of this engine leaves the marks of the rows it wrote."""
    event.listen(engine, "before_execute", _note_rows)
    event.listen(engine, "after_execute", _note_new_row)
    event.listen(engine, "commit", _mark_written)
    event.listen(engine, "rollback", _forget)


def key_of(table: Table) -> Column[Any]:
    [key] = table.primary_key.columns
    return key


def stored(connection: Connection, table: Table) -> Select[*tuple[Any, ...]]:
    """Every column as the database stores it, whatever a hand put there: nothing is parsed."""
    return _stored(table, connection.dialect.name == "sqlite")


@cache
def _stored(table: Table, lite: bool) -> Select[*tuple[Any, ...]]:
    return select(
        *(
            (type_coerce(column, NULLTYPE) if lite else cast(column, Text)).label(column.name)
            for column in table.columns
        )
    )


@cache
def _stored_some(table: Table, lite: bool) -> Select[*tuple[Any, ...]]:
    return _stored(table, lite).where(key_of(table).in_(bindparam("keys", expanding=True)))


def mark_everything(connection: Connection) -> None:
    """After a migration rows have other columns than when they were marked."""
    connection.execute(delete(marks))
    mark_again(connection, MARKED)


def mark_again(connection: Connection, tables: Iterable[Table]) -> None:
    """Every row of these tables, after they were written past what notes rows."""
    for table in tables:
        connection.execute(delete(marks).where(marks.c.table == table.name))
        _mark(connection, table, connection.execute(stored(connection, table)))


def _note_rows(
    connection: Connection, statement: Any, several: Sequence[Any], one: Mapping[str, Any], _options: Any
) -> None:
    """Which rows are about to be changed: afterwards the same condition may find others."""
    if not isinstance(statement, Insert | Update | Delete) or statement.table not in MARKED:
        return
    if several:
        msg = f"rows of {statement.table} are written one statement at a time, so that each gets its mark"
        raise TypeError(msg)
    if isinstance(statement, Update | Delete):
        found = connection.scalars(_keys_changed(statement), one)
        _written(connection).update((statement.table.name, value) for value in found)


@lru_cache(64)
def _keys_changed(statement: Update | Delete) -> Select[*tuple[Any, ...]]:
    """Many statements are put again and again, by the same object."""
    key = key_of(_table(statement))
    return select(key).where(*(() if statement.whereclause is None else (statement.whereclause,)))


def _note_new_row(
    connection: Connection, statement: Any, _several: Any, _one: Any, _options: Any, result: Any
) -> None:
    if isinstance(statement, Insert) and statement.table in MARKED:
        _written(connection).add((statement.table.name, result.inserted_primary_key[0]))


def _table(statement: Any) -> Table:
    table: Table = statement.table
    return table


def _written(connection: Connection) -> set[tuple[str, Any]]:
    written: set[tuple[str, Any]] = connection.info.setdefault(_WRITTEN, set())
    return written


def _forget(connection: Connection) -> None:
    # A connection that was lost has taken with it what was noted of its rows.
    if not connection.invalidated:
        connection.info.pop(_WRITTEN, None)


def _mark_written(connection: Connection) -> None:
    written = connection.info.pop(_WRITTEN, None)
    lite = connection.dialect.name == "sqlite"
    for name in sorted({name for name, _ in written or ()}):
        table = metadata.tables[name]
        keys = sorted(key for written_name, key in written if written_name == name)
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            connection.execute(_FORGOTTEN, {"of": name, "keys": [str(key) for key in chunk]})
            _mark(connection, table, connection.execute(_stored_some(table, lite), {"keys": chunk}))


def _mark(connection: Connection, table: Table, rows: Iterable[Row[Any]]) -> None:
    key = key_of(table).name
    found = ({"table": table.name, "key": str(row._mapping[key]), "digest": digest(row)} for row in rows)
    for chunk in _chunks(found):
        connection.execute(_NOTED, chunk)


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
