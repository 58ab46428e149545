"""Lists that cannot be believed, through all stages: held, cleared, accepted, rejected; never news."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest

from demo.agencies import agencies
from demo.workbooks import Line
from pipelines.rebuild import rebuild
from pipelines.run import judge_names, release
from tests.pipelines.conftest import File, History, sheet

AT = datetime(2025, 6, 2, 15, tzinfo=UTC)
MODELS = ("TFM", "WSO", "JEM")
Make = Callable[[], History]


def day(number: int) -> datetime:
    return AT + timedelta(days=number)


def signed_lines(count: int) -> list[Line]:
    return [
        Line(agency, MODELS[n % 3], date(2025, 5, 1) + timedelta(days=n % 25))
        for n, agency in enumerate(islice(agencies(), count))
    ]


def pending_lines(count: int, skip: int) -> list[Line]:
    return [Line(agency, MODELS[n % 3]) for n, agency in enumerate(islice(agencies(), skip, skip + count))]


@pytest.fixture
def lines() -> list[Line]:
    return signed_lines(200)


def reasons(history: History) -> list[str]:
    return [reason["name"] for row in history.held() for reason in row.reasons]


def added(lines: Sequence[Line], count: int) -> list[Line]:
    return [*lines, *signed_lines(len(lines) + count)[len(lines) :]]


def test_exchanged_lists_are_held_and_the_next_day_is_right(history: History, lines: list[Line]) -> None:
    applied = pending_lines(60, skip=300)
    plain = [sheet(lines, AT), sheet(applied, AT, "pending")]
    swapped = [
        replace(sheet(applied, day(1), "pending"), list="participating"),
        replace(sheet(lines, day(1)), list="pending"),
    ]
    after = [sheet(added(lines, 3), day(2)), sheet(applied[:-2], day(2), "pending")]
    history.feed([*plain, *swapped])
    assert len(history.held()) == 2
    assert history.changes() == []
    history.feed(after)
    assert history.held() == []
    assert history.states("participating") == ["recorded", "cleared", "recorded"]
    assert [c["kind"] for c in history.changes(lists=["participating"])] == ["added"] * 3
    assert [c["kind"] for c in history.changes(lists=["pending"])] == ["removed"] * 2


def test_one_state_misspelt_on_all_its_rows_is_no_change(history: History, lines: list[Line]) -> None:
    state = max({line.agency.state for line in lines}, key=lambda s: sum(x.agency.state == s for x in lines))
    wrong = state[:2] + state[3:]
    misspelt = [line.moved(wrong) if line.agency.state == state else line for line in lines]
    history.feed([sheet(lines, AT), sheet(misspelt, day(1)), sheet(lines, day(2))])
    assert history.changes("added", "removed", "returned") == []
    assert "held" not in history.states("participating")


def test_a_cut_list_is_held(history: History, lines: list[Line]) -> None:
    ordered = sorted(lines, key=lambda line: (line.agency.state, line.agency.name))
    history.feed([sheet(lines, AT), sheet(ordered[:80], day(1))])
    assert "cut-short" in reasons(history)
    assert history.changes() == []


def missing_state(lines: Sequence[Line]) -> tuple[str, list[Line]]:
    counts = {line.agency.state: sum(x.agency.state == line.agency.state for x in lines) for line in lines}
    state = max(counts, key=lambda name: counts[name])
    assert counts[state] >= 5
    return state, [line for line in lines if line.agency.state != state]


def test_a_state_that_really_left_is_recorded_as_published(history: History, lines: list[Line]) -> None:
    _, rest = missing_state(lines)
    history.feed([sheet(lines, AT), sheet(rest, day(1)), sheet(added(rest, 0), day(2))])
    first, *_ = history.held()
    assert any("Every agreement of a state is gone" in reason["text"] for reason in first.reasons)
    release(history.installation, first.key, "accept", "reader", "the law was signed on Monday")
    removed = history.changes("removed")
    assert len(removed) == len(lines) - len(rest)
    assert {change["published_at"] for change in removed} == {f"{day(1):%Y-%m-%dT%H:%M:%SZ}"}
    assert history.states("participating") == ["recorded", "recorded", "unchanged"]


def test_a_list_that_only_grows_fast_is_believed(history: History, lines: list[Line]) -> None:
    history.feed([sheet(lines, AT), sheet(added(lines, 300), day(1))])
    assert history.held() == []
    assert len(history.changes("added")) == 300


def test_held_and_accepted_equals_plain_order(new_history: Make, lines: list[Line]) -> None:
    _, rest = missing_state(lines)
    files = [sheet(lines, AT), sheet(rest, day(1)), sheet([*rest[:-1], *pending_signed(2)], day(2))]
    waiting, at_once = new_history(), new_history()
    waiting.feed(files)
    release(waiting.installation, waiting.held()[0].key, "accept", "reader", "")
    at_once.feed(files[:2])
    release(at_once.installation, at_once.held()[0].key, "accept", "reader", "")
    at_once.feed(files[2:])
    assert waiting.log() == at_once.log()
    assert len(waiting.log()) == len(lines) - len(rest) + 3


def pending_signed(count: int) -> list[Line]:
    return signed_lines(400)[-count:]


def test_held_and_rejected_equals_a_history_without_it(new_history: Make, lines: list[Line]) -> None:
    ordered = sorted(lines, key=lambda line: (line.agency.state, line.agency.name))
    files = [sheet(lines, AT), sheet(ordered[:80], day(1)), sheet(added(lines, 2), day(2))]
    rejected, without = new_history(), new_history()
    rejected.feed(files[:2])
    release(rejected.installation, rejected.held()[0].key, "reject", "reader", "cut")
    rejected.feed(files[2:])
    without.feed([files[0], files[2]])
    assert rejected.log() == without.log()
    assert rejected.states("participating") == ["recorded", "rejected", "recorded"]


def test_verdicts_survive_a_rebuild(history: History, lines: list[Line]) -> None:
    _, rest = missing_state(lines)
    history.feed([sheet(lines, AT), sheet(rest, day(1))])
    release(history.installation, history.held()[0].key, "accept", "reader", "true")
    before = history.changes()
    rebuild(history.installation)
    assert history.changes() == before
    assert history.states("participating") == ["recorded", "recorded"]


def test_a_row_lost_and_regained_is_removed_and_returned(history: History, lines: list[Line]) -> None:
    history.feed([sheet(lines, AT), sheet(lines[1:], day(1)), sheet(lines, day(2))])
    assert [change["kind"] for change in history.changes()] == ["removed", "returned"]
    first, second = history.changes()
    assert first["agreement_id"] == second["agreement_id"]


def test_a_name_that_flips_and_flips_back_is_renamed_twice(history: History, lines: list[Line]) -> None:
    typo = lines[0].renamed(lines[0].agency.name.replace("County", "Conuty"))
    history.feed([sheet(lines, AT), sheet([typo, *lines[1:]], day(1)), sheet(lines, day(2))])
    changes = history.changes()
    assert [change["kind"] for change in changes] == ["renamed", "renamed"]
    assert len({change["id"] for change in changes}) == 2
    assert len({change["agency_id"] for change in changes}) == 1


def test_people_teach_which_names_are_two(history: History, lines: list[Line]) -> None:
    """What a person says of two names is heeded when the lists are derived again, and can be taken back."""
    line = lines[0]
    typo = line.renamed(line.agency.name.replace("County", "Conuty"))
    history.feed([sheet(lines, AT), sheet([typo, *lines[1:]], day(1))])
    assert [change["kind"] for change in history.changes()] == ["renamed"]
    state = history.changes()[0]["state"]
    names = ((state, line.agency.name), (state, typo.agency.name))
    judge_names(history.installation, "distinct", *names, "reader", "two offices")
    assert sorted(change["kind"] for change in history.changes()) == ["added", "removed"]
    judge_names(history.installation, "unjudged", *names, "reader", "")
    assert [change["kind"] for change in history.changes()] == ["renamed"]


def test_the_same_rows_in_another_order_are_no_change(history: History, lines: list[Line]) -> None:
    files: list[File] = [sheet(lines, AT), sheet(list(reversed(lines)), day(1))]
    history.feed(files)
    assert history.changes() == []
    assert history.states("participating") == ["recorded", "unchanged"]
