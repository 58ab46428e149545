"""Does SQL say what the archive and its journal say? Derived once more beside it, and compared row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from pipelines.fingerprints import Packed
from pipelines.proof.snapshot import Columns, columns, meant
from pipelines.tables import (
    accepted,
    changes,
    document_events,
    documents,
    intervals,
    judgements,
    place_words,
    places,
    publications,
    reviews,
    taken,
)
from scraper.archive import Problem

# By what a row is known, and what in it an archive cannot know.
BY_KEY: Mapping[Table, tuple[str, frozenset[str]]] = {
    publications: ("key", frozenset({"id", "announced"})),
    intervals: ("id", frozenset()),
    changes: ("id", frozenset()),
    reviews: ("change_id", frozenset()),
    documents: (
        "id",
        frozenset({"last_modified", "etag", "checked_at", "trouble", "pages", "said", "read_by"}),
    ),
    document_events: ("id", frozenset()),
    places: ("agreement_id", frozenset()),
    place_words: ("agreement_id", frozenset()),
    taken: ("id", frozenset()),
}
_SHOWN = 80


def differences(connection: Connection, beside: Connection) -> Iterator[Problem]:
    """Every derived row of the one database that is not the other's."""
    lite = connection.dialect.name == "sqlite"
    for table, (key, unknowable) in BY_KEY.items():
        theirs = columns(beside, table) if lite else meant(table)
        yield from _of_table(
            table.name,
            _rows(connection, _told_by_archive(columns(connection, table), table), key, unknowable),
            _rows(beside, theirs, key, unknowable),
        )
    yield from _of_table(
        judgements.name,
        _judged(connection, columns(connection, judgements)),
        _judged(beside, columns(beside, judgements) if lite else meant(judgements)),
    )
    yield from _of_packed(connection, beside)


def _told_by_archive(query: Columns, table: Table) -> Columns:
    # A document that nobody could get yet stands in no journal.
    return query.where(documents.c.state != "new") if table is documents else query


def _rows(
    connection: Connection, query: Columns, key: str, unknowable: frozenset[str]
) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    for row in connection.execute(query):
        yield row._mapping[key], _without(row, unknowable)


def _without(row: Row[Any], unknowable: frozenset[str]) -> Mapping[str, Any]:
    return {name: value for name, value in row._mapping.items() if name not in unknowable}


def _judged(connection: Connection, query: Columns) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """A later judgement overrules an earlier one, so it is its turn that counts, not its number."""
    rows = connection.execute(query.order_by(judgements.c.id))
    for turn, row in enumerate(rows, 1):
        yield turn, _without(row, frozenset({"id"}))


def _of_table(
    table: str,
    ours: Iterator[tuple[Any, Mapping[str, Any]]],
    theirs: Iterator[tuple[Any, Mapping[str, Any]]],
) -> Iterator[Problem]:
    expected = dict(theirs)
    for key, row in ours:
        other = expected.pop(key, None)
        if other is None:
            yield Problem(row_name(table, key), "does not follow from the archive.")
        elif row != other:
            yield Problem(row_name(table, key), _told(row, other))
    for key in expected:
        yield Problem(row_name(table, key), "follows from the archive, and is missing.")


def _told(row: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    parts = [
        f"its {name} is {_short(value)}, by the archive {_short(other[name])}"
        for name, value in row.items()
        if value != other[name]
    ]
    return "; ".join(parts) + "."


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _of_packed(connection: Connection, beside: Connection) -> Iterator[Problem]:
    """The packed lists. Their order, and whether a row's print was noted, depend on what was read when."""
    theirs = {row.list: row for row in beside.execute(select(accepted))}
    for row in connection.execute(columns(connection, accepted)):
        name = row_name(accepted.name, row.list)
        other = theirs.get(row.list)
        if other is None:
            yield Problem(name, "does not follow from the archive.")
        elif (row.place, row.layout) != (other.place, other.layout):
            yield Problem(name, "is not of the last accepted list.")
        elif not _same_rows(row.packed, other.packed):
            yield Problem(name, "does not hold the rows of the last accepted list.")


def _same_rows(one: Any, other: bytes) -> bool:
    if not isinstance(one, bytes) or len(one) != len(other):
        return False
    held, derived = _by_interval(one), _by_interval(other)
    return held.keys() == derived.keys() and all(
        content == derived[interval][0] and raw in (0, derived[interval][1])
        for interval, (content, raw) in held.items()
    )


def _by_interval(packed: bytes) -> dict[int, tuple[int, int]]:
    rows = Packed.from_bytes(0, packed)
    return {
        interval: (content, raw)
        for content, raw, interval in zip(rows.fingerprints, rows.raws, rows.intervals, strict=True)
    }


def row_name(table: object, key: object) -> str:
    return f"table {table}, row {key}"
