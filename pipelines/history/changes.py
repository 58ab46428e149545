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
    case,
    func,
    literal_column,
    select,
    true,
    tuple_,
)

from pipelines.history.baseline import as_agreement
from pipelines.history.conversions import Applied, applications_among
from pipelines.history.places import StoredPlace, agreements_in, places_of_agreements, places_of_list
from pipelines.history.publications import first_accepted, stamp
from pipelines.tables import changes, intervals, publications, reviews, settlements

PAGE = 1000
MANY = 500  # agencies whose changes are asked for by name; SQLite takes 32,766 values, but not quickly
# Grouped by, it is no column that SQLite has an index of: it would go through the whole log in that order.
KIND = func.coalesce(changes.c.kind, literal_column("''"))
Cursor = tuple[str, str, int]  # place, list, seq: where a page ended


@dataclass(frozen=True, slots=True)
class StoredChange:
    """A change with its evidence, as every channel shows it. `before` and `after` as in the promise.

    `said` are the list's own fields of the entry as the change leaves it, or as it was when it went.
    `pair` is another change that may be of the same agreement, `settlement` what is known of that, or of the date, by
    now. `application` says of one that left the list of applications what became of it.
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
    pair: str | None = None
    settlement: Mapping[str, Any] | None = None
    application: Applied | None = None

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
    after: Cursor | None = None,
    limit: int | None = None,
    newest_first: bool = False,
) -> Iterator[StoredChange]:
    """The changes in order of publication. `after` is the cursor of the last change of the page before."""
    wanted = _found(connection, wanted)
    left = limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        page = [_stored(row) for row in connection.execute(_query(wanted, after, size, newest_first))]
        yield from _with_all(connection, page)
        if len(page) < size:
            return
        after = page[-1].cursor
        left = None if left is None else left - len(page)


# Later lists may have settled what the publication itself left open; their word counts.
NEWLY_SIGNED = case(
    (settlements.c.change_id.is_not(None), settlements.c.newly_signed), else_=changes.c.newly_signed
)
NEW_AGENCY = case(
    (settlements.c.change_id.is_not(None), settlements.c.new_agency), else_=changes.c.new_agency
)
# The list's own fields stand in the interval that the change begins; those of an entry that went, in the change.
_WITH_REVIEW_AND_FIELDS = (
    select(
        changes,
        reviews.c.status,
        reviews.c.by,
        reviews.c.at,
        reviews.c.note,
        intervals.c.extra,
        settlements.c.change_id.label("settled"),
        settlements.c.pair,
        settlements.c.verdict,
        settlements.c.reason,
        settlements.c.settled_at,
        NEWLY_SIGNED.label("newly"),
        NEW_AGENCY.label("brings_agency"),
    )
    .outerjoin(reviews, reviews.c.change_id == changes.c.id)
    .outerjoin(settlements, settlements.c.change_id == changes.c.id)
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


def read_change(connection: Connection, identifier: str) -> StoredChange | None:
    """A change with its review."""
    row = connection.execute(_WITH_REVIEW_AND_FIELDS.where(changes.c.id == identifier)).first()
    return next(iter(_with_all(connection, [_stored(row)])), None) if row else None


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
        row.newly, row.brings_agency, None, review, pair=row.pair, settlement=_settlement(row),
        said=dict(row.extra) if row.extra else row.before if row.kind == "removed" else {},
    )  # fmt: skip


def _settlement(row: Row[Any]) -> Mapping[str, Any] | None:
    if row.settled is None:
        return None
    return {"verdict": row.verdict, "reason": row.reason, "settled_at": (row.settled_at or "")[:20] or None}


def _with_all(connection: Connection, page: Sequence[StoredChange]) -> Iterator[StoredChange]:
    where = places_of_agreements(connection, {change.agreement_id for change in page})
    placed = [
        replace(one, where=where[one.agreement_id]) if one.agreement_id in where else one for one in page
    ]
    return _with_applications(connection, placed)


def _with_applications(connection: Connection, page: Sequence[StoredChange]) -> Iterator[StoredChange]:
    """Say of each added change since when it had been applied for, and of each application that left what it became."""
    added = sorted({change.agreement_id for change in page if change.kind == "added"})
    removed = sorted({change.agreement_id for change in page if change.kind == "removed"})
    came_of = {one.became: one for one in applications_among(connection, added, became=True) if one.converted}
    gone = {
        (one.agreement_id, one.until): one for one in applications_among(connection, removed, became=False)
    }
    for change in page:
        applied = came_of.get(change.agreement_id) if change.kind == "added" else None
        left = gone.get((change.agreement_id, change.place)) if change.kind == "removed" else None
        if applied and applied.since < change.place:
            yield replace(change, pending_since=applied.applied)
        elif left:
            yield replace(change, application=left)
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
