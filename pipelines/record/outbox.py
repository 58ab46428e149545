"""Writing what is owed to the outside world, in the transaction of the change that it tells of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from pipelines.tables import outbox, publications

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
