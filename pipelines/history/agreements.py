"""The agreements of a list as they stood at one of its publications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, or_, select

from pipelines.history.baseline import as_agreement, rows_at
from pipelines.tables import intervals, publications
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
        files.update(found.tuples().all())
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
