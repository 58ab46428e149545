"""Agreements as of a publication: one, a page, two days compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, or_, select, tuple_

from pipelines.history.baseline import as_agreement, rows_at
from pipelines.tables import accepted, incidents, intervals, publications, reviews, runs, taken
from pipelines.values import Agreement

CHUNK = 400


@dataclass(frozen=True, slots=True)
class StoredAgreement:
    """An agreement with its ids. `since` is the place of the publication that first said all this.

    Its row is of the file of the list that was asked for, or else of the file named `row_of`.
    """

    agreement_id: str
    agency_id: str
    since: str
    agreement: Agreement
    row_of: str | None = None


def agreements_at(connection: Connection, list_name: str, place: str) -> Sequence[StoredAgreement]:
    """All agreements of the list whose validity interval holds `place`, by state, agency and support type."""
    rows = connection.execute(_AT, {"list": list_name, "place": place}).all()
    return sorted(with_rows(connection, list_name, place, rows), key=_by_state_and_name)


def with_rows(
    connection: Connection,
    list_name: str,
    place: str,
    rows: Sequence[Row[Any]],
    all_ids: Sequence[int] | None = None,
) -> list[StoredAgreement]:
    """Intervals of a list at a place, each with its row in the sheet of that place, or with the file of its row.

    `all_ids` are the intervals of the whole list, where `rows` are some of them.
    """
    ids = [row.id for row in rows] if all_ids is None else all_ids
    at = rows_at(connection, list_name, place, ids)
    elsewhere = sorted({row.from_place for row in rows if row.id not in at and row.from_place != place})
    p = publications.c
    files: dict[str, str] = {}
    for start in range(0, len(elsewhere), CHUNK):
        some = p.place.in_(elsewhere[start : start + CHUNK])
        found = connection.execute(select(p.place, p.published_name).where(p.list == list_name, some))
        files.update(found.all())
    return [
        StoredAgreement(
            row.agreement_id,
            row.agency_id,
            row.from_place,
            replace(as_agreement(row), row=at.get(row.id, row.row)),
            None if row.id in at else files.get(row.from_place),
        )
        for row in rows
    ]


def ids_at(connection: Connection, list_name: str, place: str) -> Sequence[int]:
    """All intervals that the list holds at a place."""
    i = intervals.c
    return (
        connection.execute(select(i.id).where(*HELD_AT_PLACE), {"list": list_name, "place": place})
        .scalars()
        .all()
    )


def _held_at_place() -> tuple[ColumnElement[bool], ...]:
    """Of each agreement that the list ever had, the last interval that had begun, unless it had ended as well.

    From agreement to agreement, and in each to that interval, by one index: what came before and after does not
    matter. Told as "began before and ended after", all that ever ended would be looked through.
    """
    i, later, begun = intervals.c, intervals.alias("later").c, intervals.alias("begun").c
    in_list, place = bindparam("list", type_=i.list.type), bindparam("place", type_=i.from_place.type)
    ids = select(func.min(i.agreement_id).label("id")).where(i.list == in_list).cte("ids", recursive=True)
    following = select(func.min(later.agreement_id)).where(
        later.list == in_list, later.agreement_id > ids.c.id
    )
    ids = ids.union_all(select(following.scalar_subquery()).where(ids.c.id.is_not(None)))
    last = (
        select(begun.id)
        .where(begun.list == in_list, begun.agreement_id == ids.c.id, begun.from_place <= place)
        .order_by(begun.from_place.desc())
        .limit(1)
    )
    return (
        i.id.in_(select(last.scalar_subquery()).select_from(ids)),
        or_(i.until_place.is_(None), i.until_place > place),
    )


# Conditions on an interval, to be asked with `list` and `place`.
HELD_AT_PLACE = _held_at_place()
_AT = select(intervals).where(*HELD_AT_PLACE)


def life_around(
    connection: Connection, list_name: str, agreement_id: str, place: str
) -> tuple[Agreement | None, Agreement | None]:
    """What the list said of one agreement until just before the publication at `place`, and from then on."""
    before = after = None
    rows = connection.execute(
        select(intervals).where(intervals.c.list == list_name, intervals.c.agreement_id == agreement_id)
    )
    for row in rows:
        if row.from_place < place and (row.until_place is None or row.until_place >= place):
            before = as_agreement(row)
        if row.from_place <= place and (row.until_place is None or row.until_place > place):
            after = as_agreement(row)
    return before, after


def _by_state_and_name(stored: StoredAgreement) -> tuple[str, ...]:
    # Sorted here and not by the database, so that both databases give the same bytes.
    a = stored.agreement
    return (a.state or "", a.agency, a.support_type or "", str(a.signed or ""), stored.agreement_id)


LONG = 20_000  # rows
Mark = tuple[str, str, str, int]  # state, agency, agreement id, interval: where a page ended


def agreements_page(
    connection: Connection,
    list_name: str,
    place: str | None,
    *,
    state: str | None = None,
    text: str = "",
    after: Mark | None = None,
    limit: int = 300,
) -> tuple[list[StoredAgreement], Mark | None]:
    """Agreements of a list at a place (None: now) by state and name, and where the next page begins."""
    i = intervals.c
    key = (func.coalesce(i.state, ""), i.agency, i.agreement_id, i.id)
    if place is None:
        query = select(intervals).where(i.list == list_name, i.until_place.is_(None))
    else:  # that they are of the list is not said again: SQLite would go through all of its intervals
        query = select(intervals).where(*HELD_AT_PLACE)
    asked = {} if place is None else {"list": list_name, "place": place}
    if state:
        query = query.where(i.state == state)
    for word in text.split():
        plain = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        query = query.where(i.agency.ilike(f"%{plain}%", escape="\\"))
    if after is not None:
        query = query.where(tuple_(*key) > after)
    rows = connection.execute(query.order_by(*key).limit(limit + 1), asked).all()
    newest = place or connection.scalar(select(accepted.c.place).where(accepted.c.list == list_name)) or ""
    # Of a very long list all ids would have to be read for the rows of one page.
    is_long = len(rows) > limit and _rows_of(connection, list_name, newest) > LONG
    ids = [] if is_long else ids_at(connection, list_name, newest)
    found = with_rows(connection, list_name, newest, rows[:limit], ids)
    last = rows[limit - 1] if len(rows) > limit else None
    mark = (last.state or "", last.agency, last.agreement_id, last.id) if last is not None else None
    return found, mark


def _rows_of(connection: Connection, list_name: str, place: str) -> int:
    p = publications.c
    return connection.scalar(select(p.agreements).where(p.list == list_name, p.place == place)) or 0


def publications_page(
    connection: Connection, list_name: str | None = None, before: str | None = None, limit: int = 100
) -> Sequence[Any]:
    """Publications, whatever became of them, newest first; `before` is the place of the last one before."""
    p = publications.c
    query = (
        select(
            p.key, p.list, p.place, p.sha256, p.published_name, p.published_at, p.basis, p.captured_at,
            p.recorded_at, p.state, p.agreements, p.agencies, p.counts, p.previous_sha256,
        )
        .order_by(p.place.desc(), p.list.desc())
        .limit(limit)
    )  # fmt: skip
    if list_name is not None:
        query = query.where(p.list == list_name)
    if before is not None:
        query = query.where(p.place < before)
    return connection.execute(query).all()


def find_publications(connection: Connection, text: str, limit: int = 50) -> Sequence[Any]:
    """Publications whose file is called so, or whose hash or key begins so, newest first."""
    p = publications.c
    word = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    tests = [p.published_name.ilike(f"%{word}%", escape="\\"), p.key == text]
    if len(text) >= 8:
        tests.append(p.sha256.like(f"{word.lower()}%", escape="\\"))
    return connection.execute(
        select(p.key, p.list, p.published_at, p.published_name, p.state)
        .where(or_(*tests))
        .order_by(p.place.desc())
        .limit(limit)
    ).all()


def first_recorded_since(connection: Connection, moment: datetime) -> datetime | None:
    """The earliest time of publication among those that were recorded at or after a moment."""
    p = publications.c
    return connection.execute(select(func.min(p.published_at)).where(p.recorded_at >= moment)).scalar()


def last_written(connection: Connection) -> datetime | None:
    """When the record last grew; None while something of it is still being derived."""
    p = publications.c
    if connection.execute(select(p.id).where(p.state == "new").limit(1)).first():
        return None
    moments = [
        connection.scalar(select(func.max(column))) for column in (p.recorded_at, p.decided_at, reviews.c.at)
    ]
    return max((moment for moment in moments if moment), default=None)


def record_version(connection: Connection) -> tuple[str, str] | None:
    """Two equal versions mean that nothing derived has changed between them; None while something is derived."""
    p = publications.c
    new, head, *moments = connection.execute(
        select(
            select(p.id).where(p.state == "new").exists(),
            select(taken.c.head).scalar_subquery(),
            *(
                select(func.max(column)).scalar_subquery()
                for column in (p.recorded_at, p.decided_at, reviews.c.at)
            ),
        )
    ).one()
    return None if new or not any(moments) else (head or "", str(max(filter(None, moments))))


def live_version(connection: Connection) -> tuple[Any, ...]:
    """Two equal versions mean that no run began or ended between them, and no incident opened or closed."""
    columns = (runs.c.id, runs.c.ended_at, incidents.c.id, incidents.c.closed_at, incidents.c.last_at)
    maxima = (select(func.max(column)).scalar_subquery() for column in columns)
    return tuple(connection.execute(select(*maxima)).one())


def publication_of_bytes(connection: Connection, sha256: str) -> Any:  # a row, or None
    """The first publication of a file, in whatever list."""
    p = publications.c
    return connection.execute(
        select(p.list, p.key, p.published_name, p.published_at, p.captured_at)
        .where(p.sha256 == sha256)
        .order_by(p.place)
        .limit(1)
    ).first()


@dataclass(frozen=True, slots=True)
class Pair:
    """One agreement at the earlier and at the later publication; None where it was not listed."""

    agreement_id: str
    agency_id: str
    before: StoredAgreement | None
    after: StoredAgreement | None

    @property
    def kind(self) -> str:
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        one, other = self.before.agreement, self.after.agreement
        return "renamed" if (one.state, one.agency) != (other.state, other.agency) else "amended"

    @property
    def fields(self) -> list[str]:
        """The fields that differ, in the order of the sheet."""
        if self.before is None or self.after is None:
            return []
        before, after = self.before.agreement.as_json(), self.after.agreement.as_json()
        return [name for name in {**before, **after} if (before.get(name) or "") != (after.get(name) or "")]


def differing(connection: Connection, list_name: str, earlier: str, later: str) -> list[Pair]:
    """The agreements that the list states differently at two places (earlier < later), by state and name."""
    i = intervals.c
    ended = and_(i.from_place <= earlier, i.until_place > earlier, i.until_place <= later)
    began = and_(
        i.from_place > earlier, i.from_place <= later, or_(i.until_place.is_(None), i.until_place > later)
    )
    before = {row.agreement_id: row for row in _rows_of_pairs(connection, list_name, ended)}
    after = {row.agreement_id: row for row in _rows_of_pairs(connection, list_name, began)}
    pairs = [_pair(before.get(key), after.get(key)) for key in before.keys() | after.keys()]
    told = [pair for pair in pairs if pair.before is None or pair.after is None or pair.fields]
    return sorted(told, key=_pair_by_state_and_name)


def _rows_of_pairs(connection: Connection, list_name: str, test: Any) -> list[Row[Any]]:
    return list(connection.execute(select(intervals).where(intervals.c.list == list_name, test)))


def _pair(before: Row[Any] | None, after: Row[Any] | None) -> Pair:
    shown = after if after is not None else before
    assert shown is not None  # noqa: S101 - a pair has at least one side
    return Pair(shown.agreement_id, shown.agency_id, _stored_or_none(before), _stored_or_none(after))


def _stored_or_none(row: Row[Any] | None) -> StoredAgreement | None:
    if row is None:
        return None
    return StoredAgreement(row.agreement_id, row.agency_id, row.from_place, as_agreement(row))


def _pair_by_state_and_name(pair: Pair) -> tuple[str, ...]:
    shown = pair.after or pair.before
    assert shown is not None  # noqa: S101
    return (
        shown.agreement.state or "",
        shown.agreement.agency,
        shown.agreement.support_type or "",
        pair.agreement_id,
    )
