"""What is stored: by a look that finds nothing new, by a file that says the same, and of the whole corpus."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, redirect_stderr
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from itertools import count, islice
from pathlib import Path

from benchmarks.homes import FILE, MANIFEST, NO_CORPUS, home_at, with_corpus
from benchmarks.table import Line
from demo.agencies import agencies
from demo.publisher import Publisher
from demo.workbooks import Line as Printed
from demo.workbooks import workbook
from pipelines.fetch_runs import fetch_lists
from pipelines.installation import Installation
from pipelines.tables import metadata

ROWS, TIMES = 500, 100
GOAL_ROWS, GOAL_SHARE = 2, 0.03
FIRST = datetime(2025, 6, 2, 12, tzinfo=UTC)
# Whole lists stored anew are given what the record has, so that they can be asked the same as quickly.
INDEXES = ("list, from_place", "list, agreement_id, from_place", "agency_id", "state, name_key, list")


def measure() -> list[Line]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        return [*_without_changes(place / "quiet"), *_of_corpus(place / "corpus")]


def _without_changes(home: Path) -> list[Line]:
    with Publisher() as publisher:
        installation, numbers = home_at(home, publisher.lists()[:1]), count(1)
        _publish(publisher, 0)
        _look(installation, "recorded")
        quiet = partial(_look, installation, "unchanged")

        def same() -> None:
            _publish(publisher, next(numbers))
            quiet()

        look, look_bytes = _added(installation, quiet), _bytes_each(installation, quiet)
        file, file_bytes = _added(installation, same), _bytes_each(installation, same)
    of_file = {name: more for name, rows in file.items() if (more := rows - look.get(name, 0))}
    return [
        _rows_line("a look that finds the list as it was", look, look_bytes),
        _rows_line("a new file whose entries are all the same, beside its look", of_file, file_bytes - look_bytes),
    ]  # fmt: skip


def _rows_line(work: str, added: Mapping[str, int], size: float) -> Line:
    rows = ", ".join(f"{number} in {name}" for name, number in sorted(added.items()))
    return Line(
        f"SQL stored for {work}",
        f"one row in one table, {GOAL_ROWS} at most",
        f"{sum(added.values())} rows: {rows}; {size:,.0f} bytes",
        sum(added.values()) <= GOAL_ROWS,
        "every table counted; a mark is the row's digest, by which an edit is told; bytes of the vacuumed file "
        f"with its indexes, mean of {TIMES}",
    )


def _publish(publisher: Publisher, number: int) -> None:
    """The same lines, saved again a day later."""
    saved_at = FIRST + timedelta(days=number)
    lines = [Printed(agency, "TFM", FIRST.date()) for agency in islice(agencies(), ROWS)]
    name = f"participatingAgencies{saved_at:%m%d%Y}.xlsx"
    publisher.show("participating", workbook(lines, saved_at, signed=True), name, saved_at)


def _look(installation: Installation, outcome: str) -> None:
    with redirect_stderr(StringIO()):  # each look tells its story
        [look] = asyncio.run(fetch_lists(installation, [*installation.lists.values()], "clock", "benchmark"))
    assert look.outcome == outcome, look  # noqa: S101 - else something else was measured


def _added(installation: Installation, work: Callable[[], None]) -> dict[str, int]:
    """How many rows more there are in each table; one that takes the place of another adds none."""
    before = _rows(installation)
    work()
    return {name: more for name, rows in _rows(installation).items() if (more := rows - before[name])}


def _rows(installation: Installation) -> dict[str, int]:
    with _opened(installation) as db:
        return {name: _number(db, f'SELECT count(*) FROM "{name}"') for name in metadata.tables}  # noqa: S608


def _bytes_each(installation: Installation, work: Callable[[], None]) -> float:
    before = _size(installation)
    for _ in range(TIMES):
        work()
    return (_size(installation) - before) / TIMES


def _size(installation: Installation) -> int:
    with _opened(installation) as db:
        return _vacuumed(db)


@contextmanager
def _opened(installation: Installation) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(installation.settings.home / FILE)) as db:
        yield db


def _vacuumed(db: sqlite3.Connection) -> int:
    """Bytes of a database without what was deleted in it."""
    db.commit()
    db.execute("VACUUM")
    return _number(db, "PRAGMA page_count") * _number(db, "PRAGMA page_size")


def _number(db: sqlite3.Connection, question: str) -> int:
    return int(db.execute(question).fetchone()[0])


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes with the indexes that were made for questions, and without them."""

    whole: int
    bare: int

    def share_of(self, other: Size) -> str:
        return f"{self.whole / other.whole:.1%} ({self.whole / 1e6:.1f} of {other.whole / 1e6:.1f} MB)"


def _of_corpus(home: Path) -> list[Line]:
    goal = f"at most {GOAL_SHARE:.0%} of every list's rows stored anew"
    if not MANIFEST.is_file():
        return [Line("SQL bytes after the whole corpus", goal, "-", note=NO_CORPUS)]
    with_corpus(home).engine.dispose()
    record = home / FILE
    ours = _size_of(_copied(record, home / "ours.sqlite"))
    rows = _size_of(_copied(record, home / "intervals.sqlite", only="intervals"))
    every, many, lists = _anew(record, home / "every.sqlite", "'recorded', 'unchanged'")
    distinct, _, different = _anew(record, home / "distinct.sqlite", "'recorded'")
    with closing(sqlite3.connect(record)) as db:
        kept = _number(db, "SELECT count(*) FROM intervals")
    return [
        Line(
            "SQL bytes after the whole corpus",
            goal,
            ours.share_of(every),
            ours.whole <= GOAL_SHARE * every.whole,
            f"vacuumed; all tables, with indexes ({1 - ours.bare / ours.whole:.0%} of ours), against the rows of "
            f"{lists} accepted lists in a table of the same columns with the like indexes; without any indexes "
            f"{ours.bare / every.bare:.1%}",
        ),
        Line(
            "of these, what stands for the rows: the validity intervals",
            "-",
            rows.share_of(every),
            note=f"{kept:,} intervals for {many:,} rows ({kept / many:.1%}); without indexes "
            f"{rows.bare / every.bare:.1%}; the others are publications and their figures, the log with its "
            "evidence, and digests, which lists stored anew have not",
        ),
        Line(
            f"the same against the {different} different lists alone",
            "-",
            f"all {ours.whole / distinct.whole:.1%}, intervals {rows.whole / distinct.whole:.1%}",
        ),
    ]


def _copied(record: Path, copy: Path, only: str | None = None) -> Path:
    """The database, or one table of it."""
    with closing(sqlite3.connect(record)) as db:
        db.execute("VACUUM INTO ?", (str(copy),))
    if only:
        with closing(sqlite3.connect(copy)) as db:
            for kind in ("view", "table"):
                named = (
                    "SELECT name FROM sqlite_master WHERE type = ? AND name != ? AND name NOT LIKE 'sqlite_%'"
                )
                for (name,) in db.execute(named, (kind, only)).fetchall():
                    db.execute(f'DROP {kind} "{name}"')
            db.commit()
    return copy


def _anew(record: Path, copy: Path, states: str) -> tuple[Size, int, int]:
    """The rows of every list that was found so, stored whole each time; how many rows, of how many lists."""
    with closing(sqlite3.connect(record)) as db:
        [made] = db.execute("SELECT sql FROM sqlite_master WHERE name = 'intervals'").fetchone()
        names = [
            name
            for _, name, *_ in db.execute("PRAGMA table_info(intervals)")
            if name not in ("id", "until_place")
        ]
        db.execute("ATTACH ? AS copy", (str(copy),))
        db.execute(made.replace("CREATE TABLE intervals", "CREATE TABLE copy.anew"))
        told = ", ".join("p.place" if name == "from_place" else f'i."{name}"' for name in names)
        db.execute(
            f"""INSERT INTO copy.anew ({", ".join(f'"{name}"' for name in names)}) SELECT {told}
            FROM publications p JOIN intervals i ON i.list = p.list AND i.from_place <= p.place
            AND (i.until_place IS NULL OR i.until_place > p.place)
            WHERE p.state IN ({states}) ORDER BY p.list, p.place, i."row" """  # noqa: S608 - names of our own tables
        )
        lists = _number(db, f"SELECT count(*) FROM publications WHERE state IN ({states})")  # noqa: S608
        for number, columns in enumerate(INDEXES):
            db.execute(f"CREATE INDEX copy.ix_anew_{number} ON anew ({columns})")
        db.commit()
    with closing(sqlite3.connect(copy)) as db:
        rows = _number(db, "SELECT count(*) FROM anew")
    return _size_of(copy), rows, lists


def _size_of(path: Path) -> Size:
    """Of a copy, which loses its indexes by it; those that keys need stay."""
    with closing(sqlite3.connect(path)) as db:
        whole = _vacuumed(db)
        for (name,) in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall():
            db.execute(f'DROP INDEX "{name}"')
        return Size(whole, _vacuumed(db))
