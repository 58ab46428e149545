"""Claims held against lists with the figures of early 2025: what is said, of what, and to the digit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changelog.claims import check_claim
from changelog.claims.counts import fit, growth, said, totals_that_round
from pipelines.installation import Installation, open_installation
from scraper.errors import UsageError

Told = dict[str, Any]
APRIL = date(2025, 4, 10)
NEWS = "55 local agencies signed in the last week, more than 510 partners, a 280% increase from the 134"


@pytest.fixture
def check(april: Installation) -> Callable[..., Told]:
    def checked(text: str, as_of: date | None = None) -> Told:
        with april.engine.connect() as connection:
            return check_claim(connection, april.lists, text, as_of)

    return checked


def answers(told: Told) -> dict[str, str]:
    return {figure["phrase"]: figure["answer"] for figure in told["figures"]}


def test_the_lists_of_the_day_come_first(check: Callable[..., Told]) -> None:
    told = check(NEWS, APRIL)
    assert told["as_of"] == "2025-04-10"
    assert "444 signed agreements with 344 agencies" in told["standing"]
    assert "67 applications with 66 agencies (444 + 67 = 511 together)" in told["standing"]
    assert told["summary"].startswith(told["standing"])


def test_more_than_510_only_with_those_who_applied(check: Callable[..., Told]) -> None:
    figure = check(NEWS, APRIL)["figures"][1]
    said_of_it = figure["answer"]
    assert (
        "signed agreements and applications together (444 + 67 = 511, listed since 8 April 2025)"
        in said_of_it
    )
    assert "not for signed agreements (444), agencies (344)" in said_of_it
    assert "Signed agreements really passed 510 with the list of 30 April 2025 (517)" in said_of_it
    assert [held["counted"] for held in figure["holds"] if held["as_of"]] == [
        "signed agreements and applications together"
    ]
    first = next(held for held in figure["holds"] if held["counted"] == "signed agreements")
    assert (first["since"], first["value"]) == ("2025-04-30T15:00:00Z", 517)
    assert [publication["published_name"] for publication in first["publications"]] == ["list.xlsx"]
    assert {near["counted"]: near["difference"] for near in figure["nearest"]}["signed agreements"] == -66


def test_280_percent_follows_from_510_and_134_and_not_from_the_lists(check: Callable[..., Told]) -> None:
    figure = check(NEWS, APRIL)["figures"][2]
    assert "From 134 to 510 (more than 510 is said) is +280.60 %" in figure["answer"]
    assert "signed agreements from 135 to 444, +228.89 %" in figure["answer"]
    assert "None of these is 280 %" in figure["answer"]
    assert "(444 + 66 = 510, +280.60 %, cut off)" in figure["answer"]
    assert "came later for signed agreements with the list of 30 April 2025 (135 to 517)" in figure["answer"]
    assert figure["holds"] == []


def test_134_is_near_135_agreements_and_133_agencies(check: Callable[..., Told]) -> None:
    figure = check(NEWS, APRIL)["figures"][3]
    assert (
        "134 is 1 fewer than the 135 signed agreements and 1 more than the 133 agencies" in figure["answer"]
    )
    assert "20 January 2025" in figure["answer"]
    assert [near["difference"] for near in figure["nearest"]] == [1, -1]


def test_55_in_a_week_is_what_both_lists_grew_by(check: Callable[..., Told]) -> None:
    told = check(NEWS, APRIL)
    figure = told["figures"][0]
    held = {held["counted"]: held for held in figure["holds"] if held["as_of"]}
    assert set(held) == {
        "net growth of signed agreements and applications together",
        "agreements and applications added together",
    }
    assert all(one["value"] == 55 and "(2025-W14)" in one["window"] for one in held.values())
    assert "By the list alone: 17 as agreements added in the week of 31 March 2025" in figure["answer"]
    assert "only with applications counted along" in told["summary"]


def test_958_is_one_more_than_957_and_609_is_cut_off(check: Callable[..., Told]) -> None:
    told = answers(check("increased 609%, from 135 to 958"))
    assert "From 135 to 958 is +609.63 %: 609 % when the rest is cut off" in told["609%"]
    assert "rounded, means a total of 957" in told["609%"]
    assert "fits 957 (+608.89 %), and the total named beside it is one more" in told["609%"]
    assert "958 is one more than the 957 signed agreements of the list of 1 September 2025" in told["958"]
    assert "header row" in told["958"]
    assert "135 is exactly the 135 signed agreements" in told["from 135"]


def test_641_is_the_same_for_1000_and_1001(check: Callable[..., Told]) -> None:
    told = answers(check("641%, from 135 to 1,001"))
    assert "From 135 to 1,001 is +641.48 %, which rounds to 641 %" in told["641%"]
    assert "1,000 (+640.74 %) would round to the same" in told["641%"]
    assert "No recorded list has so many: at most 957 signed agreements" in told["1,001"]


def test_a_claim_that_holds_says_of_what(check: Callable[..., Told]) -> None:
    told = check("As of April 8, 2025, ICE has signed 444 Memorandums of Agreement")
    assert told["as_of"] == "2025-04-08"
    [answer] = answers(told).values()
    assert "holds on 8 April 2025 for signed agreements (444, listed since 3 April 2025)" in answer
    assert "not for agencies (344)" in answer


def test_a_count_of_another_day_says_which(check: Callable[..., Told]) -> None:
    [figure] = check("506 agreements", APRIL)["figures"]
    assert "fits no count of 10 April 2025" in figure["answer"]
    assert "Signed agreements were 506 from 28 April 2025 until the list of 30 April 2025" in figure["answer"]


def test_nothing_is_called_true_or_false(check: Callable[..., Told]) -> None:
    for text in (
        NEWS,
        "641%, from 135 to 1,001",
        "444 agreements",
        "tripled from 135",
        "9 pending applications",
    ):
        told = json.dumps(check(text, APRIL))
        assert not re.search(r"\b(?:is|are|was) (?:true|false|wrong|a lie)\b", told)


@pytest.mark.parametrize("text", ["", "nothing to count", "<script>alert(1)</script>", "62% of agreements"])
def test_a_text_without_figures_is_answered(check: Callable[..., Told], text: str) -> None:
    told = check(text, APRIL)
    assert told["figures"] == []
    assert "No figure" in told["summary"]


def test_a_day_before_the_first_list(check: Callable[..., Told]) -> None:
    told = check("135 agreements", date(2020, 1, 1))
    assert "no list was recorded yet" in told["standing"]
    assert "Nothing that “135 agreements” could count was recorded" in answers(told)["135 agreements"]


def test_an_empty_record_is_said(home: Any) -> None:
    installation = open_installation()
    with installation.engine.connect() as connection, pytest.raises(UsageError, match="recorded"):
        check_claim(connection, installation.lists, "55 agencies")
    installation.engine.dispose()


@given(st.integers(1, 5000), st.integers(1, 20_000))
def test_every_rounded_percentage_leads_back_to_its_total(base: int, total: int) -> None:
    exact = growth(base, total)
    assert exact is not None
    stated = float(round(exact + Fraction(1, 10**9)))
    if fit(stated, exact) == "rounded":
        possible = totals_that_round(stated, base)
        assert possible is not None
        assert possible[0] <= total <= possible[1]


@pytest.mark.parametrize(
    ("percent", "base", "total", "how"),
    [
        (609, 135, 958, "cut off"), (610, 135, 958, "rounded"), (609, 135, 957, "rounded"),
        (641, 135, 1001, "rounded"), (641, 135, 1000, "rounded"), (642, 135, 1001, ""),
        (609.6, 135, 958, "rounded"), (281, 134, 510, "rounded"), (280, 134, 510, "cut off"),
        (-50, 200, 100, "rounded"),
    ],
)  # fmt: skip
def test_percentages_to_the_digit(percent: float, base: int, total: int, how: str) -> None:
    exact = growth(base, total)
    assert exact is not None
    assert fit(percent, exact) == how


def test_percentages_are_said_with_their_sign() -> None:
    assert said(Fraction(82300, 135)) == "+609.63 %"
    assert said(Fraction(-50)) == "-50.00 %"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("444 agreements", "True as: signed agreements."),
        ("445 agreements", "One more than the list: 444 signed agreements, as when its header is counted."),
        ("99,999 agreements", "Not by any count."),
    ],
)
def test_the_verdict_comes_first(check: Callable[..., Told], text: str, verdict: str) -> None:
    [figure] = check(text, APRIL)["figures"]
    assert figure["verdict"].startswith(verdict)
