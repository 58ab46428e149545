"""The agreements of a list as they stood at one of its publications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, or_, select

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
    rows = connection.execute(
        select(intervals).where(
            intervals.c.list == list_name,
            intervals.c.from_place <= place,
            or_(intervals.c.until_place.is_(None), intervals.c.until_place > place),
        )
    )
    return sorted((_stored(row) for row in rows), key=_by_state_and_name)


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
