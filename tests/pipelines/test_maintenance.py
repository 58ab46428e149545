"""What the clock does at every tick, for many lists: a bounded part of the work, and few questions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert

from pipelines.history.operations import last_looks, open_incidents
from pipelines.installation import Installation, open_installation
from pipelines.maintenance import AT_ONE_TICK, Portions, due_lists, maintain
from pipelines.tables import runs, watched
from scraper.lists import PARTICIPATING, Cadence
from scraper.settings import Settings

MONDAY = datetime(2025, 10, 6, 13, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
MANY = 2 * AT_ONE_TICK + 7
HOURLY = Cadence(("0 * * * *",), jitter_seconds=0)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Lists that were looked at an hour and five minutes ago, but for every hundredth: that one just now."""
    home: Path = tmp_path_factory.mktemp("many")
    lists = [replace(PARTICIPATING, name=f"list{number}", cadence=HOURLY) for number in range(MANY)]
    installation = replace(open_installation(Settings(home=home), lists), now=lambda: MONDAY)
    with installation.engine.begin() as connection:
        for number, item in enumerate(lists):
            began = MONDAY if number % 100 == 0 else MONDAY - HOUR - timedelta(minutes=5)
            run = {"run_id": "a", "list": item.name, "by": "test", "process": "p", "outcome": "unchanged"}
            look = {"trigger": "clock", "started_at": began, "ended_at": began}
            connection.execute(insert(runs).values(run | look))
            connection.execute(insert(watched).values(list=item.name, last_look=began, last_success=began))
    return installation


@contextmanager
def questions(installation: Installation) -> Iterator[list[str]]:
    asked: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement)

    event.listen(installation.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(installation.engine, "before_cursor_execute", note)


def test_whether_a_thousand_lists_are_due_is_one_question(installation: Installation) -> None:
    with questions(installation) as asked:
        due = due_lists(installation, timedelta(), timedelta(minutes=1))
    assert len(due) == MANY - 11
    assert len([statement for statement in asked if "FROM runs" in statement]) == 1


def test_a_list_whose_first_look_never_ended_was_looked_at_all_the_same(installation: Installation) -> None:
    began = MONDAY - timedelta(minutes=3)
    run = {"run_id": "b", "list": "young", "by": "test", "process": "p", "trigger": "clock"}
    with installation.engine.connect() as connection:
        connection.execute(insert(runs).values(run | {"started_at": began}))
        assert last_looks(connection, ["young", "list0", "never"]) == {
            "young": began,
            "list0": MONDAY,
            "never": None,
        }


def test_every_list_has_its_turn_and_no_tick_minds_too_many() -> None:
    lists = [replace(PARTICIPATING, name=f"list{number}") for number in range(MANY)]
    turns = Portions()
    minded = [turns.next(lists) for _ in range(3)]
    assert [len(its) for its in minded] == [AT_ONE_TICK, AT_ONE_TICK, 7]
    assert [item for its in minded for item in its] == lists
    assert turns.next(lists) == lists[:AT_ONE_TICK], "and begins anew"
    assert Portions().next(lists[:3]) == lists[:3]
    assert turns.next(lists[:3]) == lists[:3], "also when most lists were taken away meanwhile"


def test_what_is_not_minded_is_left_as_it_was(installation: Installation) -> None:
    late = replace(installation, now=lambda: MONDAY + timedelta(days=3))
    maintain(late, [late.lists["list1"], late.lists["list2"]])
    with installation.engine.connect() as connection:
        assert [(row.list, row.kind) for row in open_incidents(connection)] == [
            ("list1", "overdue"),
            ("list2", "overdue"),
        ]
