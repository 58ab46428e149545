"""The record read as a whole: rows as they stand, in one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, select

from pipelines.tables import incidents, intervals, outbox, publications, runs, taken, watched

PORTION = 2000


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of everything, however long it reads and whatever is written meanwhile."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def all_publications(connection: Connection) -> Iterator[Row[Any]]:
    """Every publication, list by list in order."""
    return _streamed(connection, select(publications).order_by(publications.c.list, publications.c.place))


def keys_of_places(connection: Connection) -> dict[tuple[str, str], tuple[str, Any]]:
    """Of every (list, place): the key of its publication and when that was published."""
    p = publications.c
    rows = connection.execute(select(p.list, p.place, p.key, p.published_at))
    return {(row.list, row.place): (row.key, row.published_at) for row in rows}


def all_intervals(connection: Connection) -> Iterator[Row[Any]]:
    """Every validity interval, by list, by the publication that it begins with, by row of the sheet."""
    i = intervals.c
    starts = select(i.list, i.from_place).distinct().order_by(i.list, i.from_place)
    for list_name, place in connection.execute(starts).all():
        # One publication at a time is sorted, never the whole table.
        yield from _streamed(
            connection,
            select(intervals)
            .where(i.list == list_name, i.from_place == place)
            .order_by(i.row, i.agreement_id, i.id),
        )


def intervals_by_agency(connection: Connection) -> Iterator[Sequence[Row[Any]]]:
    """The intervals of each agency of each list, oldest first; agencies in the order of their ids."""
    i = intervals.c
    query = select(
        i.id, i.list, i.agency_id, i.agreement_id, i.state, i.agency, i.from_place, i.until_place
    ).order_by(i.agency_id)
    for _, rows in groupby(_streamed(connection, query), key=lambda row: row.agency_id):
        ordered = sorted(rows, key=lambda row: (row.list, row.from_place, row.id))
        for _, of_list in groupby(ordered, key=lambda row: row.list):
            yield list(of_list)


def _streamed(connection: Connection, query: Any) -> Iterator[Row[Any]]:
    return iter(connection.execute(query, execution_options={"yield_per": PORTION}))


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
