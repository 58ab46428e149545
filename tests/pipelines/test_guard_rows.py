"""The guard on rows: a list that is exchanged, old, cut short, repeated or miscounted, and one that only looks it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from pipelines.diff import diff
from pipelines.guard import Facts, judge
from pipelines.values import Known, Match, Older, Verdict
from scraper.lists import PARTICIPATING, PENDING, Plausible
from tests.pipelines.judging import (
    APPLICATIONS,
    FIELDS,
    NOW,
    OLD,
    PENDING_FIELDS,
    SIZES,
    figures,
    made,
    new,
    published,
    reasons,
    same,
)


def test_a_quiet_list_passes() -> None:
    assert published(same(OLD)) == Verdict()


def test_a_first_list_is_judged_by_itself() -> None:
    facts = Facts(fields=frozenset(FIELDS))
    assert not judge(figures(OLD, facts.fields), None, PARTICIPATING, facts).held
    assert judge(figures(OLD[:9], facts.fields), None, PARTICIPATING, facts).held


def test_a_list_that_only_grows_fast_is_believed() -> None:
    assert published(same(OLD) + new(made(SIZES, "Town"))) == Verdict()


def test_nothing_readable() -> None:
    assert reasons(published([]))[0] == "nothing-readable"
    nameless = [(replace(row, agency=""), row) for row in OLD]
    assert "nothing-readable" in reasons(published(nameless))


def test_the_pending_list_behind_the_participating_link() -> None:
    applications = {row.agency for row in APPLICATIONS}
    held = published(
        new(APPLICATIONS), fields=PENDING_FIELDS, in_other=lambda row: row.agency in applications
    )
    assert "rows-of-other" in reasons(held)
    assert "“pending”" in next(reason.text for reason in held.reasons if reason.name == "rows-of-other")


def test_the_participating_list_behind_the_pending_link() -> None:
    signed = {row.agency for row in OLD}
    held = published(
        new(OLD),
        old=APPLICATIONS,
        declaration=PENDING,
        other_fields=frozenset(FIELDS),
        in_other=lambda row: row.agency in signed,
    )
    assert reasons(held)[:2] == ["columns-of-other", "rows-of-other"]
    assert "“participating”" in held.reasons[0].text


def test_agreements_that_were_applications_once_are_no_less_a_sign() -> None:
    were = [Known(f"old {at}", "agency", row, active=False) for at, row in enumerate(OLD)]
    matches = [Match(at, at, "made") for at in range(len(OLD))]
    changes = diff(matches, OLD, were, lambda _: ("", "")).changes
    ids = frozenset(known.agreement_id for known in were)
    facts = Facts(changes=changes, fields=PENDING_FIELDS, in_other=ids)
    few = replace(figures(APPLICATIONS, PENDING_FIELDS), rows=0)
    found = judge(figures(OLD, PENDING_FIELDS), few, PENDING, facts)
    assert not found.held  # nothing that was known is gone
    gone = [Known(f"gone {at}", "agency", row) for at, row in enumerate(APPLICATIONS)]
    changes = diff(matches, OLD, were + gone, lambda _: ("", "")).changes
    found = judge(
        figures(OLD, PENDING_FIELDS),
        figures(APPLICATIONS, PENDING_FIELDS),
        PENDING,
        replace(facts, changes=changes),
    )
    assert "rows-of-other" in reasons(found)


def test_many_applications_that_were_signed_are_no_exchange() -> None:
    applied = {row.agency for row in made({"FL": 90, "TX": 100, "AL": 20}, "Town")}
    come = new(made({"FL": 90, "TX": 100, "AL": 20}, "Town"))
    assert not published(same(OLD) + come, in_other=lambda row: row.agency in applied).held


def test_an_older_list_served_as_new() -> None:
    older = Older("workbook", NOW, NOW + timedelta(minutes=1))
    assert reasons(published(same(OLD), older=older)) == ["older"]
    assert not published(same(OLD), older=None).held


def test_an_old_file_put_back() -> None:
    back = NOW - timedelta(days=9)
    assert reasons(published(same(OLD[1:]), same_as=back, same_file=True)) == ["served-again"]
    assert not published(same(OLD[1:]), same_as=back, same_file=True, served_for=timedelta(days=3)).held


def test_a_row_lost_and_regained_is_only_told() -> None:
    found = published(same(OLD), same_as=NOW - timedelta(days=1))
    assert not found.held
    assert [finding.name for finding in found.findings] == ["said-before"]


def test_a_list_cut_short() -> None:
    held = published(same(OLD[: len(OLD) * 2 // 5]))
    assert reasons(held)[0] == "cut-short"
    assert "from Nevada to Wyoming" in held.reasons[0].text


def test_a_pending_list_cut_short_although_it_may_lose_much() -> None:
    sizes = dict.fromkeys(("AL", "FL", "GA", "KS", "TX", "VA", "WI"), 5)
    rows = [replace(one, signed=None, moa=None) for one in made(sizes, "Town")]
    held = published(same(rows[:14]), old=rows, declaration=PENDING, fields=PENDING_FIELDS)
    assert reasons(held) == ["cut-short"]


def test_a_pending_list_that_half_empties_is_believed() -> None:
    rows = [replace(one, signed=None, moa=None) for one in made(SIZES, "Town")]
    stay = [row for at, row in enumerate(rows) if at % 5 == 0]
    assert not published(same(stay), old=rows, declaration=PENDING, fields=PENDING_FIELDS).held


def test_applications_that_became_agreements_are_not_lost() -> None:
    waiting = [replace(one, signed=None, moa=None) for one in made(SIZES, "Town")]
    stay = waiting[: len(waiting) * 2 // 5]
    signed = {(row.state, row.agency) for row in waiting} - {(row.state, row.agency) for row in stay}
    found = published(
        same(stay),
        old=waiting,
        declaration=PENDING,
        fields=PENDING_FIELDS,
        in_other=lambda row: (row.state, row.agency) in signed,
    )
    assert not found.held


def test_a_whole_state_missing() -> None:
    held = published(same([row for row in OLD if row.state != "NV"]))
    assert reasons(held) == ["state-gone"]
    assert "Nevada (12)" in held.reasons[0].text


def test_a_state_with_few_agreements_may_leave() -> None:
    old = [row for row in OLD if row.state != "CO"] + [row for row in OLD if row.state == "CO"][:4]
    assert not published(same([row for row in old if row.state != "CO"]), old=old).held


def test_a_tenth_lost_here_and_there() -> None:
    held = published(same([row for at, row in enumerate(OLD) if at % 10]))
    assert reasons(held) == ["too-many-lost"]
    assert "(10%)" in held.reasons[0].text


def test_a_few_lost_while_many_came() -> None:
    come = new(made({"TX": 40}, "Town"))
    assert not published(same([row for at, row in enumerate(OLD) if at % 25]) + come).held


def test_a_loss_that_is_routine_for_this_list_is_believed() -> None:
    stay = same([row for at, row in enumerate(OLD) if at % 10])
    assert not published(stay, history=[(300, 33), (310, 40), (290, 30), (300, 0)]).held
    assert published(stay, history=[(300, 33), (310, 2), (290, 0), (300, 0)]).held


def test_rows_repeated() -> None:
    assert reasons(published(same(OLD), repeated=150)) == ["rows-repeated"]
    some = published(same(OLD), repeated=2)
    assert not some.held
    assert [finding.name for finding in some.findings] == ["some-rows-repeated"]


def test_rows_out_of_range() -> None:
    narrow = replace(PARTICIPATING, plausible=Plausible(rows=(1, 200)))
    found = judge(figures(OLD, frozenset(FIELDS)), None, narrow, Facts())
    assert reasons(found) == ["rows-out-of-range"]


@pytest.mark.parametrize(
    ("total", "dated", "held"),
    [
        (600, NOW, True),
        (600, NOW - timedelta(days=30), False),
        (600, None, False),
        (320, NOW, False),
        (len(OLD), NOW, False),
    ],
)
def test_the_pages_own_total(total: int, dated: datetime | None, held: bool) -> None:
    found = published(same(OLD), page_total=total, page_dated=dated)
    assert reasons(found) == (["page-says-otherwise"] if held else [])
    assert bool(found.findings) == (total != len(OLD))
