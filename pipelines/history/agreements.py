"""The agreements of a list as they stood at one of its publications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, or_, select

from pipelines.history.holdings import as_agreement
from pipelines.tables import intervals
from pipelines.values import Agreement


@dataclass(frozen=True, slots=True)
class StoredAgreement:
    """An agreement with its ids. `since` is the place of the publication that first said all this."""

    agreement_id: str
    agency_id: str
    since: str
    agreement: Agreement


def agreements_at(connection: Connection, list_name: str, place: str) -> Sequence[StoredAgreement]:
    """All agreements of the list whose validity interval holds `place`, by state, agency and support type."""
    rows = connection.execute(_AT, {"list": list_name, "place": place})
    return sorted((_stored(row) for row in rows), key=_by_state_and_name)


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


def _stored(row: Row[Any]) -> StoredAgreement:
    return StoredAgreement(row.agreement_id, row.agency_id, row.from_place, as_agreement(row))
