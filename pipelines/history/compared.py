"""Two publications of one list, side by side: only what they say differently is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from pipelines.history.agreements import StoredAgreement
from pipelines.history.baseline import as_agreement
from pipelines.tables import intervals


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
    before = {row.agreement_id: row for row in _rows(connection, list_name, ended)}
    after = {row.agreement_id: row for row in _rows(connection, list_name, began)}
    pairs = [_pair(before.get(key), after.get(key)) for key in before.keys() | after.keys()]
    told = [pair for pair in pairs if pair.before is None or pair.after is None or pair.fields]
    return sorted(told, key=_by_state_and_name)


def _rows(connection: Connection, list_name: str, test: Any) -> list[Row[Any]]:
    return list(connection.execute(select(intervals).where(intervals.c.list == list_name, test)))


def _pair(before: Row[Any] | None, after: Row[Any] | None) -> Pair:
    shown = after if after is not None else before
    assert shown is not None  # noqa: S101 - a pair has at least one side
    return Pair(shown.agreement_id, shown.agency_id, _stored(before), _stored(after))


def _stored(row: Row[Any] | None) -> StoredAgreement | None:
    if row is None:
        return None
    return StoredAgreement(row.agreement_id, row.agency_id, row.from_place, as_agreement(row))


def _by_state_and_name(pair: Pair) -> tuple[str, ...]:
    shown = pair.after or pair.before
    assert shown is not None  # noqa: S101
    return (
        shown.agreement.state or "",
        shown.agreement.agency,
        shown.agreement.support_type or "",
        pair.agreement_id,
    )
