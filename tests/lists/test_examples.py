"""The worked examples of docs/lists, each as it is printed, played on loopback beside ICE's own lists."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from demo.made import weeks
from demo.publisher import Publisher
from pipelines.fetch_runs import RunResult, fetch_lists
from pipelines.history.agreements import agreements_at
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.history.publications import publication_at
from pipelines.installation import Installation, open_installation
from scraper.list_file import examine
from scraper.settings import get_settings
from tests.lists.playing import EXAMPLES, GUARDS, declaration, declarations, interpreters, play

GOLDEN = Path(__file__).parent / "golden"
NAMES = {"csv": "guards", "html": "mutual-aid", "json": "grants", "pdf": "towing", "workbook": "drones",
         "pages": "interpreters"}  # fmt: skip


class Watched:
    """An installation that watches the six lists, and ICE's two."""

    def __init__(self, publisher: Publisher, home: Path) -> None:
        self.publisher = publisher
        file = home.parent / "lists.toml"
        file.write_text(declarations(publisher.url), encoding="utf-8")
        examined = examine(file)
        assert not examined.problems
        at = datetime(2025, 6, 3, 12, tzinfo=UTC)
        self.installation: Installation = replace(
            open_installation(get_settings(), [*publisher.lists(), *examined.lists]), now=lambda: at
        )

    def look(self) -> dict[str, RunResult]:
        looks = asyncio.run(
            fetch_lists(self.installation, list(self.installation.lists.values()), "person", "test")
        )
        return {look.list: look for look in looks}

    def rows(self, name: str) -> list[dict[str, Any]]:
        with self.installation.engine.connect() as connection:
            publication = publication_at(connection, name)
            assert publication is not None, name
            stored = agreements_at(connection, name, publication.place)
        return [{"row": one.agreement.row, **one.agreement.as_json()} for one in stored]

    def changes(self, name: str) -> list[tuple[str, str, Any]]:
        with self.installation.engine.connect() as connection:
            found = list(read_changes(connection, ChangeFilter(lists=(name,))))
        return [(change.kind, change.agency, change.after) for change in found]


@pytest.fixture
def watched(home: Path) -> Iterator[Watched]:
    with Publisher() as publisher:
        play(publisher)
        week = weeks()[0]
        publisher.show_week(week)
        yield Watched(publisher, home)


def test_six_formats_are_watched_side_by_side_with_the_built_in_lists(watched: Watched) -> None:
    """Each list's rows are those of its golden file; a missing one is written, and the test fails once."""
    looks = watched.look()
    assert {name: look.outcome for name, look in looks.items()} == dict.fromkeys(looks, "recorded")
    assert len(looks) == 8
    rows = {example: watched.rows(name) for example, name in NAMES.items()}
    missing = [example for example in EXAMPLES if not (GOLDEN / f"{example}.json").exists()]
    for example in missing:
        text = json.dumps(rows[example], ensure_ascii=False, indent=1)
        (GOLDEN / f"{example}.json").write_text(f"{text}\n", encoding="utf-8")
    assert not missing, "golden files were written; look at them, then run this again"
    for example in EXAMPLES:
        assert json.loads((GOLDEN / f"{example}.json").read_text(encoding="utf-8")) == rows[example]


def test_a_second_look_records_nothing(watched: Watched) -> None:
    watched.look()
    looks = watched.look()
    assert {name: look.outcome for name, look in looks.items()} == dict.fromkeys(looks, "unchanged")


def test_fields_of_the_lists_own_are_compared_and_its_key_holds(watched: Watched) -> None:
    watched.look()
    after = GUARDS.replace("Aldgate Patrol LLC", "Northgate Security").replace("Peoria;B", "Peoria;C")
    after = after.replace(
        "G-1003;Señal Segura;Joliet;A;2025-12-31\n", "G-1005;Tower Guard;Elgin;B;2027-01-01\n"
    )
    watched.publisher.serve("/guards.csv", after.encode("cp1252"), "text/csv")
    assert watched.look()["guards"].outcome == "recorded"
    told = {(kind, agency): after for kind, agency, after in watched.changes("guards")}
    assert told.keys() == {
        ("renamed", "Northgate Security"),
        ("amended", "Beacon Watch Inc."),
        ("added", "Tower Guard"),
        ("removed", "Señal Segura"),
    }
    assert told["amended", "Beacon Watch Inc."] == {"class": "C"}


def test_a_part_that_fails_takes_nothing_of_its_list(watched: Watched) -> None:
    """Half a list would look as if the other half had left."""
    watched.look()
    watched.publisher.serve("/interpreters?page=2", b"", "text/html")
    look = watched.look()["interpreters"]
    assert (look.outcome, look.exit_code) == ("failed", 4)
    assert watched.changes("interpreters") == []


def test_a_part_with_other_columns_is_not_read(watched: Watched) -> None:
    watched.look()
    other = interpreters(2, ["Dora"], True).replace(b"<th>Language</th>", b"<th>Tongue</th>")
    watched.publisher.serve("/interpreters?page=2", other, "text/html")
    look = watched.look()["interpreters"]
    assert (look.outcome, look.exit_code) == ("failed", 5)
    assert "Part 2 of 3 has the columns" in look.reason


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_is_right_by_itself(example: str, tmp_path: Path) -> None:
    file = tmp_path / "lists.toml"
    file.write_text(declaration(example), encoding="utf-8")
    examined = examine(file)
    assert not examined.problems
    assert [item.name for item in examined.lists] == [NAMES[example]]
