"""Writing the record of looks: a lease, so that one process looks at a list at a time; the run; what was served."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from pipelines.tables import leases, runs, watched

LEASE = timedelta(minutes=15)  # longer than the slowest look: page and file, each with its retries
DIED = "the process died"


def process_name() -> str:
    """Which process on which machine, so that another one can tell whether it still lives."""
    return f"{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a look ended. `error` is for people; `stages` are seconds by stage."""

    outcome: str
    reason: str = ""
    error: str | None = None
    exit_code: int = 0
    requests: int = 0
    bytes: int = 0
    rows: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    sha256: str | None = None


def take_lease(connection: Connection, name: str, holder: str, now: datetime) -> bool:
    """True when `holder` may look now. An expired lease is anybody's."""
    connection.execute(
        delete(leases).where(
            leases.c.name == name, or_(leases.c.expires_at <= now, leases.c.holder == holder)
        )
    )
    if connection.execute(select(leases.c.holder).where(leases.c.name == name)).first():
        return False
    try:
        with connection.begin_nested():
            connection.execute(insert(leases).values(name=name, holder=holder, expires_at=now + LEASE))
    except IntegrityError:
        return False
    return True


def give_lease_back(connection: Connection, name: str, holder: str) -> None:
    connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))


def start_run(
    connection: Connection, run_id: str, list_name: str, trigger: str, by: str, holder: str, now: datetime
) -> None:
    connection.execute(
        insert(runs).values(
            run_id=run_id, list=list_name, trigger=trigger, by=by, started_at=now, process=holder
        )
    )


def end_run(connection: Connection, run_id: str, list_name: str, ended: Ended, now: datetime) -> None:
    connection.execute(
        update(runs)
        .where(runs.c.run_id == run_id, runs.c.list == list_name)
        .values(
            ended_at=now,
            outcome=ended.outcome,
            reason=ended.reason,
            error=ended.error,
            exit_code=ended.exit_code,
            requests=ended.requests,
            bytes=ended.bytes,
            rows=ended.rows,
            counts=dict(ended.counts) or None,
            stages={name: round(seconds, 4) for name, seconds in ended.stages.items()} or None,
            sha256=ended.sha256,
        )
    )


def close_dead_runs(connection: Connection, holder: str, alive: Any, now: datetime) -> list[tuple[str, str]]:
    """End the runs whose process is gone; `alive(process)` knows. Returns their (run id, list)."""
    open_runs = connection.execute(select(runs).where(runs.c.ended_at.is_(None))).all()
    dead = [row for row in open_runs if row.process != holder and not alive(row.process)]
    for row in dead:
        ended = Ended("failed", DIED, error="The process died before the look ended.", exit_code=1)
        end_run(connection, row.run_id, row.list, ended, now)
        connection.execute(delete(leases).where(leases.c.name == row.list, leases.c.holder == row.process))
    return [(row.run_id, row.list) for row in dead]


def note_look(connection: Connection, list_name: str, outcome: str, now: datetime, **served: Any) -> None:
    """Remember what the server said last. `served`: url, last_modified, etag, served_sha256, served_since."""
    values: dict[str, Any] = {"last_look": now, "last_outcome": outcome, **served}
    if outcome not in ("failed", "busy"):
        values["last_success"] = now
    found = connection.execute(update(watched).where(watched.c.list == list_name).values(**values))
    if found.rowcount == 0:
        connection.execute(insert(watched).values(list=list_name, **values))
