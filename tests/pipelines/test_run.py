"""The whole story on made lists: what is recorded, and that no order of learning changes it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from demo.agencies import agencies
from demo.made import Week
from demo.workbooks import Line, workbook
from pipelines.rebuild import rebuild
from pipelines.run import release, review
from scraper.errors import UsageError
from tests.pipelines.conftest import File, History, files_of


def test_every_publication_tells_its_truth(history: History, published: list[Week]) -> None:
    """Each kind of change names exactly the agencies to which it happened."""
    history.feed(files_of(published))
    for week in published[1:]:
        for list_name, truth in week.truth.items():
            told: dict[str, list[str]] = {}
            for change in history.changes(lists=[list_name]):
                if change["published_at"] == f"{week.published_at:%Y-%m-%dT%H:%M:%SZ}":
                    told.setdefault(change["kind"], []).append(change["agency"])
            for kind in ("added", "removed", "returned", "renamed", "amended"):
                expected = Counter(getattr(truth, kind))
                assert Counter(told.get(kind, [])) == expected, (week.published_at, list_name, kind)


def test_the_first_publication_is_the_baseline(history: History, published: list[Week]) -> None:
    history.feed(files_of(published[:1]))
    assert history.changes() == []
    assert history.states("participating") == ["recorded"]


def test_a_workbook_saved_again_records_nothing_but_the_look(history: History, published: list[Week]) -> None:
    history.feed(files_of(published))
    assert history.states("participating").count("unchanged") == 1


def test_replaying_again_records_nothing(history: History, published: list[Week]) -> None:
    history.feed(files_of(published))
    before, entries = history.changes(), list(history.installation.archive.entries())
    history.feed(files_of(published))
    assert history.changes() == before
    assert list(history.installation.archive.entries()) == entries


def test_any_order_of_learning_ends_in_the_same_log(
    new_history: Callable[[], History], published: list[Week]
) -> None:
    plain, one_by_one = new_history(), new_history()
    files = files_of(published)
    plain.feed(files)
    shuffled = random.Random(7).sample(files, len(files))  # noqa: S311 - any order will do
    for file in shuffled:
        one_by_one.feed([file])
    assert one_by_one.log() == plain.log()


def test_rebuilding_gives_the_same_bytes(history: History, published: list[Week]) -> None:
    """Also when we learned of each change, and what people said of it."""
    files = files_of(published)
    history.feed(files[4:])
    history.feed(files[:4])
    review(history.installation, [history.changes("added")[0]["id"]], "disputed", "reader", "not so")
    before = history.changes()
    rebuild(history.installation)
    assert history.changes() == before
    assert before[0]["review"] or any(change["review"] for change in before)


def test_a_verdict_can_be_taken_back(history: History, published: list[Week]) -> None:
    history.feed(files_of(published[:3]))
    identifier = history.changes("added")[0]["id"]
    review(history.installation, [identifier], "confirmed", "reader", "")
    assert history.changes("added")[0]["review"]["status"] == "confirmed"
    review(history.installation, [identifier], "undone", "reader", "")
    assert history.changes("added")[0]["review"] is None


def test_verdicts_on_what_does_not_exist_are_refused(history: History) -> None:
    with pytest.raises(UsageError, match="No change is called"):
        review(history.installation, ["nothing"], "confirmed", "reader", "")
    with pytest.raises(UsageError, match="No publication is called"):
        release(history.installation, "nothing", "accept", "reader", "")


def test_ids_survive_an_older_list_found_later(history: History, published: list[Week]) -> None:
    """A change that is found to have been published sooner is the same change."""
    files = files_of(published)
    history.feed([*files[:2], *files[4:]])
    before = {change["id"]: change["agency"] for change in history.changes("added", lists=["participating"])}
    history.feed(files[2:4])
    after = {change["id"]: change["agency"] for change in history.changes("added", lists=["participating"])}
    stayed = before.keys() & after.keys()
    # Only the agreement that was first printed misspelt is added under another name now.
    assert len(before.keys() - stayed) <= 2
    assert len(stayed) > 70


@pytest.mark.parametrize("days", [2, 90])
@pytest.mark.parametrize("list_name", ["participating", "pending"])
def test_another_agreement_under_a_name_that_was_corrected_is_added_not_returned(
    history: History, list_name: str, days: int
) -> None:
    """The one that had the name first stands, under its corrected name: it cannot come back."""
    at = datetime(2025, 9, 10, 12, tzinfo=UTC)
    signed = at.date() if list_name == "participating" else None
    first, *others = (Line(agency, "WSO", signed) for agency in agencies()[:60])
    corrected = first.renamed(first.agency.name.replace("Sheriff", "Sherif").replace("Police", "Polce"))
    later = at + timedelta(days=days)
    both = [replace(first, signed=later.date() if signed else None), corrected, *others]
    weeks = [(at, [first, *others]), (at + timedelta(days=1), [corrected, *others]), (later, both)]
    history.feed([File(list_name, when, workbook(lines, when, signed=bool(signed))) for when, lines in weeks])
    renamed, added = history.changes()
    assert (renamed["kind"], renamed["after"]["agency"]) == ("renamed", corrected.agency.name)
    assert (added["kind"], added["agency"]) == ("added", first.agency.name)
    assert added["agreement_id"] != renamed["agreement_id"]
    assert added["newly_signed"] is (True if signed else None)
