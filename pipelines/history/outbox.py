"""What is owed to the outside world."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from pipelines.tables import outbox

_OWED = (outbox.c.sent_at.is_(None), outbox.c.gave_up_at.is_(None))


def deliverable(connection: Connection, now: datetime) -> Sequence[Row[Any]]:
    """The notices that may go out now: of each channel and lane the oldest one owed, when its time has come.

    One that waits keeps those behind it waiting, so that news of a list arrives in its order.
    """
    first = select(func.min(outbox.c.id)).where(*_OWED).group_by(outbox.c.channel, outbox.c.lane)
    query = select(outbox).where(outbox.c.id.in_(first), outbox.c.due_at <= now).order_by(outbox.c.id)
    return connection.execute(query).all()


def count_owed(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(outbox).where(*_OWED)).scalar_one()


def count_given_up(connection: Connection) -> int:
    return connection.execute(
        select(func.count()).select_from(outbox).where(outbox.c.gave_up_at.is_not(None))
    ).scalar_one()


def was_owed(connection: Connection, key: str) -> bool:
    """Was a notice of this key (see record.outbox.owe) written for any channel, sent or not?"""
    return connection.execute(select(outbox.c.id).where(outbox.c.key == key).limit(1)).first() is not None
