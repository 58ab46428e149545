"""Weeks whose truth is known, in the real lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.identify import identify
from pipelines.normalise import Normaliser
from pipelines.parse import read
from pipelines.values import Agreement, Known, Match
from scraper.lists import PARTICIPATING, PENDING, PublishedList

pytestmark = pytest.mark.corpus


def rows_of(corpus: Path, declared: PublishedList, at: str) -> list[Agreement]:
    [path] = (corpus / declared.name).glob(f"{at}-*")
    table = read(path, declared.format, declared.options)
    normaliser = Normaliser(table.header, declared.columns)
    return [normaliser.agreement(row)[0] for row in table.rows]


def compared(before: list[Agreement], after: list[Agreement]) -> tuple[list[Match], set[str]]:
    """The matches, and the agencies that are gone."""
    known = [Known(str(index), "", row) for index, row in enumerate(before)]
    matches = identify(after, known)
    gone = set(range(len(before))) - {match.known for match in matches}
    return matches, {before[index].agency for index in gone}


def by_rule(matches: list[Match], rows: list[Agreement]) -> dict[str, set[str]]:
    told = {match.rule for match in matches} - {"exact", "new"}
    return {rule: {rows[match.row].agency for match in matches if match.rule == rule} for rule in told}


def test_the_week_of_fifty_five(corpus: Path) -> None:
    before = rows_of(corpus, PARTICIPATING, "20250502T153614Z")
    after = rows_of(corpus, PARTICIPATING, "20250515T233317Z")
    matches, gone = compared(before, after)
    assert sum(match.known is None for match in matches) == 55
    assert by_rule(matches, after) == {
        "corrected name": {"Marco Island Police Department"},
        "corrected state": {"Wichita County Sheriff's Office"},
        "corrected date": {"Hardee County Sheriff's Office"},
    }
    assert gone == {"Camden Police Department"}


def test_a_large_turnover_of_the_pending_list_holds_two_corrections(corpus: Path) -> None:
    before = rows_of(corpus, PENDING, "20250411T231031Z")
    after = rows_of(corpus, PENDING, "20250428T192523Z")
    matches, gone = compared(before, after)
    assert by_rule(matches, after) == {
        "corrected name": {"Hialeah Police Department", "Monroe Police Department"}
    }
    assert len(gone) == 44
    assert {"Melbourne Police Department", "Longwood Police Department"} <= gone


def test_an_accident_of_search_and_replace_and_its_repair(corpus: Path) -> None:
    before, broken, mended = (
        rows_of(corpus, PARTICIPATING, at)
        for at in ("20241208T023839Z", "20241211T140551Z", "20241218T025939Z")
    )
    for one, other in ((before, broken), (broken, mended)):
        matches, gone = compared(one, other)
        assert not gone
        assert all(match.known is not None for match in matches)
        assert by_rule(matches, other).keys() == {"corrected name"}
