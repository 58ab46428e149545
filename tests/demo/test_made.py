from __future__ import annotations

from functools import cache
from io import BytesIO
from itertools import pairwise

import openpyxl
import pytest

from demo.made import BATCH, Week, weeks


@pytest.fixture(scope="module")
def made() -> list[Week]:
    return weeks()


def agreements(week: Week) -> set[tuple[str, str]]:
    return _agreements(week.participating)


@cache
def _agreements(body: bytes) -> set[tuple[str, str]]:
    sheet = openpyxl.load_workbook(BytesIO(body), read_only=True).active
    rows = sheet.iter_rows(min_row=2, values_only=True)
    return {(str(row[1]), str(row[4])) for row in rows}


def test_the_same_weeks_are_made_every_time(made: list[Week]) -> None:
    assert made == weeks()


def test_one_week_has_exactly_55_new_agreements(made: list[Week]) -> None:
    batches = [len(week.truth["participating"].added) for week in made[1:]]
    assert batches.count(BATCH) == 1
    before, after = next(
        pair for pair in pairwise(made) if len(pair[1].truth["participating"].added) == BATCH
    )
    assert len(agreements(after) - agreements(before)) == BATCH


def test_every_kind_of_change_happens(made: list[Week]) -> None:
    for kind in ("added", "removed", "returned", "renamed", "amended"):
        assert any(getattr(week.truth["participating"], kind) for week in made[1:]), kind


def test_the_truth_is_what_the_workbooks_show(made: list[Week]) -> None:
    for before, after in pairwise(made):
        truth = after.truth["participating"]
        come = len(agreements(after) - agreements(before)) - len(truth.renamed)
        gone = len(agreements(before) - agreements(after)) - len(truth.renamed)
        assert come == len(truth.added) + len(truth.returned)
        assert gone == len(truth.removed)


def test_one_workbook_is_merely_saved_again(made: list[Week]) -> None:
    pairs = pairwise(made)
    assert sum(agreements(a) == agreements(b) and a.participating != b.participating for a, b in pairs) == 1


def test_documents_hang_behind_the_cells_and_the_workbook_tells_its_time(made: list[Week]) -> None:
    book = openpyxl.load_workbook(BytesIO(made[0].participating))
    links = [cell.hyperlink.target for (cell,) in book.active["G2:G135"] if cell.hyperlink]
    assert len(links) == 134
    assert any("safelinks" in link for link in links)
    assert book.properties.modified == made[0].published_at.replace(tzinfo=None)
    assert book.active["F2"].is_date


def test_publications_follow_each_other(made: list[Week]) -> None:
    times = [week.published_at for week in made]
    assert times == sorted(set(times))
