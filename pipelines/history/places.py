"""Where agreements are, as it was recorded; and which agreements are in a county or of a level."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, or_, select

from pipelines.history.agreements import agreements_at
from pipelines.history.baseline import as_agreement
from pipelines.history.dump import all_intervals
from pipelines.places.coverage import Placed, coverage
from pipelines.registers import Registers
from pipelines.tables import intervals, places
from pipelines.values import Agreement

CHUNK = 500


@dataclass(frozen=True, slots=True)
class StoredPlace:
    """The place facts of an agreement, as every channel shows them."""

    agreement_id: str
    level: str | None
    fips: tuple[str, ...]
    place: int | None
    ori: str | None
    population: int | None
    officers: int | None
    evidence: Sequence[Mapping[str, Any]]

    def as_json(self) -> dict[str, Any]:
        return {
            "level": self.level,
            "fips": list(self.fips) or None,
            "place": self.place,
            "ori": self.ori,
            "population": self.population,
            "officers": self.officers,
            "place_evidence": list(self.evidence),
        }


NOWHERE = StoredPlace("", None, (), None, None, None, None, ())


def latest(
    connection: Connection, list_name: str, ids: Collection[str] | None = None
) -> dict[str, Agreement]:
    """What the list last said of each agreement."""
    query = select(intervals).where(intervals.c.list == list_name)
    if ids is not None:
        query = query.where(intervals.c.agreement_id.in_(ids))
    rows = connection.execute(query.order_by(intervals.c.from_place))
    return {row.agreement_id: as_agreement(row) for row in rows}


def begun_since(connection: Connection, list_name: str, place: str) -> list[str]:
    """Agreements of which publications at or after `place` said something new."""
    query = select(intervals.c.agreement_id).where(
        intervals.c.list == list_name, intervals.c.from_place >= place
    )
    return list(connection.execute(query.distinct()).scalars())


def list_of(connection: Connection, agreement_id: str) -> str | None:
    query = select(intervals.c.list).where(intervals.c.agreement_id == agreement_id)
    return connection.execute(query.limit(1)).scalar()


def places_of_agreements(connection: Connection, ids: Collection[str]) -> dict[str, StoredPlace]:
    found: dict[str, StoredPlace] = {}
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), CHUNK):
        query = select(places).where(places.c.agreement_id.in_(wanted[start : start + CHUNK]))
        found |= {row.agreement_id: _stored(row) for row in connection.execute(query)}
    return found


def places_of_list(connection: Connection, list_name: str) -> dict[str, StoredPlace]:
    rows = connection.execute(select(places).where(places.c.list == list_name))
    return {row.agreement_id: _stored(row) for row in rows}


def all_places(connection: Connection) -> dict[str, StoredPlace]:
    return {row.agreement_id: _stored(row) for row in connection.execute(select(places))}


def agreements_in(counties: Sequence[str], levels: Sequence[str]) -> Select[Any]:
    """The ids of agreements in any of the counties and of any of the levels; an empty sequence asks for none."""
    query = select(places.c.agreement_id)
    if counties:
        query = query.where(or_(*(places.c.fips.like(f"%{code}%") for code in counties)))
    return query.where(places.c.level.in_(levels)) if levels else query


def evidence_of_word(word: Row[Any]) -> str:
    return f"the word of {word.by} of {word.at:%Y-%m-%d}: {word.note}"


def _stored(row: Row[Any]) -> StoredPlace:
    return StoredPlace(
        row.agreement_id, row.level, tuple(row.fips.split()), row.place, row.ori, row.population, row.officers,
        tuple(row.evidence or ()),
    )  # fmt: skip


def placed_at(connection: Connection, list_name: str, place: str) -> list[Placed]:
    where = places_of_list(connection, list_name)
    found = []
    for one in agreements_at(connection, list_name, place):
        at = where.get(one.agreement_id, NOWHERE)
        found.append(
            Placed(
                one.agreement.state, one.agreement.support_type, at.level, at.fips, at.place, at.ori,
                one.agreement.agency,
            )
        )  # fmt: skip
    return found


def stretches(connection: Connection, list_name: str) -> list[tuple[Placed, str, str | None]]:
    """Of every agreement that the list ever had, where it is and from which publication until which it stood."""
    where = places_of_list(connection, list_name)
    found = []
    for row in all_intervals(connection):
        if row.list == list_name:
            at = where.get(row.agreement_id, NOWHERE)
            placed = Placed(row.state, row.support_type, at.level, at.fips, at.place, at.ori, row.agency)
            found.append((placed, row.from_place, row.until_place))
    return found


def coverage_at(connection: Connection, list_name: str, place: str, registers: Registers) -> dict[str, Any]:
    return coverage(placed_at(connection, list_name, place), registers)
