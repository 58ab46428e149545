"""Incidents, and the facts from which they are judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from pipelines.history.publications import held_publications, new_publications
from pipelines.incidents import PAUSES, Facts
from pipelines.tables import incidents, publications, watched


def open_incidents(connection: Connection, list_name: str | None = None) -> Sequence[Row[Any]]:
    """Rows of `incidents`, of one list or of all, in the order in which they were opened."""
    query = select(incidents).where(incidents.c.closed_at.is_(None)).order_by(incidents.c.id)
    return connection.execute(
        query if list_name is None else query.where(incidents.c.list == list_name)
    ).all()


def recent_incidents(
    connection: Connection, list_name: str | None = None, limit: int = 100
) -> Sequence[Row[Any]]:
    """The newest first, open and closed."""
    query = select(incidents).order_by(incidents.c.id.desc()).limit(limit)
    return connection.execute(
        query if list_name is None else query.where(incidents.c.list == list_name)
    ).all()


def standing_incidents(connection: Connection, list_name: str) -> Mapping[str, str]:
    """Kind and sentence of each open incident of a list."""
    return {row.kind: row.text for row in open_incidents(connection, list_name)}


def incident_facts(connection: Connection, list_name: str, outcome: str | None, reason: str) -> Facts:
    """What is known of a list after a look that ended so (None: nobody looked)."""
    held = held_publications(connection, list_name)
    last = connection.execute(select(watched.c.last_success).where(watched.c.list == list_name)).first()
    return Facts(
        outcome,
        reason,
        ["; ".join(said["text"] for said in row.reasons or ()) for row in held],
        last.last_success if last else None,
        _published(connection, list_name),
        [
            said["text"]
            for row in new_publications(connection, ("failed",), list_name)
            for said in row.reasons or ()
        ],
    )


def _published(connection: Connection, list_name: str) -> list[datetime]:
    """When the last lists with new rows were published: quiet copies of the same list are no news."""
    rows = connection.execute(
        select(publications.c.published_at)
        .where(publications.c.list == list_name, publications.c.state == "recorded")
        .order_by(publications.c.place.desc())
        .limit(PAUSES + 1)
    ).scalars()
    return list(rows)[::-1]


def count_open_incidents(connection: Connection) -> dict[tuple[str, str], int]:
    """By (list, kind)."""
    rows = connection.execute(
        select(incidents.c.list, incidents.c.kind, func.count())
        .where(incidents.c.closed_at.is_(None))
        .group_by(incidents.c.list, incidents.c.kind)
    )
    return {(name, kind): count for name, kind, count in rows}
