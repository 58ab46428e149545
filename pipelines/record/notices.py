"""What is owed to people: notices, and incidents that open and close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from pipelines.incidents import REOPENS_WITHIN, notice_due
from pipelines.tables import incidents, outbox, publications

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=2)
GIVES_UP_AFTER = 90  # attempts, about a week of them; older news is better read on the page


def owe(
    connection: Connection,
    key: str,
    lane: str,
    channels: Sequence[str],
    payload: Mapping[str, Any],
    now: datetime,
) -> None:
    """One notice for each channel. `key` says what it tells; what was owed once is never owed again."""
    for channel in channels:
        known = select(outbox.c.id).where(outbox.c.key == key, outbox.c.channel == channel)
        if connection.execute(known).first():
            continue
        try:
            with connection.begin_nested():
                connection.execute(
                    insert(outbox).values(
                        key=key,
                        channel=channel,
                        lane=lane,
                        payload=dict(payload),
                        created_at=now,
                        due_at=now,
                        attempts=0,
                    )
                )
        except IntegrityError:
            continue


def note_sent(connection: Connection, identifier: int, now: datetime) -> None:
    connection.execute(
        update(outbox)
        .where(outbox.c.id == identifier)
        .values(sent_at=now, attempts=outbox.c.attempts + 1, error=None)
    )


def note_not_sent(connection: Connection, identifier: int, attempts: int, why: str, now: datetime) -> None:
    """Try again later, each time twice as late; after a week of it, give up and say so."""
    wait = min(FIRST_WAIT * 2 ** min(attempts, 20), LONGEST_WAIT)
    gave_up = attempts + 1 >= GIVES_UP_AFTER
    connection.execute(
        update(outbox)
        .where(outbox.c.id == identifier)
        .values(attempts=attempts + 1, due_at=now + wait, error=why, gave_up_at=now if gave_up else None)
    )


def drop_notice(connection: Connection, identifier: int, why: str, now: datetime) -> None:
    """It can never be delivered: its channel is configured no more, or what it told of is no more."""
    connection.execute(
        update(outbox).where(outbox.c.id == identifier).values(gave_up_at=now, due_at=now, error=why)
    )


def mark_announced(connection: Connection, list_name: str, place: str) -> None:
    connection.execute(
        update(publications)
        .where(publications.c.list == list_name, publications.c.place == place)
        .values(announced=True)
    )


def unannounced(connection: Connection) -> list[str]:
    """The publications whose news is still to come, such as a list that is held."""
    query = select(publications.c.key).where(publications.c.announced.is_(False))
    return list(connection.execute(query).scalars())


def mark_unannounced(connection: Connection, keys: Sequence[str]) -> None:
    for key in keys:
        connection.execute(update(publications).where(publications.c.key == key).values(announced=False))


def forget_settled(connection: Connection, before: datetime) -> int:
    """Delete the notices that were sent, or given up, before a moment. Returns how many."""
    found = connection.execute(
        delete(outbox).where((outbox.c.sent_at < before) | (outbox.c.gave_up_at < before))
    )
    return int(found.rowcount)


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
