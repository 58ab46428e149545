"""What comes between the start and the end of a quick round: it is handed over, told, or picked up later."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, select, update

from demo.made import Week
from demo.publisher import Publisher
from demo.rudeness import silent
from pipelines import database
from pipelines.desk import Desk
from pipelines.house import House, open_house, writing
from pipelines.looks import quiet
from pipelines.looks.quiet import look_for_nothing_new, new_round
from pipelines.looks.watch import watch
from pipelines.record.looked import LEASE
from pipelines.record.quiet import Writing, file_of, writing_plainly
from pipelines.record.runs import end_run
from pipelines.tables import leases, publications, runs, watched
from scraper.archive import Archive
from scraper.crawl import look_quietly
from scraper.errors import DatabaseError
from tests.declaring import declared_in
from tests.pipelines.test_quiet import LATER, house_at, quietly
from tests.pipelines.test_quiet import house as house  # a fixture

pytestmark = pytest.mark.usefixtures("on_sqlite")
ROOT = Path(__file__).parents[2]


def recorded(house: House) -> list[Any]:
    with house.engine.connect() as connection:
        return list(connection.execute(select(runs).order_by(runs.c.id)))


def leased(house: House) -> list[Any]:
    with house.engine.connect() as connection:
        return list(connection.execute(select(leases)))


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Something happens after the lists were asked for, and before it is recorded."""

    async def looked(*given: Any, **named: Any) -> Any:
        going = await look_quietly(*given, **named)
        happens()
        return going

    monkeypatch.setattr(quiet, "look_quietly", looked)


def look(house: House, *names: str) -> dict[str, str]:
    looks = asyncio.run(watch(house, house.chosen(names), "clock", "test"))
    return {made.list: made.outcome for made in looks}


def test_a_list_that_is_held_meanwhile_is_not_called_unchanged(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hold() -> None:
        with writing(house) as connection:
            mine = publications.c.list == "participating"
            connection.execute(update(publications).where(mine).values(state="held"))

    meanwhile(monkeypatch, hold)
    assert look(house) == {"participating": "held", "pending": "unchanged"}
    assert [run.outcome for run in recorded(house)[2:]] == ["held", "unchanged"]
    assert leased(house) == []


def test_a_list_that_fell_silent_meanwhile_is_looked_at_with_care(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Counter[str]()

    def silence(_published: Any, _now: Any) -> str:
        asked["times"] += 1
        return "Nothing new was published." if asked["times"] > 2 else ""

    monkeypatch.setattr(quiet, "silence", silence)
    looks, all_done = quietly(house)
    assert (looks, all_done) == ({}, False)
    assert [run.outcome for run in recorded(house)[2:]] == [None, None]


def test_a_database_that_is_locked_meanwhile_is_waited_for_by_whoever_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quiet, "_PATIENCE", 0.1)
    path = house.settings.home / "countersign.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        meanwhile(monkeypatch, lambda: other.executescript("BEGIN IMMEDIATE"))
        going, free = new_round("clock", "test"), house.chosen([])
        asyncio.run(look_for_nothing_new(desk_of(house), free, going))
        assert going.looks == {}
        other.execute("ROLLBACK")
        monkeypatch.undo()
        looks = asyncio.run(watch(house, free, "clock", "test", going))
    assert [made.outcome for made in looks] == ["unchanged", "unchanged"]
    assert {made.run_id for made in looks} == {going.run_id}
    assert len(recorded(house)) == 4
    assert leased(house) == []


def desk_of(house: House) -> Desk:
    return Desk(house.settings, Archive(house.settings.home), house.now)


def test_a_database_that_stays_locked_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "_PATIENCE", 0.1)
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.3)
    path = house.settings.home / "countersign.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert quietly(house) == ({}, False)
        opened = replace(open_house(house.settings, [*house.lists.values()]), now=house.now)
        with pytest.raises(DatabaseError, match="another process keeps it locked"):
            look(opened)
        opened.engine.dispose()
        other.execute("ROLLBACK")
    assert len(recorded(house)) == 2
    assert look(house) == {"participating": "unchanged", "pending": "unchanged"}


def test_a_bug_is_not_called_a_stop_and_what_it_left_is_told_at_the_next_look(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug() -> None:
        raise ZeroDivisionError

    meanwhile(monkeypatch, bug)
    with pytest.raises(ZeroDivisionError):
        look(house)
    assert [run.outcome for run in recorded(house)[2:]] == [None, None]
    monkeypatch.undo()
    # Also when it is another list that is looked at next.
    assert look(house, "pending") == {"pending": "unchanged"}
    assert [run.outcome for run in recorded(house)[2:]] == ["died", "died", "unchanged"]
    assert leased(house) == []


def test_a_stop_while_the_runs_begin_is_recorded_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = quiet._begin

    async def stopped() -> None:
        task = asyncio.ensure_future(watch(house, house.chosen([]), "clock", "test"))
        loop = asyncio.get_running_loop()

        def asked_to_stop(*given: Any) -> Any:
            loop.call_soon_threadsafe(task.cancel)
            time.sleep(0.05)
            return begin(*given)

        monkeypatch.setattr(quiet, "_begin", asked_to_stop)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stopped())
    assert [run.outcome for run in recorded(house)[2:]] == ["stopped", "stopped"]
    assert leased(house) == []


def test_leases_are_renewed_and_marked(house: House) -> None:
    going = new_round("clock", "test")
    with writing_plainly(the_file(house)) as begun:
        assert begun
        begun.begin_look(going.run_id, "pending", "clock", "test", going.holder, LATER)
    later = replace(house, now=lambda: LATER + timedelta(minutes=3))
    quiet._renew_once(desk_of(later), the_file(house), going)
    assert [lease.expires_at for lease in leased(house)] == [LATER + timedelta(minutes=3) + LEASE]


def the_file(house: House) -> Path:
    found = file_of(house.settings.database_url)
    assert found
    return found


def test_whoever_was_taken_for_dead_does_not_end_the_run_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken_for_dead() -> None:
        from pipelines.record.looked import Ended

        run = recorded(house)[-1]
        with writing(house) as connection:
            end_run(connection, run.run_id, run.list, Ended("died"), house.now())

    meanwhile(monkeypatch, taken_for_dead)
    assert look(house) == {"participating": "unchanged", "pending": "unchanged"}
    assert sorted(run.outcome for run in recorded(house)[2:]) == ["died", "unchanged"]
    assert leased(house) == []


def test_many_lists_are_recorded_in_several_transactions(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quiet, "_AT_ONCE", 1)
    opened = Counter[str]()

    @contextmanager
    def counted(file: Path, *given: float) -> Iterator[Writing | None]:
        opened["times"] += 1
        with writing_plainly(file, *given) as one:
            yield one

    monkeypatch.setattr(quiet, "writing_plainly", counted)
    assert look(house) == {"participating": "unchanged", "pending": "unchanged"}
    assert opened["times"] == 3


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://desk@db.example.org/lists",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///{home}/countersign.sqlite?mode=ro",
        "sqlite:///{home}/nothing.sqlite",
        "sqlite:///{home}",
    ],
)
def test_any_other_database_is_left_to_the_ordinary_way(house: House, address: str) -> None:
    assert file_of(address.format(home=house.settings.home)) is None


def test_a_file_with_a_strange_name_is_found(tmp_path: Path) -> None:
    place = tmp_path / "a home & 100% more?.sqlite"
    place.touch()
    assert file_of(f"sqlite:///{place}") is None  # what follows a question mark is a question
    place = place.rename(tmp_path / "a home & 100% more #1.sqlite")
    assert file_of(f"sqlite:///{place}") == place == Path(make_url(f"sqlite:///{place}").database or "")
    with writing_plainly(place) as nothing:
        assert nothing is None


def test_a_file_that_went_away_is_not_made_anew(tmp_path: Path) -> None:
    gone = tmp_path / "gone.sqlite"
    with pytest.raises(sqlite3.OperationalError), writing_plainly(gone):
        pass
    assert not gone.exists()


def test_with_a_shared_archive_nothing_is_done_quickly(house: House) -> None:
    shared = house.settings.model_copy(update={"archive_url": "s3://evidence/countersign"})
    going = new_round("clock", "test")
    asyncio.run(look_for_nothing_new(Desk(shared, house.archive, house.now), house.chosen([]), going))
    assert (going.looks, going.begun, len(recorded(house))) == ({}, {}, 2)


def test_a_transaction_that_fails_writes_nothing(house: House) -> None:
    def begins() -> None:
        with writing_plainly(the_file(house)) as begun:
            assert begun
            begun.begin_look("f" * 32, "pending", "clock", "test", "nobody", LATER)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        begins()
    assert (len(recorded(house)), leased(house)) == (2, [])


@pytest.mark.parametrize("rounds", [2, 3])
def test_of_processes_that_look_at_once_one_looks(
    house: House, tmp_path: Path, publisher: Publisher, rounds: int
) -> None:
    """Each list is looked at once or more, but never twice at a time, and nothing is left open."""
    house.engine.dispose()
    environment = {
        **os.environ,
        "COUNTERSIGN_HOME": str(house.settings.home),
        "COUNTERSIGN_LISTS": str(declared_in(tmp_path, publisher)),
    }
    command = [sys.executable, "-m", "countersign", "crawl", "--json"]
    started = [
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        for _ in range(rounds)
    ]
    said = [process.communicate(timeout=60)[0] for process in started]
    outcomes = Counter(json.loads(line)["outcome"] for lines in said for line in lines.splitlines())
    assert set(outcomes) <= {"unchanged", "busy"}
    assert outcomes.total() == 2 * rounds
    assert outcomes["unchanged"] >= 2
    made = recorded(house)[2:]
    assert [run.outcome for run in made] == ["unchanged"] * outcomes["unchanged"]
    assert leased(house) == []


def test_a_process_that_is_killed_is_found_dead_by_the_next(
    house: House, tmp_path: Path, publisher: Publisher
) -> None:
    house.engine.dispose()
    publisher.be_rude("page", silent())
    environment = {
        **os.environ,
        "COUNTERSIGN_HOME": str(house.settings.home),
        "COUNTERSIGN_LISTS": str(declared_in(tmp_path, publisher)),
    }
    command = [sys.executable, "-m", "countersign", "crawl"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while len(recorded(house)) < 4:
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    assert len(leased(house)) == 2
    publisher.be_kind()
    house.engine.dispose()
    assert look(house_at(house.settings.home, publisher, LATER)) == {
        "participating": "unchanged",
        "pending": "unchanged",
    }
    assert [run.outcome for run in recorded(house)[2:]] == ["died", "died", "unchanged", "unchanged"]
    assert leased(house) == []


def test_what_is_watched_is_kept_when_a_copy_is_only_confirmed(house: House, published: list[Week]) -> None:
    with house.engine.connect() as connection:
        before = {row.list: row for row in connection.execute(select(watched))}
    quietly(house)
    with house.engine.connect() as connection:
        for row in connection.execute(select(watched)):
            kept = before[row.list]
            assert (row.url, row.last_modified, row.etag) == (kept.url, kept.last_modified, kept.etag)
            assert row.last_modified
