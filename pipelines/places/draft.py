"""What is found of one agreement's place, each fact with its evidence or with the reason why it is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.places.index import Force
from pipelines.registers import Agency, County, Registers, Town

FACTS = ("level", "fips", "place", "ori", "population", "officers")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a fact is what it is; or, where it is unknown, why (then only `fact` and `unknown` say something)."""

    fact: str
    register: str = ""
    row: str = ""
    rule: str = ""
    score: float = 0.0
    unknown: str = ""

    def as_json(self) -> dict[str, Any]:
        if self.unknown:
            return {"fact": self.fact, "unknown": self.unknown}
        return {
            "fact": self.fact,
            "register": self.register,
            "row": self.row,
            "rule": self.rule,
            "score": self.score,
        }


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    level: str | None = None
    fips: tuple[str, ...] = ()
    place: int | None = None
    ori: str | None = None
    population: int | None = None
    officers: int | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(slots=True)
class Draft:
    """What is found so far, by one agreement's own rules."""

    registers: Registers
    fips: tuple[str, ...] = ()
    place: int | None = None
    agency: Agency | None = None
    evidence: list[Evidence] = field(default_factory=list)

    def county(self, found: County, rule: str, score: float) -> None:
        self.counties([found], rule, score)

    def counties(self, found: Sequence[County], rule: str, score: float) -> None:
        self.fips = tuple(dict.fromkeys(county.fips for county in found))
        register = f"counties {self.registers.of('counties').version}"
        for county in found:
            self.evidence.append(Evidence("fips", register, f"{county.fips} {county.name}", rule, score))

    def town(self, town: Town, rule: str, score: float) -> None:
        self.place = town.id
        register = f"towns {self.registers.of('towns').version}"
        row = f"{town.id} {town.name}, {town.state}, in {town.fips}"
        self.evidence.append(Evidence("place", register, row, rule, score))

    def number(self, force: Force, rule: str, score: float) -> None:
        self.agency = force.agency
        register = f"agencies {self.registers.of('agencies').version}"
        row = f"{force.agency.ori} {force.agency.name} ({', '.join(force.agency.counties)})"
        self.evidence.append(Evidence("ori", register, row, rule, score))

    def says(self, fact: str) -> bool:
        return any(one.fact == fact for one in self.evidence)

    def unknown(self, fact: str, reason: str) -> None:
        if not self.says(fact):
            self.evidence.append(Evidence(fact, unknown=reason))
