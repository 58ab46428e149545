"""The queue of looks, as Procrastinate keeps it in PostgreSQL: what waits, what is done, who works."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Connection, Select, column, func, literal_column, select, table

SCHEMA = "queue"
SILENT = timedelta(seconds=30)  # a worker that has given no sign of life for so long is gone

_jobs = table("procrastinate_jobs", column("status"), column("queue_name"), schema=SCHEMA)
_workers = table("procrastinate_workers", column("id"), column("last_heartbeat"), schema=SCHEMA)


def workers_alive(connection: Connection) -> int:
    """0 on SQLite, where there is no queue."""
    if connection.dialect.name != "postgresql":
        return 0
    begin = func.now() - literal_column(f"interval '{SILENT.total_seconds():g} seconds'")
    query = select(func.count()).select_from(_workers).where(_workers.c.last_heartbeat > begin)
    return connection.execute(query).scalar_one()


def queue_state(connection: Connection) -> Mapping[str, int] | None:
    """How many looks wait, are being made, were given up, and how many workers live; None without a queue."""
    if connection.dialect.name != "postgresql":
        return None
    query: Select[str, int] = (
        select(literal_column("status::text"), func.count()).select_from(_jobs).group_by(_jobs.c.status)
    )
    counted = {row[0]: row[1] for row in connection.execute(query)}
    return {
        "waiting": counted.get("todo", 0),
        "doing": counted.get("doing", 0),
        "given_up": counted.get("failed", 0),
        "workers": workers_alive(connection),
    }
