"""Agencies: found by name, and one agency's whole life across all lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select

from pipelines.history.agreements import StoredAgreement
from pipelines.history.baseline import as_agreement
from pipelines.tables import intervals, publications

FOUND = 200
_HOPS = 4


@dataclass(frozen=True, slots=True)
class FoundAgency:
    """An agency under its newest name. `active` counts its agreements that stand now, over all lists."""

    agency_id: str
    state: str | None
    agency: str
    lists: tuple[str, ...]
    active: int


@dataclass(frozen=True, slots=True)
class Held:
    """What a list said of one agreement from one publication until another (None: it still does)."""

    list: str
    stored: StoredAgreement
    until: str | None


@dataclass(frozen=True, slots=True)
class Spelling:
    """A name of the agency exactly as printed, and when it was first and last taken up."""

    list: str
    state: str
    agency: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Life:
    """`ids` are every id that the agency's names lead to: lists name agencies independently of each other."""

    ids: tuple[str, ...]
    held: Sequence[Held]

    @property
    def spellings(self) -> list[Spelling]:
        spans: dict[tuple[str, str, str], list[str]] = {}
        for item in self.held:
            agreement = item.stored.agreement
            printed = dict(agreement.printed)
            name = printed.get("agency", agreement.agency)
            state = printed.get("state", agreement.state or "")
            spans.setdefault((item.list, state, name), []).append(item.stored.since)
        return [Spelling(*key, min(places), max(places)) for key, places in spans.items()]


def find_agencies(
    connection: Connection, text: str, limit: int = FOUND, *, by: Literal["agency", "county"] = "agency"
) -> list[FoundAgency]:
    """Agencies of which some name (or county) holds every word of the text, by state and name; none without words."""
    words = [word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in text.split()]
    if not words:
        return []
    i = intervals.c
    named = and_(*(i[by].ilike(f"%{word}%", escape="\\") for word in words))
    return _agencies_where(connection, named, limit)


def agencies_from(connection: Connection, letter: str, limit: int = FOUND) -> list[FoundAgency]:
    """Agencies of which some name begins with a letter, by state and name."""
    return _agencies_where(
        connection, func.upper(func.substr(intervals.c.agency, 1, 1)) == letter.upper(), limit
    )


def _agencies_where(connection: Connection, test: ColumnElement[bool], limit: int) -> list[FoundAgency]:
    i = intervals.c
    matching = select(i.agency_id).where(test).distinct().limit(limit)
    rows = connection.execute(
        select(i.agency_id, i.list, i.state, i.agency, i.until_place, i.from_place)
        .where(i.agency_id.in_(matching))
        .order_by(i.from_place, i.id)
    )
    return _gathered(rows.all())


def _gathered(rows: Sequence[Any]) -> list[FoundAgency]:
    """One entry per agency, under the newest of its names."""
    by_agency: dict[str, list[Any]] = {}
    for row in rows:
        by_agency.setdefault(row.agency_id, []).append(row)
    found = [
        FoundAgency(
            identifier,
            lives[-1].state,
            lives[-1].agency,
            tuple(sorted({row.list for row in lives})),
            sum(row.until_place is None for row in lives),
        )
        for identifier, lives in by_agency.items()
    ]
    return sorted(found, key=lambda agency: (agency.state or "", agency.agency, agency.agency_id))


def agency_life(connection: Connection, agency_id: str) -> Life | None:
    """Everything that was ever printed of an agency, by list and agreement, oldest first."""
    ids = _same_agency(connection, {agency_id})
    i = intervals.c
    rows = connection.execute(
        select(intervals).where(i.agency_id.in_(sorted(ids))).order_by(i.list, i.agreement_id, i.from_place)
    ).all()
    if not rows:
        return None
    held = [
        Held(row.list, StoredAgreement(row.agreement_id, row.agency_id, row.from_place, as_agreement(row)),
             row.until_place)
        for row in rows
    ]  # fmt: skip
    return Life(tuple(sorted(ids)), held)


def _same_agency(connection: Connection, ids: set[str]) -> set[str]:
    """The ids that share a state and name with these, directly or through another name."""
    i = intervals.c
    for _ in range(_HOPS):
        names = connection.execute(
            select(i.state, i.name_key).where(i.agency_id.in_(sorted(ids))).distinct()
        ).all()
        tests = [
            and_(i.name_key == name, i.state == state if state is not None else i.state.is_(None))
            for state, name in names
        ]
        found = (
            set(connection.execute(select(i.agency_id).where(or_(*tests)).distinct()).scalars())
            if tests
            else ids
        )
        if found <= ids:
            break
        ids |= found
    return ids


def places_of(connection: Connection, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Row[Any]]:
    """The publications at these (list, place): the files that source rows stand in."""
    p = publications.c
    found: dict[tuple[str, str], Row[Any]] = {}
    for name in sorted({name for name, _ in wanted}):
        places = sorted(place for list_name, place in wanted if list_name == name)
        for start in range(0, len(places), 400):
            rows = connection.execute(
                select(p.list, p.place, p.key, p.sha256, p.published_name, p.published_at).where(
                    p.list == name, p.place.in_(places[start : start + 400])
                )
            )
            found.update({(row.list, row.place): row for row in rows})
    return found


def agency_count(connection: Connection, list_name: str, state: str) -> int:
    """How many agencies of a state stand in a list now."""
    i = intervals.c
    return (
        connection.scalar(
            select(func.count(i.name_key.distinct())).where(
                i.list == list_name, i.state == state, i.until_place.is_(None)
            )
        )
        or 0
    )
