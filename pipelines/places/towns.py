"""A town's police and place: one of each at most, and both of one county."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from pipelines.names.gazetteer import squeeze
from pipelines.names.likeness import Name
from pipelines.places.draft import Draft
from pipelines.places.index import Force, StateIndex, body_text
from pipelines.registers import County, Town

FORMS = ("township", "borough", "village")
_BEFORE_TOWN = re.compile(r"^(?:city|town|village|borough|township) of ")
_TWO = "two such towns, and nothing says which"
_DISAGREE = "the registers name two counties"


def town_keys(name: Name, agency: str) -> tuple[str, ...]:
    """The town's name as it may stand in a register, its form included or not."""
    with_form = squeeze(" ".join((*name.words, name.form)))
    whole = squeeze(_BEFORE_TOWN.sub("", body_text(agency)))
    return tuple(dict.fromkeys((whole, with_form, name.squeezed)))


@dataclass(frozen=True, slots=True)
class TownFinder:
    """`printed` is the county that the column `column` means."""

    index: StateIndex
    draft: Draft
    name: Name
    agency: str
    printed: County | None
    column: str

    def find(self) -> bool:
        """Whether the registers have such a town, or several; what they say is in the draft then."""
        return self._of_names(town_keys(self.name, self.agency), "", 1.0) or self._misspelt()

    def _misspelt(self) -> bool:
        """A slip, or "Sunny Isles" for the only name that begins so."""
        if self.name.form == "township":
            return False
        key = self.name.squeezed
        real = frozenset(chain(self.index.towns, self.index.city_police))
        if near := self.index.near(key, real, 7):
            return self._of_names((near,), f"“{key}” read as the only one near it", 0.9)
        longer = [name for name in real if name.startswith(key)] if len(key) >= 8 else []
        if len(longer) == 1 and longer[0] in self.index.towns and longer[0] in self.index.city_police:
            return self._of_names(longer, "the only name that begins so", 0.85)
        return False

    def _of_names(self, keys: Iterable[str], note: str, score: float) -> bool:
        forces: list[Force] = []
        towns: list[Town] = []
        for key in keys:
            forces = forces or self._of_form(self.index.city_police.get(key, ()))
            if self.name.form != "township":
                towns = towns or self.index.towns.get(key, [])
        if not forces and not towns:
            return False
        if self.printed:
            forces = [force for force in forces if self.printed.fips in force.fips] or forces
            towns = [town for town in towns if town.fips == self.printed.fips] or towns
        counties = {force.fips for force in forces} or {(town.fips,) for town in towns}
        if len(counties) > 1:
            return self._unknown(_TWO)
        if len({force.agency.ori for force in forces}) > 1:
            self.draft.unknown("ori", "two agencies of this name there")
        return self._of_one_county(forces[0] if forces else None, towns, note, score)

    def _of_one_county(self, force: Force | None, towns: Sequence[Town], note: str, score: float) -> bool:
        if force and force.fips:
            there = [town for town in towns if town.fips in force.fips]
            if towns and not there and not (self.printed and self.printed.fips in force.fips):
                return self._unknown(_DISAGREE)
            towns = there
        elif len({town.fips for town in towns}) > 1:
            return self._unknown(_TWO)
        # GeoNames has some towns twice, as the town and as its middle.
        town = max(towns, key=lambda one: one.population) if towns else None
        return self.settle(force, town, note, score)

    def _unknown(self, reason: str) -> bool:
        for fact in ("fips", "place", "ori"):
            self.draft.unknown(fact, reason)
        return True

    def settle(self, force: Force | None, town: Town | None, note: str, score: float) -> bool:
        """Write down a town's counties, place and number, unless the printed county speaks against them."""
        counties = force.fips if force and force.fips else (town.fips,) if town else ()
        wrong = self.printed is not None and self.printed.fips not in counties
        if wrong and (force is None or town is None or self.name.form == "township"):
            for fact in ("place", "ori"):
                self.draft.unknown(fact, "the one of this name is not in the printed county")
            return True
        if not counties:
            return False
        score = min(score, 0.9) if wrong else score
        rule = "the county of its town" + (f", not the printed one ({self.column.strip()})" if wrong else "")
        self._county(counties, town, f"{rule}; {note}" if note else rule, score)
        if town:
            self.draft.town(town, note or "the town of its name", score)
        self.draft.unknown("place", "the register of towns has none of this name there")
        if force and not self.draft.says("ori") and self.name.kinds & {"police", "safety", "marshal"}:
            self.draft.number(force, note or "the police of its town", score)
        self.draft.unknown(
            "ori", "it is not the town's police" if force else "no agency of this name is in the register"
        )
        return True

    def _county(self, counties: tuple[str, ...], town: Town | None, rule: str, score: float) -> None:
        """The county of the column, else of the town's middle."""
        names = " and ".join(self.index.by_fips[fips].name for fips in counties)
        if self.printed and self.printed.fips in counties:
            home = self.printed.fips
        elif town:
            home = town.fips
        elif len(counties) == 1:
            home = counties[0]
        else:
            self.draft.unknown("fips", f"it lies in {names}, and its middle is unknown")
            return
        if len(counties) > 1:
            rule += f"; it lies in {names}"
        self.draft.county(self.index.by_fips[home], rule, score)

    def _of_form(self, forces: Iterable[Force]) -> list[Force]:
        form = self.name.form
        if form == "township":
            return [force for force in forces if force.form == "township"]
        plain = [force for force in forces if not force.form or force.form == form]
        if form:
            return [force for force in plain if force.form] or plain
        return plain or [force for force in forces if force.form != "township"]
