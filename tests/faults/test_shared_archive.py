"""Two machines with a home and a database each, one store: they record the same, whatever happens to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import RowMapping, create_engine, select

from demo.publisher import Publisher
from pipelines.tables import changes, intervals, publications, taken
from scraper.shared import entry_key
from tests.faults.conftest import Door, door_at
from tests.scraper.store import Asked, Store, running, store

__all__ = ["running", "store"]  # fixtures

ROOT = Path(__file__).parents[2]


class Machine:
    def __init__(self, home: Path) -> None:
        self.home = home

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "countersign", *arguments],
            cwd=ROOT,
            env={**os.environ, "COUNTERSIGN_HOME": str(self.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.begin(*arguments)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def journal(self) -> bytes:
        return (self.home / "archive" / "journal.jsonl").read_bytes()

    def record(self) -> dict[str, list[str]]:
        """Every derived row. Whether it was announced is each machine's own."""
        engine = create_engine(f"sqlite:///{self.home}/countersign.sqlite")
        with engine.connect() as connection:
            found = {
                table.name: sorted(repr(_meant(row._mapping)) for row in connection.execute(select(table)))
                for table in (changes, intervals, publications, taken)
            }
        engine.dispose()
        return found


def _meant(row: RowMapping) -> list[Any]:
    return [value for name, value in row.items() if name != "announced"]


@pytest.fixture
def door(
    home: Path, playing: Publisher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: Store
) -> Door:
    return door_at(home, playing, monkeypatch, tmp_path / "lists.toml")


@pytest.fixture
def machines(tmp_path: Path, on_sqlite: None) -> tuple[Machine, Machine]:
    return Machine(tmp_path / "one"), Machine(tmp_path / "other")


@pytest.mark.long
def test_machines_that_look_at_once_write_one_journal_and_record_the_same(
    door: Door, machines: tuple[Machine, Machine]
) -> None:
    for more in (0, 3, 0, 5, 1):
        door.publish(more)
        looks = [machine.begin("crawl", "guards", "--json") for machine in machines]
        for look in looks:
            out, err = look.communicate(timeout=60)
            assert look.returncode == 0, out + err
    for machine in machines:
        assert json.loads(machine.run("crawl", "guards", "--json")[1])["outcome"] == "unchanged"
    one, other = machines
    assert one.journal() == other.journal()
    assert one.record() == other.record()
    assert len(one.record()[changes.name]) >= 9
    for machine in machines:
        code, out, err = machine.run("verify")
        assert code == 0, out + err


@pytest.mark.long
def test_a_store_that_goes_away_in_the_middle_of_a_look_costs_that_look(
    door: Door, store: Store, machines: tuple[Machine, Machine]
) -> None:
    one, other = machines
    assert one.run("crawl", "guards")[0] == 0
    door.publish(2)
    store.cut = lambda asked: "before" if asked == Asked("PUT", entry_key(2)) else None
    code, out, err = one.run("crawl", "guards", "--json")
    assert code == 7, out + err
    assert "cannot be reached. Check the network" in json.loads(out)["reason"]
    before = one.record()
    store.cut = lambda _asked: "before"
    code, out, err = other.run("crawl", "guards", "--json")
    assert code == 7, out + err
    store.cut = lambda _asked: None
    assert one.record() == before
    for machine in machines:
        assert machine.run("crawl", "guards")[0] == 0
    one.run("crawl", "guards")
    assert one.record() == other.record()
    for machine in machines:
        code, out, err = machine.run("verify")
        assert code == 0, out + err


@pytest.mark.long
def test_a_new_machine_has_everything_and_can_back_it_up(
    door: Door,
    store: Store,
    machines: tuple[Machine, Machine],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = machines
    for more in (0, 4):
        door.publish(more)
        assert one.run("crawl", "guards")[0] == 0
    for command in (("rebuild",), ("verify",), ("backup", str(tmp_path / "all.tar.gz"))):
        code, out, err = other.run(*command)
        assert code == 0, out + err
    assert other.record() == one.record()
    monkeypatch.delenv("COUNTERSIGN_ARCHIVE_URL")
    back = Machine(tmp_path / "back")
    code, out, err = back.run("restore", str(tmp_path / "all.tar.gz"))
    assert code == 0, out + err
    assert back.record() == one.record()
