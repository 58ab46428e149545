"""The grammar, on sentences as people wrote and spoke them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changelog.claims.grammar import read_claim

Read = list[tuple[str, float, str]]

SENTENCES: list[tuple[str, Read]] = [
    (
        "55 local agencies signed in the last week, more than 510 partners, a 280% increase from the 134",
        [("batch", 55, "exactly"), ("count", 510, "more than"), ("percent", 280, "exactly"), ("base", 134, "exactly")],
    ),
    (
        "increased 609%, from 135 to 958",
        [("percent", 609, "exactly"), ("base", 135, "exactly"), ("total", 958, "exactly")],
    ),
    ("641%, from 135 to 1,001", [("percent", 641, "exactly"), ("base", 135, "exactly"), ("total", 1001, "exactly")]),
    (
        "958 agreements, 609 % up from 135",
        [("count", 958, "exactly"), ("percent", 609, "exactly"), ("base", 135, "exactly")],
    ),
    (
        "As of April 8, 2025, at 4 p.m., ICE has signed 444 Memorandums of Agreement for 287(g) Programs "
        "covering 38 states.",
        [("count", 444, "exactly"), ("count", 38, "exactly")],
    ),
    (
        "287(g) partnerships have increased 641 per cent, growing from 135 agreements to 1,001.",
        [("percent", 641, "exactly"), ("base", 135, "exactly"), ("total", 1001, "exactly")],
    ),
    (
        "Fifty-five agencies joined this week, bringing the total to nearly five hundred and ten.",
        [("batch", 55, "exactly"), ("total", 510, "nearly")],
    ),
    ("In the past seven days, 55 new agencies signed.", [("batch", 55, "exactly")]),
    ("over 40 of the 50 states are covered", [("count", 40, "more than")]),
    ("510+ law enforcement partners", [("count", 510, "more than")]),
    ("at least 900 agreements", [("count", 900, "at least")]),
    ("Nearly 1,000 agencies in 40 states", [("count", 1000, "nearly"), ("count", 40, "exactly")]),
    ("about 500 sheriffs", [("count", 500, "about")]),
    ("fewer than 150 MOAs", [("count", 150, "fewer than")]),
    ("275 Task Force Model agreements", [("count", 275, "exactly")]),
    ("partners from 38 states", [("count", 38, "exactly")]),
    ("Another 12 agreements were added on May 12", [("batch", 12, "exactly")]),
    ("the number has tripled from 135", [("multiple", 3, "exactly"), ("base", 135, "exactly")]),
    ("a 6.5-fold increase from 135 to 1,001 agreements", [("base", 135, "exactly"), ("total", 1001, "exactly")]),
    ("an increase of 609.6 percent", [("percent", 609.6, "exactly")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "read"), SENTENCES, ids=[text[:40] for text, _ in SENTENCES])
def test_figures_of_real_sentences(text: str, read: Read) -> None:
    found = [(figure.kind, figure.value, figure.bound) for figure in read_claim(text).figures]
    assert found == read


@pytest.mark.parametrize(
    "text",
    [
        "Section 287 of Title 8 and Executive Order 14159 in 2025",
        "The 287(g) program began on January 20, 2025 at 9:30 a.m.",
        "We spent $100 million, and £2,000",
        "on the 8th of April 2025, or 2025-04-08, in April 2025",
        "no figures at all, no one",
        "",
    ],
)
def test_what_only_looks_like_a_figure(text: str) -> None:
    assert read_claim(text).figures == ()


def test_what_is_not_read_is_named() -> None:
    claim = read_claim("62% of agreements are in Florida, and 1.5 million people")
    assert claim.figures == ()
    assert list(claim.unread) == ["62", "1.5"]


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("55 agencies signed in the last week", "period", "week"),
        ("55 agencies signed in the past 7 days", "period", "week"),
        ("55 agencies signed in the past 30 days", "period", "month"),
        ("55 agencies signed today", "period", "day"),
        ("55 agencies signed since January 20, 2025", "period", "since"),
        ("55 agencies", "unit", "agencies"),
        ("55 agreements with agencies", "unit", "agreements"),
        ("55 partners", "unit", "either"),
        ("55 state and local law enforcement agencies", "unit", "agencies"),
        ("55 pending applications", "pending", "only"),
        ("55 agencies signed or pending", "pending", "with"),
        ("55 WSO agreements", "model", "WSO"),
    ],
)
def test_what_is_counted_and_when(text: str, field: str, value: Any) -> None:
    [figure] = read_claim(text).figures
    assert getattr(figure, field) == value


def test_a_percentage_knows_from_what_to_what() -> None:
    figures = read_claim(
        "more than 510 partners, a 280% increase from the 134. Later 900 agreements."
    ).figures
    percent = next(figure for figure in figures if figure.kind == "percent")
    assert (percent.base, percent.total, percent.total_bound) == (134, 510, "more than")


def test_the_day_that_a_text_speaks_of() -> None:
    assert read_claim("As of April 8, 2025, there are 444 agreements").as_of == date(2025, 4, 8)
    assert read_claim("On April 8 there were 444 agreements").as_of is None


@given(st.integers(11, 2_000_000))
def test_numbers_with_and_without_separators(number: int) -> None:
    for written in (f"{number:,}", str(number)):
        assert [f.value for f in read_claim(f"more than {written} agreements").figures] == [number]


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    claim = read_claim(text)
    assert all(figure.phrase for figure in claim.figures)
