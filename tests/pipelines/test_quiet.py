"""A look that finds nothing new leaves the same record, whether with SQLAlchemy or in SQLite's own words."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from changelog.notices import quiet_round_of
from demo.made import Week
from demo.publisher import Publisher
from pipelines.desk import Desk
from pipelines.house import House, open_house, writing
from pipelines.looks import watch as watching
from pipelines.looks.look import Look
from pipelines.looks.watch import watch
from pipelines.record import quiet as plain
from pipelines.record.looked import Ended, served_columns, watched_columns
from pipelines.record.runs import take_lease
from pipelines.tables import metadata, publications, runs
from scraper.capture import Capture
from scraper.settings import Settings

pytestmark = pytest.mark.usefixtures("on_sqlite")
START = datetime(2025, 6, 2, 12, tzinfo=UTC)
LATER = START + timedelta(hours=1)
# What may differ: names that chance gave, and how long it took.
OWN = {"runs": {"run_id", "process", "stages", "seconds"}}


@pytest.fixture
def house(tmp_path: Path, home: Path, publisher: Publisher, published: list[Week]) -> House:
    """Both lists have been seen once."""
    publisher.show_week(published[0])
    made = house_at(tmp_path / "desk", publisher, START)
    asyncio.run(watch(made, made.chosen([]), "clock", "test"))
    return made


def house_at(place: Path, publisher: Publisher, now: datetime) -> House:
    settings = Settings(home=place, retries=0, timeout_seconds=20)
    return replace(open_house(settings, publisher.lists()), now=lambda: now)


def rows(house: House) -> dict[str, list[dict[str, Any]]]:
    with house.engine.connect() as connection:
        return {
            table.name: [
                {name: value for name, value in row.items() if name not in OWN.get(table.name, ())}
                for row in connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()
            ]
            for table in metadata.sorted_tables
        }


def quietly(house: House) -> tuple[dict[str, Look], bool]:
    desk = Desk(house.settings, house.archive, house.now)
    going, all_done = asyncio.run(quiet_round_of(desk, house.chosen([]), "clock", "test"))
    return going.looks, all_done


async def not_at_all(*_: Any) -> None:
    """The quiet way is not gone."""


def test_both_ways_leave_the_same_record(
    house: House, publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.engine.dispose()
    shutil.copytree(tmp_path / "desk", tmp_path / "other")
    quiet, ordinary = (house_at(tmp_path / name, publisher, LATER) for name in ("desk", "other"))
    looks, all_done = quietly(quiet)
    monkeypatch.setattr(watching, "look_for_nothing_new", not_at_all)
    others = asyncio.run(watch(ordinary, ordinary.chosen([]), "clock", "test"))
    assert all_done
    assert [replace(look, run_id="") for look in looks.values()] == [
        replace(look, run_id="") for look in others
    ]
    assert rows(quiet) == rows(ordinary)
    assert {row["list"] for row in rows(quiet)["runs"][-2:]} == {"participating", "pending"}
    with quiet.engine.connect() as connection:
        stages = [json.dumps(run.stages) for run in connection.execute(select(runs))]
    assert all(json.loads(told)["fetch"] > 0 for told in stages)


def test_the_statements_write_every_column_of_a_look() -> None:
    """A name that a statement lacks would be left out without a word."""
    seen = Capture("list", "https://example.org/", START, "fetched", "0" * 64)
    run, watched = (
        Ended("unchanged").columns(START),
        watched_columns("unchanged", START, served_columns(seen, START)),
    )
    assert names_in(plain.ENDED) == {*run, "run_id", "list"}
    assert names_in(plain.WATCHED) == {*watched, "list"} == set(metadata.tables["watched"].columns.keys())
    for statement in (plain.ENDED, plain.WATCHED):
        assert all(mine == its for mine, its in re.findall(r'"?(\w+)"? = :(\w+)', statement))


def names_in(statement: str) -> set[str]:
    return set(re.findall(r":(\w+)", statement))


def test_it_tells_the_same_story(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        own = ("run", "timestamp", "seconds")
        return [{name: value for name, value in line.items() if name not in own} for line in lines]

    told()
    quietly(house)
    quiet = told()
    monkeypatch.setattr(watching, "look_for_nothing_new", not_at_all)
    asyncio.run(watch(house, house.chosen([]), "clock", "test"))
    assert told() == quiet
    assert [line["event"] for line in quiet] == ["unchanged", "unchanged"]


def outcomes(looks: Sequence[Look]) -> list[str]:
    return [look.outcome for look in looks]


def test_news_of_one_list_is_looked_at_in_the_run_that_has_begun(
    house: House, publisher: Publisher, published: list[Week]
) -> None:
    publisher.show_week(published[1])
    looks = asyncio.run(watch(house, house.chosen([]), "clock", "test"))
    assert "recorded" in outcomes(looks)
    made = rows(house)
    assert len(made["runs"]) == 4
    assert made["leases"] == []


def test_a_held_list_is_left_to_the_ordinary_way(house: House) -> None:
    with writing(house) as connection:
        connection.execute(
            update(publications).where(publications.c.list == "participating").values(state="held")
        )
    looks, all_done = quietly(house)
    assert list(looks) == ["pending"]
    assert not all_done


def test_a_list_that_another_process_looks_at_is_left_alone(house: House) -> None:
    with writing(house) as connection:
        assert take_lease(connection, "pending", "elsewhere:1:2/3", house.now())
    assert quietly(house) == ({}, False)  # of another machine's process nobody here can tell whether it lives
    looks = asyncio.run(watch(house, house.chosen([]), "clock", "test"))
    assert outcomes(looks) == ["unchanged", "busy"]


def test_what_is_owed_is_left_to_be_delivered(house: House) -> None:
    from pipelines.record.outbox import owe

    with writing(house) as connection:
        owe(connection, "x", "lane", ["webhook"], {"kind": "digest", "week": "2025-W01"}, house.now())
    looks, all_done = quietly(house)
    assert len(looks) == 2
    assert not all_done


def test_a_journal_that_nobody_took_in_is_not_passed_over(house: House) -> None:
    house.archive.append("note", house.now(), text="from elsewhere")
    assert quietly(house) == ({}, False)


def test_a_look_that_is_broken_off_is_stopped_and_its_list_free(
    house: House, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken_off(*_: Any, **__: Any) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr("pipelines.looks.quiet.look_quietly", broken_off)
    with pytest.raises(asyncio.CancelledError):
        quietly(house)
    made = rows(house)
    assert made["leases"] == []
    assert [run["outcome"] for run in made["runs"][-2:]] == ["stopped", "stopped"]
