"""Proof that nothing was altered: the archive by its hashes, the journal by its chain and seals, SQL by both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, String, Table, event, inspect, select, type_coerce
from sqlalchemy.types import NULLTYPE

from pipelines.database import database_exists, open_engine
from pipelines.fingerprints import Packed
from pipelines.history.changes import ChangeFilter, count_changes
from pipelines.history.publications import new_publications
from pipelines.installation import Installation
from pipelines.normalise import VERSION
from pipelines.rebuild import derived_beside
from pipelines.record.ingest import position
from pipelines.run import Progress, silent
from pipelines.tables import (
    UtcTime,
    accepted,
    applications,
    changes,
    document_events,
    documents,
    intervals,
    judgements,
    place_words,
    places,
    publications,
    reviews,
    settlements,
    sheet_rows,
    taken,
)
from scraper.archive import Archive, Problem
from scraper.errors import ArchiveError, StorageError, UsageError
from scraper.journal import BEGINNING, Journal, Position
from scraper.settings import Settings, version
from scraper.storage import storing

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


FOLDER = "seals"


@dataclass(frozen=True, slots=True)
class Seal:
    """`head` is the hash of the last of so many `entries`; `counts` are of files, publications and changes."""

    entries: int
    head: str
    sealed_at: str
    counts: Mapping[str, int]
    software: str

    def as_json(self) -> dict[str, Any]:
        return {
            "entries": self.entries,
            "head": self.head,
            "sealed_at": self.sealed_at,
            "counts": dict(self.counts),
            "software": self.software,
        }

    def as_text(self) -> str:
        """For people: a page, a post, a letter, a time-stamping service."""
        counted = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        return (
            f"Countersign seal of {self.sealed_at}\n\n"
            f"The journal has {self.entries} entries; the SHA-256 of the last one's line is\n"
            f"{self.head}\n\n"
            f"It holds {counted}.\n"
            "Each line of the journal carries the hash of the line before it, and every file is named by its\n"
            "hash, so nothing that was recorded up to this line can be changed without changing this number.\n"
        )


def seal(installation: Installation) -> Seal:
    """The head as it is now, proven from the first line. Raises UsageError when there is nothing to seal."""
    files: set[str] = set()
    end = Position()
    for entry, reached in installation.archive.journal.tail(0, 0, BEGINNING):
        end = reached
        if entry.get("sha256"):
            files.add(entry["sha256"])
    if not end.n:
        raise UsageError("The journal is empty: there is nothing to seal yet.")
    with installation.engine.connect() as connection:
        counts = {
            "files": len(files),
            "publications": len(new_publications(connection, None)),
            "changes": sum(count_changes(connection, ChangeFilter()).values()),
        }
    return Seal(
        end.n, end.prev, f"{installation.now():%Y-%m-%dT%H:%M:%SZ}", counts, f"countersign {version()}"
    )


def write_seal(made: Seal, folder: Path) -> tuple[Path, Path]:
    """Two files, JSON and text, named by the seal's entry and time; kept beside the archive by default."""
    name = f"seal-{made.entries:06}-{made.sealed_at.replace(':', '').replace('-', '')}"
    places = folder / f"{name}.json", folder / f"{name}.txt"
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        places[0].write_text(json.dumps(made.as_json(), indent=2) + "\n", encoding="utf-8")
        places[1].write_text(made.as_text(), encoding="utf-8")
    return places


def read_seal(path: Path) -> Seal:
    """Raises ArchiveError when the file is no seal."""
    with storing(path):
        text = path.read_bytes()
    try:
        told = json.loads(text)
        return Seal(
            int(told["entries"]), str(told["head"]), str(told["sealed_at"]), dict(told["counts"]),
            str(told["software"]),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"{path}: is not a seal that countersign wrote.") from error


def broken_seals(archive: Archive, paths: list[Path]) -> Iterator[Problem]:
    """The seals that the journal no longer answers to."""
    seals = []
    for path in paths:
        try:
            seals.append((path, read_seal(path)))
        except ArchiveError as error:
            yield Problem(str(path), str(error).removeprefix(f"{path}: "))
    if not seals:
        return
    heads = line_hashes(archive.journal)
    for path, made in seals:
        if heads.get(made.entries) != made.head:
            text = f"entry {made.entries} of the journal is not the one that was sealed at {made.sealed_at}."
            yield Problem(str(path), text)


def kept_seals(home: Path) -> list[Path]:
    return sorted((home / FOLDER).glob("seal-*.json"))


def line_hashes(journal: Journal) -> dict[int, str]:
    """The hash of every whole line, by number, as far as the chain holds."""
    hashes: dict[int, str] = {}
    try:
        for _, end in journal.tail(0, 0, BEGINNING):
            hashes[end.n] = end.prev
    except ArchiveError:
        return hashes
    return hashes


# By what columns a row is known, and what in it an archive cannot know.
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
    sheet_rows: ("list place", frozenset()),
    settlements: ("change_id", frozenset()),
    applications: ("list agreement_id since", frozenset()),
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
        yield " ".join(str(row._mapping[name]) for name in key.split()), _without(row, unknowable)


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


def archive_problems(home: Path, seals: Sequence[Path] = (), shared: str | None = None) -> Iterator[Problem]:
    """Every file by its hash, the journal by its chain, and both by the seals at home and those given."""
    archive = Archive(home, shared=shared)
    yield from archive.verify()
    yield from broken_seals(archive, [*kept_seals(home), *seals])


def journal_problems(settings: Settings) -> Iterator[Problem]:
    """Whether the journal still has what the database took in of it; nothing where there is no database."""
    if not database_exists(settings.database_url):
        return
    journal = Archive(settings.home, shared=settings.archive_url).journal
    with snapshot(settings.database_url) as connection:
        if inspect(connection).has_table(taken.name):
            where = connection.engine.url.render_as_string()
            yield from (one for one in _not_of_this_journal(journal, connection, where) if one.damage)


def record_problems(installation: Installation, progress: Progress = silent) -> Iterator[Problem]:
    """Every row that follows from the archive and its journal, compared with one that is derived once more."""
    where = installation.engine.url.render_as_string()
    with snapshot(installation.settings.database_url) as connection:
        yield from _file_problems(connection, where)
        behind = list(_not_of_this_journal(installation.archive.journal, connection, where))
        yield from behind
        if any(problem.damage for problem in behind):
            return
        waiting = list(_waiting(installation, connection, where))
        yield from waiting
        if waiting:
            return
        try:
            with (
                derived_beside(installation, position(connection).n, progress) as beside,
                snapshot(beside.settings.database_url) as other,
            ):
                yield from differences(connection, other)
        except StorageError as error:
            yield Problem(where, f"cannot be compared before the archive is whole: {error}")


def _file_problems(connection: Connection, where: str) -> Iterator[Problem]:
    if connection.dialect.name != "sqlite":
        return
    for (text,) in connection.exec_driver_sql("PRAGMA integrity_check(20)"):
        if text != "ok":
            yield Problem(where, f"its file is damaged: {text}")


def _not_of_this_journal(journal: Journal, connection: Connection, where: str) -> Iterator[Problem]:
    """Was what this database took in really the beginning of this journal?"""
    reached = position(connection)
    hashes = line_hashes(journal)
    if reached.n > len(hashes):
        text = f"holds {len(hashes)} whole entries, although the database took in {reached.n}."
        yield Problem(str(journal.path), text)
    elif reached.n and hashes[reached.n] != reached.prev:
        yield Problem(where, f"took in another journal: entry {reached.n} was a different one.")
    elif reached.n < len(hashes):
        text = (
            f"{len(hashes) - reached.n} entries of the journal are not taken in yet; the next look does it."
        )
        yield Problem(where, text, damage=False)


def _waiting(installation: Installation, connection: Connection, where: str) -> Iterator[Problem]:
    """What was not derived, or under other rules than these, cannot be compared."""
    rows = connection.execute(
        select(
            publications.c.list, publications.c.state, publications.c.parser, publications.c.captured_by
        ).where(publications.c.list.in_(list(installation.lists)))
    ).all()
    new = sum(row.state == "new" for row in rows)
    older = sum(row.captured_by is None or (row.parser is not None and row.parser != VERSION) for row in rows)
    if new:
        text = (
            f"{new} publications wait to be derived; the next look does it. Derived rows were not compared."
        )
        yield Problem(where, text, damage=False, not_compared=True)
    elif older:
        text = f"{older} publications were read under other rules. `countersign rebuild` reads them again. "
        yield Problem(where, text + "Derived rows were not compared.", damage=False, not_compared=True)
