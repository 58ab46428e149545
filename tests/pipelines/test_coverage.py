"""Coverage never counts twice, never exceeds the whole, never falls when an agreement is added, in any order."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipelines.places.coverage import Placed, coverage
from pipelines.registers import registers

KNOWN = registers()
COUNTIES = [
    one.fips for one in KNOWN.counties() if one.state in ("FL", "VA", "AK", "CT") and len(one.fips) == 5
]
TOWNS = [one for one in KNOWN.towns() if one.state in ("FL", "VA")][::9]
POLICE = [one for one in KNOWN.agencies() if one.state in ("FL", "VA") and one.type in ("City", "County")][
    ::7
]
PARTS = ("counties", "people", "sheriffs", "police")


def placed(level: str, fips: list[str], town: Any, agency: Any, model: str) -> Placed:
    if level == "municipal":
        return Placed(town.state, model, level, (town.fips,), town.id, agency.ori if agency else None)
    return Placed("FL", model, level, tuple(dict.fromkeys(fips)), None, agency.ori if agency else None)


agreements = st.lists(
    st.builds(
        placed,
        st.sampled_from(["county", "county", "municipal", "regional", "state", "other"]),
        st.lists(st.sampled_from(COUNTIES), max_size=3),
        st.sampled_from(TOWNS),
        st.one_of(st.none(), st.sampled_from(POLICE)),
        st.sampled_from(["TFM", "WSO", "JEM"]),
    ),
    max_size=12,
)


def counted(told: dict[str, Any]) -> list[int]:
    parts = [told, *told["by_state"].values()]
    return [part[name]["count"] for part in parts for name in PARTS]


@given(agreements, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(some: list[Placed], chance: Any) -> None:
    told = coverage(some, KNOWN)
    shuffled = [*some, *some]
    chance.shuffle(shuffled)
    again = coverage(shuffled, KNOWN)
    assert [again[name] for name in PARTS] == [told[name] for name in PARTS]
    assert again["by_state"] == told["by_state"]
    assert again["by_level"] == told["by_level"]


@given(agreements)
def test_no_part_exceeds_its_whole(some: list[Placed]) -> None:
    told = coverage(some, KNOWN)
    for part in (told, *told["by_state"].values()):
        for name in PARTS:
            assert 0 <= part[name]["count"] <= part[name]["of"]
        assert part["people"]["in_counties"] + part["people"]["in_towns"] == part["people"]["count"]


@given(agreements, agreements)
def test_adding_never_lowers(some: list[Placed], more: list[Placed]) -> None:
    before, after = coverage(some, KNOWN), coverage([*some, *more], KNOWN)
    for name in PARTS:
        assert after[name]["count"] >= before[name]["count"]
    for state, part in before["by_state"].items():
        assert all(after["by_state"][state][name]["count"] >= part[name]["count"] for name in PARTS)


def test_a_town_in_a_covered_county_counts_once() -> None:
    town = next(one for one in TOWNS if one.state == "FL")
    county = Placed("FL", "WSO", "county", (town.fips,))
    police = Placed("FL", "TFM", "municipal", (town.fips,), town.id)
    people = next(one.population for one in KNOWN.counties() if one.fips == town.fips)
    assert coverage([police], KNOWN)["people"]["count"] == town.population
    both = coverage([county, police], KNOWN)
    assert both["people"]["count"] == people
    assert both["counties"]["count"] == 1


def test_what_has_no_county_is_said() -> None:
    told = coverage([Placed("VA", "WSO", "regional"), Placed("VA", "TFM", "state")], KNOWN)
    assert (told["without_county"], told["of_whole_states"]) == (1, 1)
    assert told["people"]["count"] == 0
