"""The whole story on made lists: what is recorded, and that no order of learning changes it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from demo.made import Week
from pipelines.run import release, review
from pipelines.upkeep.rebuild import rebuild
from scraper.errors import UsageError
from tests.pipelines.conftest import History, files_of


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
    before, entries = history.changes(), list(history.house.archive.entries())
    history.feed(files_of(published))
    assert history.changes() == before
    assert list(history.house.archive.entries()) == entries


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
    review(history.house, [history.changes("added")[0]["id"]], "disputed", "reader", "not so")
    before = history.changes()
    rebuild(history.house)
    assert history.changes() == before
    assert before[0]["review"] or any(change["review"] for change in before)


def test_a_verdict_can_be_taken_back(history: History, published: list[Week]) -> None:
    history.feed(files_of(published[:3]))
    identifier = history.changes("added")[0]["id"]
    review(history.house, [identifier], "confirmed", "reader", "")
    assert history.changes("added")[0]["review"]["status"] == "confirmed"
    review(history.house, [identifier], "undone", "reader", "")
    assert history.changes("added")[0]["review"] is None


def test_verdicts_on_what_does_not_exist_are_refused(history: History) -> None:
    with pytest.raises(UsageError, match="No change is called"):
        review(history.house, ["nothing"], "confirmed", "reader", "")
    with pytest.raises(UsageError, match="No publication is called"):
        release(history.house, "nothing", "accept", "reader", "")


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
