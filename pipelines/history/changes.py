"""The change log: filtered, in order, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    func,
    literal_column,
    select,
    true,
    tuple_,
)

from pipelines.history.holdings import as_agreement
from pipelines.history.places import StoredPlace, agreements_in, places_of_agreements, places_of_list
from pipelines.history.publications import first_accepted, stamp
from pipelines.names.likeness import name_key
from pipelines.tables import changes, intervals, publications, reviews

PAGE = 1000
MANY = 500  # agencies whose changes are asked for by name; SQLite takes 32,766 values, but not quickly
# Grouped by, it is no column that SQLite has an index of: it would go through the whole log in that order.
KIND = func.coalesce(changes.c.kind, literal_column("''"))
Cursor = tuple[str, str, int]  # place, list, seq: where a page ended


@dataclass(frozen=True, slots=True)
class StoredChange:
    """A change with its evidence, as every channel shows it. `before` and `after` as in the promise.

    `said` are the list's own fields of the entry as the change leaves it, or as it was when it went.
    """

    id: str
    list: str
    kind: str
    place: str
    seq: int
    published_at: datetime
    captured_at: datetime
    recorded_at: datetime
    published_name: str
    sha256: str
    previous_sha256: str | None
    row: int | None
    state: str | None
    agency: str
    agency_id: str
    agreement_id: str
    support_type: str | None
    signed: date | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    rule: str
    score: float
    evidence: Sequence[str] = ()
    newly_signed: bool | None = None
    new_agency: bool | None = None
    pending_since: date | None = None
    review: Mapping[str, Any] | None = None
    baseline: bool = False
    said: Mapping[str, Any] = field(default_factory=dict)
    where: StoredPlace | None = None

    @property
    def cursor(self) -> Cursor:
        """Sorts the log; a page of it goes on from here."""
        return (self.place, self.list, self.seq)


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which changes. Moments are half-open: from `since` on, before `until` (both of publication)."""

    lists: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    kinds: Sequence[str] = ()
    states: Sequence[str] = ()
    support_types: Sequence[str] = ()
    agency: str | None = None
    agency_id: str | None = None
    agency_ids: Sequence[str] | None = None
    agreement_id: str | None = None
    sha256: str | None = None
    recorded_since: datetime | None = None
    reviewed: bool | None = None
    counties: Sequence[str] = ()
    levels: Sequence[str] = ()

    def where(self) -> list[ColumnElement[bool]]:
        c = changes.c
        tests: list[ColumnElement[bool]] = []
        for column, wanted in (
            (c.list, self.lists),
            (c.kind, self.kinds),
            (c.state, self.states),
            (c.support_type, self.support_types),
        ):
            if wanted:
                tests.append(column == wanted[0] if len(wanted) == 1 else column.in_(wanted))
        for column, value in (
            (c.agency_id, self.agency_id),
            (c.agreement_id, self.agreement_id),
        ):
            if value:
                tests.append(column == value)
        if self.sha256:
            tests += [c.sha256 == self.sha256, c.place.in_(_places_of(self.sha256))]
        tests += self._moments()
        if self.agency_ids is not None:
            tests.append(c.agency_id.in_(self.agency_ids))
        if self.counties or self.levels:
            tests.append(c.agreement_id.in_(agreements_in(self.counties, self.levels)))
        if self.agency:
            tests.append(_every_word(c.agency, self.agency))
        if self.reviewed is not None:
            # Asked by the changes' ids, so that a handful of verdicts is not looked for in a million changes.
            given = select(reviews.c.change_id)
            tests.append(c.id.in_(given) if self.reviewed else c.id.not_in(given))
        return tests

    def _moments(self) -> list[ColumnElement[bool]]:
        tests: list[ColumnElement[bool]] = []
        if self.since:
            tests.append(changes.c.place >= stamp(self.since))
        if self.until:
            tests.append(changes.c.place < stamp(self.until))
        if self.recorded_since:
            tests.append(changes.c.recorded_at >= self.recorded_since)
        return tests


def _places_of(sha256: str) -> Select[Any]:
    """Where these bytes stand in their lists: a change is found by its place, for which there is an index."""
    return select(publications.c.place).where(publications.c.sha256 == sha256)


def _every_word(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    words = [word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in text.split()]
    return and_(true(), *(column.ilike(f"%{word}%", escape="\\") for word in words))


def _found(connection: Connection, wanted: ChangeFilter) -> ChangeFilter:
    """Agencies that a few words name, under any printed name, are found first, and their changes by the index.

    Words that fit very many agencies are looked for in the log itself, whose next page they soon fill.
    """
    if not wanted.agency:
        return wanted
    named = select(intervals.c.agency_id).where(_every_word(intervals.c.agency, wanted.agency)).distinct()
    ids = connection.execute(named.limit(MANY + 1)).scalars().all()
    return replace(wanted, agency=None, agency_ids=ids) if len(ids) <= MANY else wanted


def read_changes(
    connection: Connection,
    wanted: ChangeFilter,
    *,
    pending_of: Mapping[str, str] | None = None,
    after: Cursor | None = None,
    limit: int | None = None,
    newest_first: bool = False,
) -> Iterator[StoredChange]:
    """The changes in order of publication. `pending_of` maps a list to the one of its applications.

    `after` is the cursor of the last change of the page before.
    """
    wanted = _found(connection, wanted)
    left = limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        page = [_stored(row) for row in connection.execute(_query(wanted, after, size, newest_first))]
        yield from _with_all(connection, page, pending_of or {})
        if len(page) < size:
            return
        after = page[-1].cursor
        left = None if left is None else left - len(page)


# The list's own fields stand in the interval that the change begins; those of an entry that went, in the change.
_WITH_REVIEW_AND_FIELDS = (
    select(changes, reviews.c.status, reviews.c.by, reviews.c.at, reviews.c.note, intervals.c.extra)
    .outerjoin(reviews, reviews.c.change_id == changes.c.id)
    .outerjoin(
        intervals,
        and_(
            intervals.c.list == changes.c.list,
            intervals.c.agreement_id == changes.c.agreement_id,
            intervals.c.from_place == changes.c.place,
        ),
    )
)


def _query(wanted: ChangeFilter, after: Cursor | None, size: int, newest_first: bool) -> Select[Any]:
    key = (changes.c.place, changes.c.list, changes.c.seq)
    query = _WITH_REVIEW_AND_FIELDS.where(*wanted.where()).limit(size)
    if newest_first:
        query = query.order_by(*(column.desc() for column in key))
        return query.where(tuple_(*key) < after) if after else query
    query = query.order_by(*key)
    return query.where(tuple_(*key) > after) if after else query


def read_change(
    connection: Connection, identifier: str, pending_of: Mapping[str, str] | None = None
) -> StoredChange | None:
    """A change with its review. `pending_of` maps a list to the one where its agreements are applied for."""
    row = connection.execute(_WITH_REVIEW_AND_FIELDS.where(changes.c.id == identifier)).first()
    return next(iter(_with_all(connection, [_stored(row)], pending_of or {})), None) if row else None


def change_ids(connection: Connection) -> set[str]:
    return set(connection.execute(select(changes.c.id)).scalars())


def count_changes(connection: Connection, wanted: ChangeFilter) -> dict[str, int]:
    """How many of each kind."""
    wanted = _found(connection, wanted)
    query = select(KIND, func.count()).where(*wanted.where()).group_by(KIND)
    return {row[0]: row[1] for row in connection.execute(query)}


def _stored(row: Row[Any]) -> StoredChange:
    review = None
    if row.status is not None:
        review = {"status": row.status, "by": row.by, "at": row.at, "note": row.note}
    return StoredChange(
        row.id, row.list, row.kind, row.place, row.seq, row.published_at, row.captured_at, row.recorded_at,
        row.published_name, row.sha256, row.previous_sha256, row.row, row.state, row.agency, row.agency_id,
        row.agreement_id, row.support_type, date.fromisoformat(row.signed) if row.signed else None,
        row.before, row.after, row.rule, row.score, tuple(row.evidence or ()),
        row.newly_signed, row.new_agency, None, review,
        said=dict(row.extra) if row.extra else row.before if row.kind == "removed" else {},
    )  # fmt: skip


def _with_all(
    connection: Connection, page: Sequence[StoredChange], pending_of: Mapping[str, str]
) -> Iterator[StoredChange]:
    where = places_of_agreements(connection, {change.agreement_id for change in page})
    placed = [
        replace(one, where=where[one.agreement_id]) if one.agreement_id in where else one for one in page
    ]
    return with_pending_since(connection, placed, pending_of)


def with_pending_since(
    connection: Connection, page: Sequence[StoredChange], pending_of: Mapping[str, str]
) -> Iterator[StoredChange]:
    """Say of each added change since when the application that it comes of had been on its list."""
    added = [change for change in page if change.kind == "added" and change.list in pending_of]
    if not added:
        yield from page
        return
    # Imported only where lists have sister lists: it brings the rules of identity along.
    from pipelines.history.conversions import pending_since

    since: dict[tuple[str, str], str] = {}
    for name in {change.list for change in added}:
        names = {(one.state or "", name_key(one.agency)) for one in added if one.list == name}
        found = pending_since(connection, name, pending_of[name], names)
        since |= {(name, agreement): first for agreement, first in found.items()}
    for change in page:
        first = since.get((change.list, change.agreement_id)) if change.kind == "added" else None
        if first and first < change.place:
            yield replace(change, pending_since=date.fromisoformat(first[:10]))
        else:
            yield change


def read_baseline(connection: Connection, list_name: str) -> Iterator[StoredChange]:
    """The first publication of a list as if every agreement had been added by it."""
    first = first_accepted(connection, list_name)
    if first is None:
        return
    rows = connection.execute(
        select(intervals)
        .where(intervals.c.list == list_name, intervals.c.from_place == first.place)
        .order_by(intervals.c.row, intervals.c.id)
    )
    where = places_of_list(connection, list_name)
    for seq, row in enumerate(rows):
        agreement = as_agreement(row)
        yield StoredChange(
            f"b{row.id:016x}"[:16], list_name, "added", first.place, seq,
            first.published_at, first.captured_at, first.recorded_at, first.published_name,
            first.sha256, None, row.row, row.state, row.agency,
            row.agency_id, row.agreement_id, row.support_type, agreement.signed, None, agreement.as_json(),
            "baseline", 1.0, baseline=True, said=dict(agreement.extra), where=where.get(row.agreement_id),
        )  # fmt: skip
