"""Charts are pictures that say what they show, in the colours around them, whatever the machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import us
import vl_convert
from lxml import etree

from changelog import charts
from changelog.charts.places import TILES
from pipelines.history.figures import Totals, totals_between
from pipelines.installation import Installation

SVG = "{http://www.w3.org/2000/svg}"
Draw = Callable[[Sequence[Totals]], str]
DRAWN: dict[str, Draw] = {
    "growth": charts.growth,
    "models": charts.model_mix,
    "map": lambda series: charts.state_map(series[-1].by_state if series else {}),
    "weekly": lambda series: charts.weekly_additions(series, date(2025, 10, 27)),
}


@pytest.fixture(scope="module")
def series(told: Installation) -> list[Totals]:
    with told.engine.connect() as connection:
        return totals_between(connection, "participating")


def totals(day: int, agreements: int, **more: Any) -> Totals:
    at = datetime(2025, 5, 1, 23, 30, tzinfo=UTC) + timedelta(days=day)
    values = {
        "agencies": agreements,
        "by_state": {"TX": agreements},
        "by_support_type": {"TFM": agreements},
        "counts": {},
    }
    return Totals(
        "participating", str(at), at, at, "list.xlsx", "", agreements=agreements, **{**values, **more}
    )


@pytest.mark.parametrize("name", DRAWN)
def test_a_chart_is_an_image_with_a_name_and_words(name: str, series: list[Totals]) -> None:
    root = etree.fromstring(DRAWN[name](series).encode())
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    told = {child.get("id"): child.text for child in root if child.tag in (f"{SVG}title", f"{SVG}desc")}
    assert root.get("aria-labelledby", "").split() == list(told)
    assert all(text and len(text) > 10 for text in told.values())
    assert not [e for e in root.iter() if e is not root and (e.get("role") or e.get("style"))]
    assert root.get("viewBox")


@pytest.mark.parametrize("name", DRAWN)
def test_a_chart_takes_the_ink_around_it(name: str, series: list[Totals]) -> None:
    svg = DRAWN[name](series)
    assert 'fill="currentColor"' in svg
    assert 'fill="#000"' not in svg
    assert 'fill="white"' not in svg


@pytest.mark.parametrize("name", DRAWN)
def test_a_chart_of_nothing_says_so(name: str) -> None:
    root = etree.fromstring(DRAWN[name]([]).encode())
    assert root.get("role") == "img"
    assert vl_convert.svg_to_png(etree.tostring(root).decode())


def described(svg: str) -> str:
    return str(etree.fromstring(svg.encode()).findtext(f"{SVG}desc"))


def test_the_words_have_the_figures(series: list[Totals]) -> None:
    assert "From 134 agreements" in described(charts.growth(series))
    assert "to 222 of" in described(charts.growth(series))
    assert "week of 29 September 2025: 55 added, 0 removed" in described(DRAWN["weekly"](series))
    models = described(charts.model_mix(series))
    assert all(f"{count:,}" in models for count in series[-1].by_support_type.values())


def test_every_state_and_territory_has_a_square() -> None:
    expected = {state.abbr for state in us.states.STATES_AND_TERRITORIES} | {"DC"}
    assert set(TILES) == expected
    assert len(set(TILES.values())) == len(TILES)


def test_what_is_not_on_the_map_is_named() -> None:
    said = described(charts.state_map({"TX": 3, "": 2}))
    assert "Texas 3" in said
    assert "Not on the map: no state." in said


def test_support_types_of_the_future_are_drawn_and_escaped() -> None:
    future = [totals(0, 5, by_support_type={"TFM": 3, "<b>New</b> & co": 2}), totals(9, 6)]
    svg = charts.model_mix(future)
    etree.fromstring(svg.encode())
    assert "<b>" not in svg
    assert "&lt;b&gt;New" in svg


def test_a_week_is_of_the_lists_own_time_zone() -> None:
    # 23:30 UTC on Sunday 4 May 2025 is Monday in Tokyo.
    late = [totals(3, 7, counts={"added": 7})]
    assert "week of 28 April 2025: 7" in described(charts.weekly_additions(late, date(2025, 5, 12)))
    tokyo = charts.weekly_additions(late, date(2025, 5, 12), time_zone="Asia/Tokyo")
    assert "week of 5 May 2025: 7" in described(tokyo)


DRAWING = """
from datetime import UTC, date, datetime, timedelta
from changelog import charts
from pipelines.history.figures import Totals
days = [datetime(2025, 5, 1, 23, 30, tzinfo=UTC) + timedelta(days=n) for n in range(40)]
series = [Totals("", "", d, d, "", "", 5 + n, 5, {}, {}, {"added": 1}) for n, d in enumerate(days)]
print(charts.growth(series), charts.weekly_additions(series, date(2025, 6, 9)))
"""


@pytest.mark.long
def test_the_machines_time_zone_draws_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = set()
    for zone in ("UTC", "America/Los_Angeles"):
        monkeypatch.setenv("TZ", zone)
        drawn.add(subprocess.run([sys.executable, "-c", DRAWING], capture_output=True, check=True).stdout)
    assert len(drawn) == 1


def test_altair_waits_for_the_first_chart() -> None:
    program = "import sys, changelog.charts, changelog.reports; print('altair' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
