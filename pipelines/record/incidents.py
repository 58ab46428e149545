"""Writing incidents: opened at the first trouble, counted while it lasts, closed when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from pipelines.incidents import REOPENS_WITHIN, notice_due
from pipelines.tables import incidents

Notice = tuple[Mapping[str, Any], str, int]  # the incident, what happened to it, the number of its notice


def settle_incidents(
    connection: Connection, list_name: str, found: Mapping[str, str], *, again: bool, now: datetime
) -> list[Notice]:
    """Make the open incidents of a list those that were `found` (kind to sentence); returns the notices owed.

    `again` says that a look found them, so that they are counted once more.
    """
    ours = incidents.c.list == list_name
    standing = {
        row.kind: row
        for row in connection.execute(select(incidents).where(ours, incidents.c.closed_at.is_(None)))
    }
    touched: list[int] = []
    for kind, text in found.items():
        row = standing.get(kind) or _just_closed(connection, list_name, kind, now)
        touched.append(_open(connection, list_name, kind, text, now) if row is None else row.id)
        if row is not None:
            _go_on(connection, row, text, again=again, now=now)
    for kind, row in standing.items():
        if kind not in found:
            connection.execute(update(incidents).where(incidents.c.id == row.id).values(closed_at=now))
            touched.append(row.id)
    return [notice for identifier in touched if (notice := _notice(connection, identifier, now))]


def _open(connection: Connection, list_name: str, kind: str, text: str, now: datetime) -> int:
    made = connection.execute(
        insert(incidents).values(
            list=list_name, kind=kind, opened_at=now, repeats=1, last_at=now, text=text, notices=0
        )
    )
    return int(made.inserted_primary_key[0])  # type: ignore[index]  # an insert has made one


def _just_closed(connection: Connection, list_name: str, kind: str, now: datetime) -> Row[Any] | None:
    return connection.execute(
        select(incidents)
        .where(
            incidents.c.list == list_name,
            incidents.c.kind == kind,
            incidents.c.closed_at > now - REOPENS_WITHIN,
        )
        .order_by(incidents.c.id.desc())
        .limit(1)
    ).first()


def _go_on(connection: Connection, row: Row[Any], text: str, *, again: bool, now: datetime) -> None:
    values: dict[str, Any] = {"text": text, "closed_at": None}
    if again:
        values |= {"repeats": row.repeats + 1, "last_at": now}
    connection.execute(update(incidents).where(incidents.c.id == row.id).values(**values))


def _notice(connection: Connection, identifier: int, now: datetime) -> Notice | None:
    row = connection.execute(select(incidents).where(incidents.c.id == identifier)).one()
    event = notice_due(row.told, row.noticed_at, row.notices, row.closed_at is not None, now)
    if event is None:
        return None
    connection.execute(
        update(incidents)
        .where(incidents.c.id == identifier)
        .values(
            notices=row.notices + 1, noticed_at=now, told="closed" if row.closed_at is not None else "open"
        )
    )
    return dict(row._mapping), event, int(row.notices) + 1


def forget_closed(connection: Connection, before: datetime) -> int:
    """Delete the incidents that were closed before a moment. Returns how many."""
    return int(connection.execute(delete(incidents).where(incidents.c.closed_at < before)).rowcount)
