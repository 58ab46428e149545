"""Plausible agencies of real U.S. counties and towns. None of them is said to have signed anything."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

import us

from pipelines.registers import registers

# States whose sheriffs and town police exist under these names (not parishes, boroughs or unified states).
_STATES = (
    "AL",
    "AR",
    "FL",
    "GA",
    "ID",
    "KS",
    "MO",
    "MS",
    "NC",
    "NE",
    "OH",
    "OK",
    "PA",
    "SC",
    "TN",
    "TX",
    "WY",
)
_SHARE_OF_TOWNS = 0.4
_SEED = 287
_TOWN = 15_000


@dataclass(frozen=True, slots=True)
class Agency:
    state: str
    name: str
    type: str
    county: str


@cache
def agencies() -> tuple[Agency, ...]:
    """Agencies of different names, in an order that looks random and is always the same."""
    known = registers()
    sheriffs = [
        Agency(_printed(county.state), f"{county.name} Sheriff's Office", "County", county.name)
        for county in known.counties()
        if county.state in _STATES and county.name.endswith(" County") and county.name.isascii()
    ]
    police = [
        Agency(_printed(town.state), f"{town.name} Police Department", "Municipality", "")
        for town in known.towns()
        if town.state in _STATES and town.population >= _TOWN and _plain(town.name)
    ]
    chance = random.Random(_SEED)  # noqa: S311 - the same demo for everyone, not a secret
    pool = [
        *chance.sample(sorted(sheriffs, key=_order), 600),
        *chance.sample(sorted(police, key=_order), int(600 * _SHARE_OF_TOWNS)),
    ]
    chance.shuffle(pool)
    return tuple({agency.name: agency for agency in pool}.values())


def _printed(state: str) -> str:
    return str(us.states.mapping("abbr", "name")[state]).upper()


def _order(agency: Agency) -> tuple[str, str]:
    return agency.state, agency.name


def _plain(name: str) -> bool:
    return name.isascii() and name.replace(" ", "").isalpha()
