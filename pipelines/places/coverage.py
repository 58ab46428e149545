"""How much of the country agreements cover: counties, people, agencies of their kind; nothing counted twice.

Pure. Two agreements of one county, town or agency count once; the order of the agreements does not matter; one more
agreement never lowers a figure; and no figure exceeds the whole that it is a part of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pipelines.places.index import state_index
from pipelines.registers import Agency, Registers


@dataclass(frozen=True, slots=True)
class Placed:
    """An agreement as far as coverage is concerned."""

    state: str | None
    model: str | None
    level: str | None
    fips: tuple[str, ...] = ()
    place: int | None = None
    ori: str | None = None
    agency: str = ""


@dataclass(frozen=True, slots=True)
class Whole:
    """What there is: people by county and by state, towns' people, agencies by number."""

    states: dict[str, str]
    people: dict[str, int]
    of_state: dict[str, int]
    towns: dict[int, int]
    agencies: dict[str, Agency]
    sheriffs: dict[str, frozenset[str]]
    police: dict[str, frozenset[str]]


@lru_cache(maxsize=2)
def whole(registers: Registers) -> Whole:
    counties = [one for one in registers.counties() if len(one.fips) == 5 and one.population is not None]
    states = {one.fips: one.state for one in counties}
    agencies = {agency.ori: agency for agency in registers.agencies()}
    known = set(states.values())
    sheriffs = (state_index(registers, state).sheriff(fips) for fips, state in states.items())
    police = (one for one in agencies.values() if one.type == "City" and one.state in known)
    return Whole(
        states,
        {one.fips: one.population or 0 for one in counties},
        {one.state: one.population or 0 for one in registers.counties() if len(one.fips) == 2},
        {town.id: town.population for town in registers.towns()},
        agencies,
        _by_state(force.agency for force in sheriffs if force),
        _by_state(police),
    )


def _by_state(agencies: Iterable[Agency]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for agency in agencies:
        found[agency.state].add(agency.ori)
    return {state: frozenset(oris) for state, oris in found.items()}


def coverage(agreements: Iterable[Placed], registers: Registers) -> dict[str, Any]:
    """The figures of a list: nation, levels, models and states, with what could not be placed."""
    all_of_it = whole(registers)
    placed = [*agreements]
    told = _of(placed, all_of_it, all_of_it.states, sum(all_of_it.of_state.values()))
    told["by_level"] = _counties_by(placed, all_of_it, "level")
    told["by_model"] = _counties_by(placed, all_of_it, "model")
    told["agreements"] = len(placed)
    told["without_county"] = sum(not one.fips for one in placed if one.level != "state")
    told["of_whole_states"] = sum(one.level == "state" for one in placed)
    by_state: dict[str, list[Placed]] = defaultdict(list)
    for one in placed:
        by_state[one.state or ""].append(one)
    told["by_state"] = {
        state: _of(
            by_state[state],
            all_of_it,
            {fips: of for fips, of in all_of_it.states.items() if of == state},
            all_of_it.of_state[state],
        )
        for state in sorted(by_state)
        if state in all_of_it.of_state
    }
    return told


def _of(placed: Iterable[Placed], known: Whole, counties: dict[str, str], people: int) -> dict[str, Any]:
    """Within some counties with so many people."""
    any_of = {fips for one in placed for fips in one.fips if fips in counties}
    of_county = {fips for one in placed if one.level == "county" for fips in one.fips if fips in counties}
    in_counties = sum(known.people[fips] for fips in of_county)
    in_towns = _in_towns(placed, known, counties.keys() - of_county)
    oris = {one.ori for one in placed if one.ori}
    states = set(counties.values())
    return {
        "counties": _part(len(any_of), len(counties)),
        "people": {
            "in_counties": in_counties,
            "in_towns": in_towns,
            **_part(in_counties + in_towns, people),
        },
        "sheriffs": _part(*_agencies(oris, known.sheriffs, states)),
        "police": _part(*_agencies(oris, known.police, states)),
    }


def _in_towns(placed: Iterable[Placed], known: Whole, counties: Iterable[str]) -> int:
    """People of towns with an agreement, in counties without one of the county; no more than live there."""
    inside = set(counties)
    towns: dict[str, dict[Any, int]] = defaultdict(dict)
    for one in placed:
        if one.level != "municipal" or not one.fips or one.fips[0] not in inside:
            continue
        agency = known.agencies.get(one.ori or "")
        people = (agency.population if agency and agency.type == "City" else 0) or known.towns.get(
            one.place or 0, 0
        )
        town = towns[one.fips[0]]
        key = one.place or one.ori
        town[key] = max(people, town.get(key, 0))
    return sum(min(known.people[fips], sum(found.values())) for fips, found in towns.items())


def _agencies(oris: set[str], kind: dict[str, frozenset[str]], states: set[str]) -> tuple[int, int]:
    there = [kind[state] for state in states if state in kind]
    return sum(len(oris & of) for of in there), sum(len(of) for of in there)


def _part(part: int, of: int) -> dict[str, Any]:
    return {"count": part, "of": of, "share": round(part / of, 4) if of else None}


def _counties_by(placed: Iterable[Placed], known: Whole, name: str) -> dict[str, int]:
    found: dict[str, set[str]] = defaultdict(set)
    for one in placed:
        found[getattr(one, name) or ""].update(fips for fips in one.fips if fips in known.people)
    return {key: len(fips) for key, fips in sorted(found.items()) if fips}
