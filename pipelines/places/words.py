"""A person's word on where an agreement is goes before what the rules find; what it does not speak of stays."""

from __future__ import annotations

from dataclasses import replace

from pipelines.places.draft import Draft, PlaceFacts
from pipelines.places.index import Force, state_index
from pipelines.registers import Agency, Registers


def with_word(
    facts: PlaceFacts, fips: str | None, ori: str | None, word: str, state: str | None, registers: Registers
) -> PlaceFacts:
    """`fips` are counties with a blank between two, None where the word is not about them; so with `ori`."""
    draft = Draft(registers)
    about: set[str] = set()
    if fips is not None:
        about.add("fips")
        known = state_index(registers, state or "").by_fips
        draft.counties([known[code] for code in fips.split() if code in known], word, 1.0)
        draft.unknown("fips", word)
        facts = replace(facts, fips=draft.fips)
    if ori is not None:
        about |= {"ori", "population", "officers"}
        agency = agency_of(registers, ori)
        if agency:
            draft.number(Force(agency, (), ""), word, 1.0)
        draft.unknown("ori", word)
        people, officers = (agency.population or None, agency.officers or None) if agency else (None, None)
        facts = replace(facts, ori=agency.ori if agency else None, population=people, officers=officers)
    kept = [one for one in facts.evidence if one.fact not in about]
    return replace(facts, evidence=(*kept, *draft.evidence))


def agency_of(registers: Registers, ori: str) -> Agency | None:
    return next((one for one in registers.agencies() if one.ori == ori), None)
