"""Coverage in words: of the nation, of a state, and what became of it in a period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from pipelines.history.places import coverage_at
from pipelines.registers import Registers, registers
from scraper.lists import PublishedList

Record = Mapping[str, Any]
GROWN = (
    ("counties", "counties"),
    ("people", "people"),
    ("sheriffs", "sheriffs"),
    ("police", "police departments"),
)


def coverage_json(
    connection: Connection,
    declaration: PublishedList,
    place: str,
    before: str | None,
    known: Registers | None = None,
) -> dict[str, Any] | None:
    """At one publication, and by how much that is more than at another; None for a list without places."""
    if not declaration.has_places:
        return None
    known = known or registers()
    told = coverage_at(connection, declaration.name, place, known)
    then = coverage_at(connection, declaration.name, before, known) if before else None
    told["since_start"] = then and {name: told[name]["count"] - then[name]["count"] for name, _ in GROWN}
    told["registers"] = {one.name: f"{one.source}; {one.version}" for one in known.about}
    return told


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def coverage_sentences(told: Record | None) -> list[str]:
    if told is None:
        return []
    counties, people = told["counties"], told["people"]
    said = [
        f"At least one of them is in {counties['count']:,} of {counties['of']:,} counties "
        f"({percent(counties['share'])}).",
        f"{people['count']:,} people ({percent(people['share'])}) live in counties with one of the county's own "
        f"({people['in_counties']:,}) or in towns with one outside these ({people['in_towns']:,}).",
        f"They are with {_kinds(told)}.",
    ]
    grown = told.get("since_start") or {}
    if any(grown.values()):
        more = [f"{grown[name]:+,} {noun}" for name, noun in GROWN if grown.get(name)]
        said.append(f"Since the start of the period: {', '.join(more)}.")
    if told.get("without_county"):
        said.append(f"{told['without_county']:,} could not be given a county and are not in these figures.")
    return said


def _kinds(told: Record) -> str:
    parts = [
        f"{told[name]['count']:,} of {told[name]['of']:,} {noun} ({percent(told[name]['share'])})"
        for name, noun in GROWN[2:]
    ]
    return " and ".join(parts) + " that the FBI's register has"
