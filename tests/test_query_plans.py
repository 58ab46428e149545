"""No question about the log, an earlier day, an agency or a state goes through a whole table for a small answer.

SQLite is asked how it means to answer what the functions really send, and how many steps it then takes.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event

from benchmarks.histories import LIST, History, written
from pipelines.history import (
    agencies,
    agreements,
    changes,
    figures,
    publications,
)
from pipelines.history.changes import ChangeFilter, StoredChange

SHORT, LONG = History(60, rows=40, changed=3), History(500, rows=40, changed=3)
EXPLAIN = "EXPLAIN QUERY PLAN "
# What a plan calls the tables, by the names that a statement gives them.
NAMED = re.compile(r"\b(changes|intervals|publications)(?: AS (\w+))?")


class Asking:
    """A connection, and one change in the middle of its log to ask about; `since` and `until` are around it."""

    def __init__(self, connection: Connection, history: History) -> None:
        self.connection = connection
        middle = history.publications // 2
        self.since, self.until = history.moment(middle), history.moment(middle + 5)
        self.change: StoredChange = self.log(since=self.since)[0]
        self.later: StoredChange = self.log(since=self.until)[0]

    def log(
        self, limit: int | None = 20, newest_first: bool = False, after: Any = None, **wanted: Any
    ) -> list[StoredChange]:
        found = changes.read_changes(
            self.connection, ChangeFilter(**wanted), after=after, limit=limit, newest_first=newest_first
        )
        return [*found]

    def period(self) -> ChangeFilter:
        return ChangeFilter((LIST,), self.since, self.until)


Question = Callable[[Asking], object]
# Their answers are as large after few publications as after many.
OF_ONE_SIZE: dict[str, Question] = {
    "log of a period": lambda q: q.log(since=q.since, until=q.until),
    "log of a list and a period": lambda q: q.log(lists=(LIST,), since=q.since, until=q.until),
    "log of two lists": lambda q: q.log(lists=(LIST, "other"), since=q.since, until=q.until),
    "log of a kind and a period": lambda q: q.log(lists=(LIST,), kinds=("amended",), since=q.since, until=q.until),
    "log of a kind that is not there": lambda q: q.log(kinds=("removed",)),
    "log of a state that is not there": lambda q: q.log(states=("WY",)),
    "log of a file": lambda q: q.log(sha256=q.change.sha256),
    "log, first page": lambda q: q.log(),
    "log, last page": lambda q: q.log(newest_first=True),
    "log, next page": lambda q: q.log(after=q.change.cursor),
    "log, page before": lambda q: q.log(after=q.change.cursor, newest_first=True),
    "log of a list, next page": lambda q: q.log(lists=(LIST,), after=q.change.cursor),
    "log of a state, next page": lambda q: q.log(5, states=(q.change.state,), after=q.change.cursor),
    "log, what was reviewed": lambda q: q.log(reviewed=True),
    "one change": lambda q: changes.read_change(q.connection, q.change.id),
    "changes counted": lambda q: changes.count_changes(q.connection, q.period()),
    "the batch of a period": lambda q: figures.batch(q.connection, q.period()),
    "what passed in a period": lambda q: figures.passing(q.connection, q.period()),
    "additions of a period": lambda q: figures.additions(q.connection, LIST, q.since, q.until),
    "baseline": lambda q: [*changes.read_baseline(q.connection, LIST)],
    "a list as of a day": lambda q: agreements.agreements_at(q.connection, LIST, q.change.place),
    "a list as of a day, page": lambda q: agreements.agreements_page(q.connection, LIST, q.change.place, limit=10),
    "a list now, page": lambda q: agreements.agreements_page(q.connection, LIST, None, limit=10),
    "a list now, a state of it": lambda q: agreements.agreements_page(q.connection, LIST, None, state="AL"),
    "two days compared": lambda q: agreements.differing(q.connection, LIST, q.change.place, q.later.place),
    "figures of a period": lambda q: figures.totals_between(q.connection, LIST, q.since, q.until),
    "figures before a day": lambda q: figures.totals_before(q.connection, LIST, q.since),
    "first figures": lambda q: figures.first_totals(q.connection, LIST),
    "publications of a period": lambda q: figures.publications_between(q.connection, LIST, q.since, q.until),
    "publications, newest": lambda q: agreements.publications_page(q.connection, limit=10),
    "publications of a list": lambda q: agreements.publications_page(q.connection, LIST, q.change.place, limit=10),
    "publications that wait": lambda q: publications.held_publications(q.connection),
    "publications to derive": lambda q: publications.new_publications(q.connection),
    "the publication of a day": lambda q: publications.publication_at(q.connection, LIST, q.since),
    "the first publication": lambda q: publications.first_accepted(q.connection, LIST),
    "a publication by its key": lambda q: publications.publication_by_key(q.connection, "0123456789"),
    "files of a place": lambda q: agencies.places_of(q.connection, {(LIST, q.change.place)}),
    "a file by its bytes": lambda q: agreements.publication_of_bytes(q.connection, q.change.sha256),
    "what was recorded last": lambda q: agreements.record_version(q.connection),
}  # fmt: skip
# Their answers are longer after more publications, and yet only a part of a table.
GROWING: dict[str, Question] = {
    "log of an agency": lambda q: q.log(agency_id=q.change.agency_id),
    "log of an agreement": lambda q: q.log(agreement_id=q.change.agreement_id),
    "an agency's life": lambda q: agencies.agency_life(q.connection, q.change.agency_id),
    "an agreement around a day": lambda q: agreements.life_around(
        q.connection, LIST, q.change.agreement_id, q.change.place
    ),
    "agencies of a state, counted": lambda q: agencies.agency_count(q.connection, LIST, "AL"),
    "a state over time": lambda q: figures.agreements_over_time(q.connection, LIST, "AL"),
    "recorded since": lambda q: agreements.first_recorded_since(q.connection, q.until),
}
# The answer is the first page of all there is, in the order of the index, which is read no further than that.
IN_ORDER = {"log, first page", "log, last page", "publications, newest"}


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("short"), SHORT)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("long"), LONG)


def made(home: Path, history: History) -> Path:
    installation = written(home, history)
    installation.engine.dispose()
    return home / "countersign.sqlite"


@contextmanager
def opened(file: Path, history: History) -> Iterator[tuple[Engine, Asking]]:
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        yield engine, Asking(connection, history)
    engine.dispose()


def scanned(file: Path, question: Question) -> list[str]:
    """What of a large table is read from one end to the other when the question is asked."""
    sent: list[tuple[str, Any]] = []
    with opened(file, SHORT) as (engine, asking):

        @event.listens_for(engine, "before_cursor_execute")
        def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
            sent.append((statement, parameters))

        question(asking)
        event.remove(engine, "before_cursor_execute", note)
        plans = [
            (statement, row[3])
            for statement, parameters in sent
            for row in asking.connection.exec_driver_sql(EXPLAIN + statement, parameters)
        ]
    assert sent
    return [step for statement, step in plans if _is_whole(statement, step)]


def _is_whole(statement: str, step: str) -> bool:
    """A search that uses no index is for the least or the greatest value, and reads all."""
    read = re.match(r"(?:SCAN|SEARCH) (\w+)", step)
    if read is None or (step.startswith("SEARCH") and " USING " in step):
        return False
    return read[1] in {alias or table for table, alias in NAMED.findall(statement)}


@pytest.mark.parametrize("asked", [*OF_ONE_SIZE, *GROWING])
def test_no_large_table_is_read_as_a_whole(short: Path, asked: str) -> None:
    found = scanned(short, (OF_ONE_SIZE | GROWING)[asked])
    if asked in IN_ORDER:
        found = [step for step in found if " USING INDEX " not in step]
    assert found == []


@pytest.mark.parametrize("asked", OF_ONE_SIZE)
def test_a_long_history_makes_no_answer_dearer(short: Path, long: Path, asked: str) -> None:
    few = steps(short, SHORT, OF_ONE_SIZE[asked])
    assert steps(long, LONG, OF_ONE_SIZE[asked]) <= 1.3 * few


def steps(file: Path, history: History, question: Question) -> int:
    """How many steps SQLite's machine takes: the same on every computer."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    with opened(file, history) as (_, asking):
        driver = asking.connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        question(asking)
        driver.set_progress_handler(step, 1)
        question(asking)
        driver.set_progress_handler(None, 1)
    return count


@pytest.mark.parametrize(
    ("index", "asked"),
    [
        ("ix_changes_place", "log of a period"),
        ("ix_changes_agency_place", "log of an agency"),
        ("ix_changes_agreement", "log of an agreement"),
        ("ix_intervals_agency", "an agency's life"),
        ("ix_publications_state_place", "publications that wait"),
        ("ix_publications_place", "publications, newest"),
        ("ix_publications_recorded", "recorded since"),
    ],
)  # fmt: skip
def test_without_its_index_it_would_be(short: Path, tmp_path: Path, index: str, asked: str) -> None:
    copy = without(short, tmp_path, [index])
    found = scanned(copy, (OF_ONE_SIZE | GROWING)[asked])
    assert [step for step in found if asked not in IN_ORDER or " USING INDEX " not in step]


@pytest.mark.parametrize(
    ("index", "asked"),
    [
        ("ix_changes_list_place", "log of a list and a period"),
        ("ix_changes_state_place", "log of a state that is not there"),
        ("ix_changes_kind_place", "log of a kind that is not there"),
        ("ix_intervals_agreement", "a list as of a day"),
        ("ix_intervals_list_from", "baseline"),
        ("ix_intervals_list_until_from", "a list now, page"),
    ],
)
def test_and_without_its_index_dearer_the_longer(
    short: Path, long: Path, tmp_path: Path, index: str, asked: str
) -> None:
    few = steps(short, SHORT, OF_ONE_SIZE[asked])
    assert steps(without(long, tmp_path, [index]), LONG, OF_ONE_SIZE[asked]) > 1.3 * few


def without(file: Path, folder: Path, indexes: Sequence[str]) -> Path:
    copy = folder / "without.sqlite"
    shutil.copy(file, copy)
    with sqlite3.connect(copy) as db:
        for name in indexes:
            db.execute(f"DROP INDEX {name}")
    db.close()
    return copy
