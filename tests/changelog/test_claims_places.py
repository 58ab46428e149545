"""Figures about places are read out of a claim, and judged by their own words."""

from __future__ import annotations

import pytest

from changelog.claims.places import PlaceFigure, fits, place_figures


@pytest.mark.parametrize(
    ("text", "unit", "value", "bound"),
    [
        ("almost 650 counties", "counties", 650, "almost"),
        ("in more than 1,200 U.S. counties", "counties", 1200, "more than"),
        ("31 million people live there", "people", 31e6, "exactly"),
        ("nearly 31.5 million residents", "people", 31.5e6, "nearly"),
        ("one in five sheriffs", "share of sheriffs", 0.2, "exactly"),
        ("about 1 in 10 U.S. counties", "share of counties", 0.1, "about"),
    ],
)
def test_what_is_read(text: str, unit: str, value: float, bound: str) -> None:
    [figure], rest = place_figures(text)
    assert (figure.unit, figure.value, figure.bound) == (unit, value, bound)
    assert not any(character.isdigit() for character in rest)


def test_other_figures_are_left_to_the_rest() -> None:
    assert place_figures("over 510 agencies, a 280 % increase from 134") == (
        [],
        "over 510 agencies, a 280 % increase from 134",
    )


@pytest.mark.parametrize(
    ("bound", "value", "counted", "held"),
    [
        ("almost", 650, 640, True),
        ("almost", 650, 651, False),
        ("almost", 650, 520, False),
        ("more than", 650, 650, False),
        ("exactly", 650, 649, False),
        ("exactly", 31e6, 30.6e6, True),
        ("at least", 650, 650, True),
        ("under", 650, 649, True),
    ],
)
def test_what_holds(bound: str, value: float, counted: float, held: bool) -> None:
    assert fits(PlaceFigure("", "counties", value, bound), counted) is held
