from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.spiders.page import page_evidence

STATEMENT = (
    "As of April 8, 2025, at 4 p.m., ICE has signed 444 Memorandums of Agreement for 287(g) programs "
    "covering 38 states."
)


def test_what_the_page_says_of_itself() -> None:
    html = f"""<p>{STATEMENT}</p><ul><li>JEM: 85</li><li>WSO: 142</li><li>TFM: 217</li></ul>
    <footer>Updated: <time datetime="2025-04-08T17:06:06-04:00">04/08/2025</time></footer>"""
    assert page_evidence(html) == {
        "agreements": 444,
        "states": 38,
        "as_of": "2025-04-08T16:00",
        "as_of_text": "As of April 8, 2025, at 4 p.m.",
        "by_support_type": {"JEM": 85, "WSO": 142, "TFM": 217},
        "updated": "2025-04-08T17:06:06-04:00",
    }


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("85 JEM, 142 WSO and 217 TFM agreements", {"JEM": 85, "WSO": 142, "TFM": 217}),
        ("JEM 85 WSO 142 TFM 217", {"JEM": 85, "WSO": 142, "TFM": 217}),
        (
            "287(g) Jail Enforcement Model agreements with 85 agencies in 24 states. 287(g) Warrant Service "
            "Officer agreements with 142 agencies. 287(g) Task Force Model agreements with 1,217 agencies.",
            {"JEM": 85, "WSO": 142, "TFM": 1217},
        ),
        ("The 287(g) Jail Enforcement Model is old.", {}),
    ],
)
def test_counts_stand_before_or_behind_their_models(text: str, counts: dict[str, int]) -> None:
    assert page_evidence(f"<p>{text}</p>").get("by_support_type", {}) == counts


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ICE has 1,036 MOAs covering 40 states", {"agreements": 1036, "states": 40}),
        ("As of Sept. 3, 2025, noon: nothing", {"as_of_text": "As of Sept. 3, 2025, noon"}),
        ("as of January 31, 2026 at 10:30 a.m.", {"as_of": "2026-01-31T10:30"}),
        ("As of January 31, 2026, all is well", {"as_of": "2026-01-31"}),
        ("As of February 31, 2026", {"as_of_text": "As of February 31, 2026"}),
        ("Section 287(g) agreements", {}),
    ],
)
def test_sentences_of_other_shapes(text: str, told: dict[str, Any]) -> None:
    found = page_evidence(f"<p>{text}</p>")
    assert {name: found.get(name) for name in told} == told
    if not told:
        assert found == {}


def test_scripts_say_nothing() -> None:
    assert page_evidence("<script>signed 444 agreements</script>") == {}


@given(st.text(max_size=200) | st.text(alphabet="287(g) 0123456789,.JEM states<>as of May", max_size=200))
def test_no_page_makes_it_crash(html: str) -> None:
    page_evidence(html)
