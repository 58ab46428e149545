"""The county map: who is where, through time, in a state, as a picture, and nothing from a list unescaped."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from changelog.maps import Span, albers, county_map, framed, png
from pipelines.places.coverage import Placed
from pipelines.registers import registers

KNOWN = registers()
BAY = Placed("FL", "TFM", "county", ("12005",), None, None, "Bay <County> Sheriff")
LYNN = Placed("FL", "WSO", "municipal", ("12005",), 4163049, None, "Lynn Haven Police")
GULF = Placed("FL", "WSO", "municipal", ("12045",), None, None, "Port St. Joe Police")


def colours(svg: str) -> dict[str, str]:
    """Of each county that is shown: its class."""
    found = re.findall(r'<path class="(c\d)( away)?"[^>]*><title>([^:]+):', svg)
    return {name: colour for colour, away, name in found if not away}


def test_the_map_shows_the_newest_frame_and_holds_the_earlier_ones() -> None:
    drawn = county_map([Span(BAY, 0, 1, 2025), Span(LYNN, 0, 2, 2025), Span(GULF, 1, 2, 2025)], 2, KNOWN)
    ElementTree.fromstring(drawn.svg)  # noqa: S314 - made here
    assert colours(drawn.svg) == {"Bay County, FL": "c1", "Gulf County, FL": "c1"}
    assert 'class="c0 away"' in drawn.svg
    assert {name for name, _, _ in drawn.counties} == {"Bay County, FL", "Gulf County, FL"}
    assert "<County>" not in drawn.svg


def test_agreements_are_in_the_frames_between_their_publications() -> None:
    spans = framed(
        [(BAY, "2025-05-01 a", None), (LYNN, "2025-04-01 a", "2025-05-01 a")],
        ["2025-04-15 a", "2025-05-01 a"],
    )
    assert [(one.since, one.until) for one in spans] == [(1, 2), (0, 1)]


@pytest.mark.parametrize(("by", "colour"), [("level", "c0"), ("model", "c0"), ("year", "c0")])
def test_a_county_is_coloured_by_what_is_asked(by: str, colour: str) -> None:
    drawn = county_map([Span(BAY, 0, 1, 2024), Span(LYNN, 0, 1, 2025)], 1, KNOWN, by)  # type: ignore[arg-type]
    assert colours(drawn.svg) == {"Bay County, FL": colour}


def test_a_states_map_holds_that_state_alone_and_links_its_counties() -> None:
    drawn = county_map([Span(BAY, 0, 1, 2025)], 1, KNOWN, state="FL", link="/changes?county=")
    assert 'href="/changes?county=12005"' in drawn.svg
    assert county_map([Span(BAY, 0, 1, 2025)], 1, KNOWN, state="GA").counties == []


def test_towns_lie_in_the_shapes_of_their_counties() -> None:
    """The projection is the one by which the shapes were made."""
    shapes = KNOWN.shapes()
    wrong = 0
    towns = [one for one in KNOWN.towns() if one.state in ("FL", "AK", "HI", "KS", "ME", "WA")][::11]
    for town in towns:
        point = albers(town.longitude, town.latitude)
        assert point is not None
        rings = [_points(shapes, ring) for ring in shapes["counties"][town.fips]]
        xs, ys = [x for ring in rings for x, _ in ring], [y for ring in rings for _, y in ring]
        wrong += not (min(xs) - 1 <= point[0] <= max(xs) + 1 and min(ys) - 1 <= point[1] <= max(ys) + 1)
    assert len(towns) > 150
    assert wrong == 0


def _points(shapes: dict, ring: list[int]) -> list[tuple[float, float]]:  # type: ignore[type-arg]
    points = []
    for index in ring:
        x = y = 0
        steps = shapes["fine"][index if index >= 0 else ~index]
        for dx, dy in zip(steps[::2], steps[1::2], strict=True):
            x, y = x + dx, y + dy
            points.append((x / shapes["step"], y / shapes["step"]))
    return points


def test_a_picture_for_cards() -> None:
    assert png(county_map([Span(BAY, 0, 1, 2025)], 1, KNOWN, state="FL").svg, 300)[:8] == b"\x89PNG\r\n\x1a\n"
