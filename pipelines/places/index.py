"""The registers, ready to be asked: counties, towns and agencies of a state by name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import OSA

from pipelines.names.gazetteer import squeeze
from pipelines.names.likeness import STATE_NAMES, name_key
from pipelines.registers import Agency, County, Registers, Town

_ENDINGS = re.compile(
    r" (county|parish|city and borough|borough|census area|municipality|municipio|city|district|island"
    r"|planning region)$"
)
_FORM = re.compile(r" (township|village|borough|town)$")
_FORM_BEFORE = re.compile(r"^(township|village|borough|town|city) of ")
_OF_COUNTY = re.compile(r", [^,]+ County$")
# Cut off an agency's name before it is compared with one of the register.
_BEFORE = re.compile(r"^(?:the |state of |department of |office of (?:the )?)")
_BEHIND = re.compile(
    r" (?:police services?|police (?:department|dept)|pd|department|dept|office|headquarters|statewide"
    r"|department of public safety|public safety|dps|board of trustees|board of regents|police|tribal|tribe)$"
)
_POLICE = re.compile(r"\b(?:police|public safety|marshal|constable)\b", re.I)


class Place(NamedTuple):
    """A county, and how its name was written: county, parish, city, ..."""

    county: County
    base: str
    form: str


class Force(NamedTuple):
    """An agency of the register, with the counties that its column names as far as they are counties."""

    agency: Agency
    fips: tuple[str, ...]
    form: str


class StateIndex:
    """One state's part of the registers."""

    def __init__(
        self, state: str, counties: Iterable[County], towns: Iterable[Town], agencies: Iterable[Agency]
    ) -> None:
        self.state = state
        self.counties: dict[str, list[Place]] = defaultdict(list)
        self.by_fips: dict[str, County] = {}
        for county in counties:
            base, form = split_county(county.name)
            self.counties[squeeze(base)].append(Place(county, squeeze(base), form))
            self.by_fips[county.fips] = county
        self.towns: dict[str, list[Town]] = defaultdict(list)
        for town in towns:
            self.towns[squeeze(town.name)].append(town)
        self.city_police: dict[str, list[Force]] = defaultdict(list)
        self.county_forces: dict[str, list[Force]] = defaultdict(list)
        self.others: dict[tuple[bool, str], list[Force]] = defaultdict(list)
        for agency in agencies:
            self._add(agency)

    def _add(self, agency: Agency) -> None:
        fips = tuple(
            county.fips for name in agency.counties if (county := self.printed_by_the_fbi(name)) is not None
        )
        if len(fips) != len(agency.counties):
            fips = ()
        if agency.type == "City":
            name = _OF_COUNTY.sub("", agency.name).casefold()
            found = _FORM.search(name) or _FORM_BEFORE.search(name)
            force = Force(agency, fips, found[1] if found else "")
            for key in {squeeze(name), squeeze(_FORM_BEFORE.sub("", _FORM.sub("", name)))}:
                self.city_police[key].append(force)
        elif agency.type == "County" and len(fips) == 1:
            self.county_forces[fips[0]].append(Force(agency, fips, ""))
        if agency.name[-1:] not in ":,":  # cut off there: one of many that are called so
            of_state = agency.type in ("State Police", "Other State Agency")
            key = body_key(agency.name, self.state, of_state)
            self.others[of_state, key].append(Force(agency, fips, ""))

    def printed_by_the_fbi(self, name: str) -> County | None:
        """ "RICHMOND" is the county, "RICHMOND CITY" the city."""
        folded = name.casefold()
        if found := self.counties.get(squeeze(folded)):
            return next((one.county for one in found if one.form != "city"), found[0].county)
        if folded.endswith(" city"):
            found = self.counties.get(squeeze(folded.removesuffix(" city")), [])
            return next((one.county for one in found if one.form == "city"), None)
        return None

    def county(self, text: str, form: str = "") -> list[County]:
        """The counties whose squeezed name is `text`; of a county and a city of one name that of the form."""
        found = self.counties.get(text, [])
        if len(found) > 1 and form:
            wanted = [one for one in found if (one.form == "city") == (form == "city")]
            found = wanted or found
        return [one.county for one in found]

    def near(self, text: str, names: Iterable[str], least: int) -> str | None:
        """The one real name that `text` is a slip of; None where two are near, or it is short."""
        if len(text) < least:
            return None
        allowed = 2 if len(text) >= least + 4 else 1
        distances = {name: OSA.distance(text, name, score_cutoff=2) for name in names}
        near = [name for name, distance in distances.items() if distance <= allowed]
        return near[0] if len(near) == 1 and near[0][0] == text[0] else None

    def sheriff(self, fips: str) -> Force | None:
        """The county's one agency that is not called police."""
        found = [force for force in self.county_forces[fips] if not _POLICE.search(force.agency.name)]
        return found[0] if len(found) == 1 else None

    def county_police(self, fips: str) -> Force | None:
        found = [force for force in self.county_forces[fips] if "police" in force.agency.name.casefold()]
        return found[0] if len(found) == 1 else None

    def same_name(self, agency: str, of_state: bool) -> Force | None:
        """The one agency of the register with this whole name, whatever its kind."""
        found = self.others.get((of_state, body_key(agency, self.state, of_state)), [])
        return found[0] if len(found) == 1 else None


def county_named(registers: Registers, state: str, name: str) -> list[County]:
    """The counties of a state that are called so: "Bay", "Bay County", "Richmond city"."""
    base, form = split_county(name.strip())
    return state_index(registers, state).county(squeeze(base), form or "county")


def split_county(name: str) -> tuple[str, str]:
    folded = name.casefold()
    found = _ENDINGS.search(folded)
    return (folded[: found.start()], found[1]) if found else (folded, "")


@lru_cache(maxsize=1 << 15)
def body_key(agency: str, state: str, of_state: bool) -> str:
    """What two printings of one body share: "Virginia Department of State Police" is "State Police"."""
    if not of_state:
        return squeeze(_BEFORE.sub("", body_text(agency)))
    full = " ".join(STATE_NAMES.get(state, []))
    words = name_key(agency).replace(" and ", " ").removeprefix(f"{full} ")
    for _ in range(2):
        words = _BEFORE.sub("", words)
    words = re.sub(r"(?<=.) (?:department|dept|headquarters|statewide)$", "", words)
    return squeeze(" ".join(word for word in words.split() if word != "state"))


@lru_cache(maxsize=1 << 15)
def body_text(agency: str) -> str:
    """An agency's name without what only says that it is one ("Police Department")."""
    words = name_key(agency)
    while (shorter := _BEHIND.sub("", words)) != words:
        words = shorter
    return words


@lru_cache(maxsize=4)
def _by_state(registers: Registers) -> dict[str, tuple[list[County], list[Town], list[Agency]]]:
    found: dict[str, tuple[list[County], list[Town], list[Agency]]] = defaultdict(lambda: ([], [], []))
    for county in registers.counties():
        if len(county.fips) == 5:
            found[county.state][0].append(county)
    for town in registers.towns():
        found[town.state][1].append(town)
    for agency in registers.agencies():
        found[agency.state][2].append(agency)
    return found


@lru_cache(maxsize=256)
def state_index(registers: Registers, state: str) -> StateIndex:
    return StateIndex(state, *_by_state(registers).get(state, ((), (), ())))
