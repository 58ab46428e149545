"""Every agreement of a list with all that was ever printed of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy import Connection, func, select

from pipelines.applications import Life, Printing
from pipelines.history.baseline import as_agreement
from pipelines.tables import intervals

MANY = 60_000  # printings; in longer lists nothing is compared that is not printed alike


def is_long(connection: Connection, lists: Sequence[str]) -> bool:
    some = select(intervals.c.id).where(intervals.c.list.in_(lists)).limit(MANY + 1).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one() > MANY


def lives(connection: Connection, list_name: str) -> list[Life]:
    """Every agreement that a list ever had."""
    i = intervals.c
    rows = connection.execute(
        select(intervals).where(i.list == list_name).order_by(i.agreement_id, i.from_place)
    )
    found = []
    for agreement_id, group in groupby(rows, lambda row: row.agreement_id):
        printed = list(group)
        printings = tuple(Printing(as_agreement(row), row.from_place, row.until_place) for row in printed)
        found.append(Life(agreement_id, printed[-1].agency_id, printings))
    return found
