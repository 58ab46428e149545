"""What the record holds of one list, asked by the derivation: only for the names and rows at hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, exists, or_, select

from pipelines.fingerprints import Packed, read_sheet_rows
from pipelines.names.likeness import agency_names
from pipelines.tables import accepted, intervals, judgements, publications, sheet_rows
from pipelines.values import Agreement, Figures, Known, Publication
from scraper.capture import LIVE

Name = tuple[str, str]  # state ("" when unknown) and name key
CHUNK = 400

# Asked for every publication that changes, so they are put together once. A life is a validity interval without
# its fields: who stood where, and since when.
_I = intervals.c
_LIFE = (
    _I.id, _I.agreement_id, _I.agency_id, _I.from_place, _I.until_place, _I.state, _I.name_key, _I.support_type,
)  # fmt: skip
_IN_LIST = _I.list == bindparam("list")
_SOME_IDS = _I.agreement_id.in_(bindparam("ids", expanding=True))
_NAMED: Select[*tuple[Any, ...]] = select(*_LIFE).where(
    _I.name_key.in_(bindparam("keys", expanding=True)), _IN_LIST
)
_OF_STATE = _NAMED.where(_I.state == bindparam("state"))
_OF_NO_STATE = _NAMED.where(or_(_I.state.is_(None), _I.state == ""))
_STILL = intervals.alias("still")
# Of those that left. Most of what ended lately only changed: the agreement stands, under its next interval.
_LEFT_SINCE: Select[*tuple[Any, ...]] = select(*_LIFE).where(
    _IN_LIST,
    _I.until_place >= bindparam("place"),
    ~exists().where(
        _STILL.c.list == _I.list, _STILL.c.agreement_id == _I.agreement_id, _STILL.c.until_place.is_(None)
    ),
)
_WHOLE = select(intervals).where(_I.id.in_(bindparam("ids", expanding=True)))
_TAKEN = select(_I.agreement_id).where(_IN_LIST, _SOME_IDS)
_BY_ID: Select[*tuple[Any, ...]] = select(*_LIFE).where(_IN_LIST, _SOME_IDS)
_ACTIVE = _TAKEN.where(_I.until_place.is_(None))
_ACTIVE_AGENCIES = select(_I.agency_id).where(
    _IN_LIST, _I.agency_id.in_(bindparam("ids", expanding=True)), _I.until_place.is_(None)
)
_LINKS = select(_I.agreement_id, _I.moa, _I.addendum).where(_IN_LIST, _SOME_IDS)
_SHEET_ROWS = (
    select(sheet_rows.c.rows)
    .where(sheet_rows.c.list == bindparam("list"), sheet_rows.c.place <= bindparam("place"))
    .order_by(sheet_rows.c.place.desc())
    .limit(1)
)
_JUDGED = select(judgements).order_by(judgements.c.id)


@dataclass(frozen=True, slots=True)
class Baseline:
    """The last accepted list of a list: its publication, what was counted, and its rows packed."""

    publication: Publication
    figures: Figures
    packed: Packed


def baseline_before(connection: Connection, list_name: str, before: str | None = None) -> Baseline | None:
    """The last accepted list; with `before`, the last one whose place is before it (after a rewind)."""
    last = last_accepted(connection, list_name, before)
    if last is None:
        return None
    packed = connection.execute(
        select(accepted.c.layout, accepted.c.packed).where(
            accepted.c.list == list_name, accepted.c.place == last.place
        )
    ).first()
    loaded = Packed.from_bytes(packed.layout, packed.packed) if packed else _repacked(connection, list_name)
    kept = connection.execute(_SHEET_ROWS, {"list": list_name, "place": last.place}).scalar()
    return Baseline(as_publication(last), as_figures(last), loaded.with_sheet_rows(kept))


def rows_at(connection: Connection, list_name: str, place: str, ids: Sequence[int]) -> dict[int, int]:
    """By interval: its row in the sheet of the publication at `place`. `ids` are all that it holds."""
    kept = read_sheet_rows(connection.execute(_SHEET_ROWS, {"list": list_name, "place": place}).scalar())
    return dict(zip(sorted(ids), kept, strict=True)) if len(kept) == len(ids) else {}


def last_accepted(
    connection: Connection, list_name: str, before: str | None = None, seen_by: datetime | None = None
) -> Row[Any] | None:
    """The row of the last publication that was recorded or unchanged; with `seen_by`, of those that a look at the
    live page had brought by then, or a person had."""
    query = (
        select(publications)
        .where(publications.c.list == list_name, publications.c.state.in_(("recorded", "unchanged")))
        .order_by(publications.c.place.desc())
        .limit(1)
    )
    if before is not None:
        query = query.where(publications.c.place < before)
    if seen_by is not None:
        p = publications.c
        query = query.where(or_(p.captured_by.is_(None), p.captured_by != LIVE, p.captured_at <= seen_by))
    return connection.execute(query).first()


def as_publication(row: Row[Any]) -> Publication:
    return Publication(
        list=row.list,
        sha256=row.sha256,
        published_name=row.published_name,
        published_at=row.published_at,
        captured_at=row.captured_at,
        recorded_at=row.recorded_at,
        basis=row.basis,
        place=row.place,
        page=row.page or {},
        saved_at=row.saved_at,
        last_modified=row.last_modified,
        captured_by=row.captured_by or "",
    )


def as_figures(row: Row[Any]) -> Figures:
    return Figures(
        row.agreements or 0,
        row.agencies or 0,
        row.by_state or {},
        row.by_support_type or {},
        row.filled or {},
    )


def as_agreement(row: Row[Any]) -> Agreement:
    return Agreement(
        state=row.state,
        agency=row.agency,
        support_type=row.support_type,
        signed=date.fromisoformat(row.signed) if row.signed else None,
        type=row.type,
        county=row.county,
        moa=row.moa,
        addendum=row.addendum,
        extra=tuple((name, value) for name, value in row.extra or ()),
        printed=tuple((row.printed or {}).items()),
        row=row.row,
    )


def _repacked(connection: Connection, list_name: str) -> Packed:
    """After a rewind the packed list is gone; the intervals that are open now are that list."""
    packed = Packed()
    rows = connection.execute(
        select(intervals.c.fingerprint, intervals.c.id)
        .where(intervals.c.list == list_name, intervals.c.until_place.is_(None))
        .order_by(intervals.c.id)
    )
    for content, identifier in rows:
        packed.append(content, 0, identifier)
    return packed


@dataclass(frozen=True, slots=True)
class KnownAgreements:
    """What is known around the rows that differ.

    `known` are agreements that are missing from the new list (active) and ones that may come back; the lives
    of all names at hand answer who stood beside whom, and which agency a name belongs to.
    """

    known: Sequence[Known]
    lives: dict[Name, list[Row[Any]]]

    def standing(self, missing: set[int]) -> dict[Name, frozenset[str]]:
        """Names of the rows that the new list prints as before, with their support types."""
        found = {}
        for name, rows in self.lives.items():
            types = {r.support_type or "" for r in rows if r.until_place is None and r.id not in missing}
            if types:
                found[name] = frozenset(types)
        return found

    def together(self, one: Name, other: Name) -> bool:
        """Whether both names stood in one earlier list with the same support type."""
        for a in self.lives.get(one, ()):
            for b in self.lives.get(other, ()):
                if a.agreement_id != b.agreement_id and a.support_type == b.support_type and _overlap(a, b):
                    return True
        return False

    def days_listed(self, name: Name, now: str) -> int:
        """For how many days in all the list printed the name, until the place `now`."""
        lives = self.lives.get(name, ())
        return sum((_day(row.until_place or now) - _day(row.from_place)).days for row in lives)

    def agency_of(self, name: Name) -> str | None:
        """The agency that first had this name."""
        rows = self.lives.get(name)
        return min(rows, key=lambda row: (row.from_place, row.agency_id)).agency_id if rows else None


def _day(place: str) -> date:
    return date.fromisoformat(place[:10])


def _overlap(a: Row[Any], b: Row[Any]) -> bool:
    return (a.until_place is None or b.from_place < a.until_place) and (
        b.until_place is None or a.from_place < b.until_place
    )


def known_agreements(
    connection: Connection,
    list_name: str,
    missing: Sequence[int],
    names: set[Name],
    gone_since: str,
    rows: Mapping[int, int],
) -> KnownAgreements:
    """Look up what is known of `names` (of the new rows) and of the `missing` intervals.

    `gone_since` is a place: agreements that left at or after it may come back under a corrected name. `rows` are
    those of the missing intervals in the last list's sheet.
    """
    gone = _by_ids(connection, sorted(missing))
    states = {state for state, _ in names}
    left = [row for row in _left_since(connection, list_name, gone_since) if (row.state or "") in states]
    at_hand = names | {name_of(row) for row in (*gone, *left)}
    names = {other for name in at_hand for other in agency_names(*name)}
    lives: dict[Name, list[Row[Any]]] = defaultdict(list)
    for row in _by_names(connection, list_name, names):
        lives[name_of(row)].append(row)
    active = {row.agreement_id for rows in lives.values() for row in rows if row.until_place is None}
    active.update(row.agreement_id for row in gone)
    # Who stands under another name by now has not left.
    ended = {row.agreement_id for rows in lives.values() for row in rows if row.until_place is not None}
    active |= _ids(connection, _ACTIVE, list_name, sorted(ended - active))
    last = _last_of_each([row for rows in lives.values() for row in rows] + left, active)
    inactive = _by_ids(connection, last)
    documents = _documents(connection, list_name, [row.agreement_id for row in (*gone, *inactive)])
    known = [_as_known(row, True, documents, rows.get(row.id) or row.row) for row in gone]
    known += [_as_known(row, False, documents) for row in inactive]
    return KnownAgreements(known, dict(lives))


def with_ids(
    connection: Connection, list_name: str, held: KnownAgreements, ids: Iterable[str], missing: set[int]
) -> tuple[KnownAgreements, dict[str, Agreement]]:
    """With the agreements `ids` that left, whenever that was; and those that the new list holds as they were."""
    lives: list[Row[Any]] = []
    for chunk in _chunks(sorted(ids)):
        lives += connection.execute(_BY_ID, {"list": list_name, "ids": chunk})
    stay = [row.id for row in lives if row.until_place is None and row.id not in missing]
    active = {row.agreement_id for row in lives if row.until_place is None}
    have = {one.agreement_id for one in held.known}
    last = _last_of_each([row for row in lives if row.agreement_id not in have], active)
    came_back = [_as_known(row, False, {}) for row in _by_ids(connection, last)]
    return (
        KnownAgreements([*held.known, *came_back], held.lives),
        {row.agreement_id: as_agreement(row) for row in _by_ids(connection, stay)},
    )


def name_of(row: Row[Any]) -> Name:
    return (row.state or "", row.name_key)


def _as_known(
    row: Row[Any], active: bool, documents: dict[str, set[str]], sheet_row: int | None = None
) -> Known:
    return Known(
        row.agreement_id,
        row.agency_id,
        as_agreement(row) if sheet_row is None else replace(as_agreement(row), row=sheet_row),
        active,
        frozenset(documents.get(row.agreement_id, ())),
    )


def _last_of_each(rows: Sequence[Row[Any]], active: set[str]) -> list[int]:
    """The last interval of every agreement that is not active, in the order of their ids."""
    last: dict[str, Row[Any]] = {}
    for row in rows:
        if row.agreement_id in active or row.until_place is None:
            continue
        if row.agreement_id not in last or last[row.agreement_id].from_place < row.from_place:
            last[row.agreement_id] = row
    return [last[identifier].id for identifier in sorted(last)]


def active_agencies(connection: Connection, list_name: str, ids: Iterable[str]) -> set[str]:
    """Of the agencies `ids`, those with an agreement in the last accepted list, under whatever name."""
    return _ids(connection, _ACTIVE_AGENCIES, list_name, ids)


def _ids(connection: Connection, query: Select[str], list_name: str, ids: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for chunk in _chunks(ids):
        found.update(connection.execute(query, {"list": list_name, "ids": chunk}).scalars())
    return found


def linked_by_others(
    connection: Connection, list_name: str, documents: set[str], missing: set[int]
) -> frozenset[str]:
    """Of `documents`, those that rows of the new list link to which are printed as before: shared documents.

    Asked for a handful at once. Of a list that changes by the thousand nothing follows from a shared document.
    """
    links = sorted(link for link in documents if link.startswith("http"))
    if not links or len(links) > CHUNK:
        return frozenset()
    rows = connection.execute(
        select(intervals.c.id, intervals.c.moa).where(
            intervals.c.list == list_name, intervals.c.until_place.is_(None), intervals.c.moa.in_(links)
        )
    )
    return frozenset(row.moa for row in rows if row.id not in missing)


def _by_ids(connection: Connection, ids: Sequence[int]) -> list[Row[Any]]:
    """Whole intervals, in the order of these ids."""
    found: dict[int, Row[Any]] = {}
    for chunk in _chunks(sorted(ids)):
        found.update((row.id, row) for row in connection.execute(_WHOLE, {"ids": chunk}))
    return [found[identifier] for identifier in ids]


def _by_names(connection: Connection, list_name: str, names: Iterable[Name]) -> Iterator[Row[Any]]:
    keyed: dict[str, list[str]] = defaultdict(list)
    for state, key in sorted(names):
        keyed[state].append(key)
    for state, keys in keyed.items():
        query, of_state = (_OF_STATE, {"state": state}) if state else (_OF_NO_STATE, {})
        for chunk in _chunks(keys):
            yield from connection.execute(query, {"keys": chunk, "list": list_name, **of_state})


def _left_since(connection: Connection, list_name: str, place: str) -> Sequence[Row[Any]]:
    """The intervals that ended at or after `place`, of agreements that are in the list no more."""
    return connection.execute(_LEFT_SINCE, {"list": list_name, "place": place}).all()


def _documents(connection: Connection, list_name: str, ids: Sequence[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for chunk in _chunks(ids):
        for identifier, *links in connection.execute(_LINKS, {"list": list_name, "ids": chunk}):
            found[identifier].update(link for link in links if link and link.startswith("http"))
    return found


def active_keys(
    connection: Connection, list_name: str, names: Iterable[Name], at: str | None = None
) -> dict[Name, set[str]]:
    """Of `names`, those that the list holds (now, or at a place), with their support types."""
    found: dict[Name, set[str]] = defaultdict(set)
    for row in _by_names(connection, list_name, names):
        current = row.until_place is None if at is None else _held_at(row, at)
        if current:
            found[name_of(row)].add(row.support_type or "")
    return found


def _held_at(row: Row[Any], place: str) -> bool:
    return bool(row.from_place <= place and (row.until_place is None or row.until_place > place))


def taken_agreement_ids(connection: Connection, list_name: str, ids: Iterable[str]) -> set[str]:
    """Of `ids`, those that agreements of the list already have."""
    return _ids(connection, _TAKEN, list_name, ids)


def people_judged(connection: Connection) -> tuple[frozenset[frozenset[Name]], frozenset[frozenset[Name]]]:
    """The pairs of names that people called the same, and those they called distinct."""
    pairs: dict[str, set[frozenset[Name]]] = {"same": set(), "distinct": set()}
    for row in connection.execute(_JUDGED):
        pair = frozenset({(row.state or "", row.name_key), (row.other_state or "", row.other_name_key)})
        pairs["same"].discard(pair)
        pairs["distinct"].discard(pair)
        if row.verdict in pairs:
            pairs[row.verdict].add(pair)
    return frozenset(pairs["same"]), frozenset(pairs["distinct"])


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
