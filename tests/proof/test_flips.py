"""A thousand random places: whatever bit or row is changed by hand, `verify` names it."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pipelines.rebuild import derived_beside
from pipelines.tables import accepted, judgements
from pipelines.verify import BY_KEY, archive_problems, differences, record_problems, snapshot
from scraper.archive import Problem
from tests.pipelines.conftest import History

BITS = 700
EDITS = 300
# Every table that follows from the archive, with the columns that do not.
PROVEN = {table.name: unknowable for table, (_, unknowable) in BY_KEY.items()} | {
    judgements.name: frozenset({"id"}),
    accepted.name: frozenset(),
}
Edit = tuple[str, set[str], str]  # table, what the row may be called, the column


@pytest.mark.long
def test_any_flipped_bit_of_archive_or_journal_is_found_and_its_file_named(full: History) -> None:
    home = full.installation.settings.home
    assert list(archive_problems(home)) == []
    files = sorted(path for path in (home / "archive").rglob("*") if path.is_file())
    chance = random.Random(17)  # noqa: S311
    found: Counter[str] = Counter()
    for _ in range(BITS):
        path = chance.choice(files) if chance.random() < 0.8 else full.installation.archive.journal.path
        bit = chance.randrange(path.stat().st_size * 8)
        with flipped(path, bit):
            named = {problem.where for problem in archive_problems(home) if problem.damage}
        assert str(path) in named, (path, bit)
        found[path.suffix] += 1
    assert list(archive_problems(home)) == []
    print(f"\n{BITS} flipped bits found: {dict(found)}")  # noqa: T201


@contextmanager
def flipped(path: Path, bit: int) -> Iterator[None]:
    whole = path.read_bytes()
    altered = bytearray(whole)
    altered[bit // 8] ^= 1 << bit % 8
    path.write_bytes(altered)
    try:
        yield
    finally:
        path.write_bytes(whole)


@pytest.mark.long
@pytest.mark.usefixtures("on_sqlite")
def test_any_edited_row_that_follows_from_the_archive_is_found_and_named(full: History) -> None:
    installation = full.installation
    assert list(record_problems(installation)) == []
    chance = random.Random(23)  # noqa: S311
    place = installation.settings.home / "countersign.sqlite"
    found: Counter[str] = Counter()
    with (
        closing(sqlite3.connect(place, isolation_level=None)) as database,
        derived_beside(installation, len(list(installation.archive.entries()))) as beside,
        snapshot(beside.settings.database_url) as other,
    ):
        count = "SELECT count(*) FROM {}".format
        tables = [name for name in PROVEN if database.execute(count(name)).fetchone()[0]]
        # Nothing in the made lists is judged again later, and nobody said where one of their agencies is.
        assert {*PROVEN} - {*tables} <= {"settlements", "place_words"}
        for number in range(EDITS):
            table = tables[number % len(tables)]
            with edited(database, table, chance) as (_, names, column):
                told = list(_problems(installation.settings.database_url, other))
            hits = [problem for problem in told if _names(problem, table, names)]
            assert hits, (table, column, [problem.where for problem in told])
            assert all(problem.damage for problem in hits)
            found[table] += 1
        assert list(_problems(installation.settings.database_url, other)) == []
    print(f"\n{EDITS} edited rows found: {dict(found)}")  # noqa: T201


def _problems(url: str, beside: Any) -> Iterator[Problem]:
    with snapshot(url) as connection:
        yield from differences(connection, beside)


def _names(problem: Problem, table: str, names: set[str]) -> bool:
    said = problem.where.removeprefix("table ").split(", row ")
    # A row that several columns name is called by all of them.
    return said[0] == table and (
        said[1] in names or sum(len(name) > 3 and name in said[1] for name in names) > 1
    )


@contextmanager
def edited(database: sqlite3.Connection, table: str, chance: random.Random) -> Iterator[Edit]:
    """One column of one row, changed to something else that the database lets pass."""
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    after: tuple[Any, ...] | None = None
    while after is None:
        rowid, *values = chance.choice(database.execute(f"SELECT rowid, * FROM {table}").fetchall())  # noqa: S608
        column = chance.choice([place for place, name in enumerate(columns) if name not in PROVEN[table]])
        new = _other(values[column], chance)
        change = f'UPDATE {table} SET "{columns[column]}" = ? WHERE rowid = ? RETURNING rowid, *'  # noqa: S608
        with suppress(sqlite3.IntegrityError):
            after = database.execute(change, (new, rowid)).fetchone()
    try:
        yield table, {str(value) for value in (*values, *after)}, columns[column]
    finally:
        database.execute(f"DELETE FROM {table} WHERE rowid = ?", after[:1])  # noqa: S608
        database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608


def _other(value: object, chance: random.Random) -> object:
    match value:
        case None:
            return "x"
        case int():
            return value ^ (1 << chance.randrange(16))
        case float():
            return value + 0.5
        case bytes():
            at = chance.randrange(len(value))
            return value[:at] + bytes([value[at] ^ 1 << chance.randrange(8)]) + value[at + 1 :]
        case str() if value:
            at = chance.randrange(len(value))
            return chance.choice([value + "x", value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]])
        case _:
            return "x"
