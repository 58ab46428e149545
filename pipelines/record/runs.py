"""Writing the record of looks: a lease (one process looks at a list at a time), the run, what was served."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from pipelines.tables import leases, runs, ticks, watched
from scraper.capture import Capture

DIED = "The process died, or lost the database, before the look ended."
Alive = Callable[[str], bool | None]


def take_lease(connection: Connection, name: str, holder: str, now: datetime) -> bool:
    """True when `holder` may go on. An expired lease is anybody's, so is one of a clock that ran ahead."""
    held = connection.execute(select(leases).where(leases.c.name == name)).first()
    if held is not None:
        if held.holder != holder and now < held.expires_at <= now + 2 * LEASE:
            return False
        connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == held.holder))
    try:
        with connection.begin_nested():
            connection.execute(insert(leases).values(name=name, holder=holder, expires_at=now + LEASE))
    except IntegrityError:
        return False
    return True


def renew_leases(connection: Connection, holder: str, now: datetime) -> None:
    connection.execute(update(leases).where(leases.c.holder == holder).values(expires_at=now + LEASE))


def give_lease_back(connection: Connection, name: str, holder: str) -> None:
    connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))


def free_leases_of_the_dead(connection: Connection, alive: Alive) -> None:
    """Of whom `alive` is not sure (another machine's) keeps the lease until it expires."""
    for row in connection.execute(select(leases)).all():
        if alive(row.holder) is False:
            give_lease_back(connection, row.name, row.holder)


def start_run(
    connection: Connection, run_id: str, list_name: str, trigger: str, by: str, holder: str, now: datetime
) -> None:
    """`trigger` is why (clock, person, documents), `by` who, `holder` in which process: the name of its lease."""
    connection.execute(
        insert(runs).values(
            run_id=run_id, list=list_name, trigger=trigger, by=by, started_at=now, process=holder
        )
    )


def end_run(connection: Connection, run_id: str, list_name: str, ended: Ended, now: datetime) -> bool:
    """False when the run was ended already: somebody took us for dead."""
    found = connection.execute(
        update(runs)
        .where(runs.c.run_id == run_id, runs.c.list == list_name, runs.c.ended_at.is_(None))
        .values(**ended.columns(now))
    )
    return bool(found.rowcount)


def close_dead_runs(connection: Connection, alive: Alive, now: datetime) -> list[tuple[str, str]]:
    """End the runs whose process is gone. Returns their (run id, list).

    A process of another machine is gone when its lease is.
    """
    holders = {row.holder for row in connection.execute(select(leases)) if row.expires_at > now}
    open_runs = connection.execute(select(runs).where(runs.c.ended_at.is_(None))).all()
    dead = []
    for row in open_runs:
        living = alive(row.process)
        if living is False or (living is None and row.process not in holders):
            ended = Ended("died", DIED, error=DIED, exit_code=1)
            end_run(connection, row.run_id, row.list, ended, now)
            dead.append((row.run_id, row.list))
    return dead


def forget_ended(connection: Connection, before: datetime) -> int:
    """Delete runs that ended before a moment, but for the last of each list and trigger. Returns how many."""
    last = select(func.max(runs.c.id)).group_by(runs.c.list, runs.c.trigger)
    found = connection.execute(delete(runs).where(runs.c.ended_at < before, runs.c.id.not_in(last)))
    return int(found.rowcount)


def note_look(connection: Connection, list_name: str, outcome: str, now: datetime, **served: Any) -> None:
    """Remember what the server said last. `served`: url, last_modified, etag, served_sha256, served_since."""
    values = watched_columns(outcome, now, served)
    found = connection.execute(update(watched).where(watched.c.list == list_name).values(**values))
    if found.rowcount == 0:
        connection.execute(insert(watched).values(list=list_name, **values))


def tick(connection: Connection, name: str, process: str, now: datetime) -> None:
    """A sign of life, to be missed by whoever looks from outside."""
    found = connection.execute(update(ticks).where(ticks.c.name == name).values(at=now, process=process))
    if found.rowcount == 0:
        connection.execute(insert(ticks).values(name=name, at=now, process=process))


def stop_ticking(connection: Connection, name: str, process: str) -> None:
    """An orderly end: a clock that was stopped is not a clock that died."""
    connection.execute(delete(ticks).where(ticks.c.name == name, ticks.c.process == process))


LEASE = timedelta(minutes=5)  # renewed while the look goes on, so that a dead machine's lease is soon free


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

    def columns(self, now: datetime) -> dict[str, Any]:
        """Of the run that ends so."""
        return {
            "ended_at": now,
            "outcome": self.outcome,
            "reason": self.reason,
            "error": self.error,
            "exit_code": self.exit_code,
            "requests": self.requests,
            "bytes": self.bytes,
            "rows": self.rows,
            "counts": dict(self.counts) or None,
            "stages": {name: round(seconds, 4) for name, seconds in self.stages.items()} or None,
            "seconds": round(sum(self.stages.values()), 4),
            "sha256": self.sha256,
        }


def served_columns(capture: Capture, since: datetime) -> dict[str, Any]:
    """What the server said, to be echoed the next time. A copy that was only confirmed keeps its validators."""
    served = {"served_sha256": capture.sha256, "served_since": since, "url": capture.url}
    if capture.outcome == "fetched":
        served |= {"last_modified": capture.validators.last_modified, "etag": capture.validators.etag}
    return served


def watched_columns(outcome: str, now: datetime, served: Mapping[str, Any]) -> dict[str, Any]:
    """Of a list after a look. `served` are those of `served_columns`, where the look came that far."""
    looked = {"last_look": now, "last_outcome": outcome, **served}
    return looked if outcome == "failed" else {**looked, "last_success": now}
