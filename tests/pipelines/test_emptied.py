"""A list of applications without rows: news where the other list says what became of them, in whatever order."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from demo.agencies import Agency
from demo.workbooks import Line
from tests.pipelines.conftest import File, History, sheet

NOON = datetime(2025, 5, 5, 12, tzinfo=UTC)
SIGNED = date(2025, 5, 5)


def line(name: str, signed: date | None = None) -> Line:
    return Line(Agency("GEORGIA", f"{name} Police Department", "Municipality", "Dooly"), "TFM", signed)


OLD = [line(f"Old Town {number}", date(2020, 6, 11)) for number in range(60)]
TOWNS = ("Vienna", "Byron", "Pinehurst", "Unadilla", "Cordele")
WAITING = [line(town) for town in TOWNS]
SIGNED_NOW = [*OLD, *(line(town, SIGNED) for town in TOWNS)]
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
BEFORE = [sheet(WAITING, NOON - 3 * DAY, "pending"), sheet(OLD, NOON - 3 * DAY)]
EMPTY = sheet([], NOON, "pending")


def states(history: History) -> list[str]:
    return history.states("pending")


def test_emptied_after_its_applications_were_signed(history: History) -> None:
    history.feed([*BEFORE, sheet(SIGNED_NOW, NOON - MINUTE), EMPTY])
    assert states(history) == ["recorded", "recorded"]
    removed = history.changes("removed", lists=["pending"])
    assert len(removed) == 5
    assert {one["published_at"] for one in removed} == {"2025-05-05T12:00:00Z"}


def test_emptied_before_them_clears_by_itself(history: History) -> None:
    history.feed([*BEFORE, EMPTY])
    [held] = history.held()
    assert "The list has no rows." in held.reasons[0]["text"]
    assert "exchanged" not in str(held.reasons)
    history.feed([sheet(SIGNED_NOW, NOON + DAY)])
    assert states(history) == ["recorded", "recorded"]
    # Dated by the list that showed them, not by the one that explained them.
    assert {one["published_at"] for one in history.changes("removed")} == {"2025-05-05T12:00:00Z"}


def test_emptied_without_an_explanation_stays_held(history: History) -> None:
    history.feed([*BEFORE, EMPTY, sheet(SIGNED_NOW[:62], NOON + DAY)])
    assert states(history) == ["recorded", "held"]
    assert "2 stand in the list" in history.held()[0].reasons[0]["text"]
    history.feed([sheet(SIGNED_NOW, NOON + 5 * DAY)])  # too late to be what became of them then
    assert states(history) == ["recorded", "held"]


def test_in_whatever_order_the_lists_become_known(new_history: Callable[[], History]) -> None:
    files: list[File] = [
        *BEFORE,
        EMPTY,
        sheet(SIGNED_NOW[:62], NOON + MINUTE),
        sheet([line("Albany")], NOON + 2 * MINUTE, "pending"),
        sheet(SIGNED_NOW, NOON + 3 * MINUTE),
        sheet([line("Albany"), line("Macon")], NOON + DAY, "pending"),
        sheet([*SIGNED_NOW, line("Albany", SIGNED)], NOON + DAY + MINUTE),
        sheet([], NOON + 3 * DAY, "pending"),
        sheet([*SIGNED_NOW, line("Albany", SIGNED), line("Macon", SIGNED)], NOON + 3 * DAY + MINUTE),
    ]

    def told(history: History) -> tuple[Any, ...]:
        return history.log(), history.states("pending"), history.states("participating")

    at_once = new_history()
    at_once.feed(files)
    assert at_once.states("pending") == ["recorded"] * 5
    for seed in range(3):
        one_by_one = new_history()
        for file in random.Random(seed).sample(files, len(files)):  # noqa: S311
            one_by_one.feed([file])
        assert told(one_by_one) == told(at_once)


def test_an_old_copy_is_told_as_one(history: History) -> None:
    history.feed(
        [
            *BEFORE,
            sheet(SIGNED_NOW, NOON - MINUTE),
            sheet([line(f"Waiting {number}") for number in range(6)], NOON, "pending"),
            sheet(WAITING, NOON + DAY, "pending"),
        ]
    )
    [held] = history.held()
    assert held.reasons[0]["name"] == "older-copy"
    assert "5 of its 5 rows" in held.reasons[0]["text"]


def test_what_was_held_and_cleared_leaves_a_trace(history: History) -> None:
    """In the status for two weeks; of an emptied list that was explained in time, what explained it."""
    from changelog.status import status_json

    history.feed([*BEFORE, EMPTY, sheet([line("Macon")], NOON + 5 * DAY, "pending")])
    [told] = [one for one in status_json(history.installation)["lists"] if one["list"] == "pending"]
    assert "no rows" in told["cleared"][0]["reasons"][0]
    history.feed([sheet(SIGNED_NOW, NOON + DAY)])
    [told] = [one for one in status_json(history.installation)["lists"] if one["list"] == "pending"]
    assert told["cleared"] == []
    assert any(one["name"] == "emptied" for row in history.findings() for one in row)
