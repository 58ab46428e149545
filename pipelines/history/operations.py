"""How the lists are doing: runs, status, incidents, what is owed to whom, the queue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, column, func, literal_column, select, table

from pipelines.history.publications import cleared_since, held_publications, new_publications
from pipelines.incidents import PAUSES, Facts
from pipelines.processes import is_alive
from pipelines.tables import changes, incidents, outbox, publications, runs, ticks, watched
from scraper.cadence import is_overdue, next_due
from scraper.lists import PublishedList

CLOCK = "clock"  # the name of its tick
TICK = timedelta(minutes=1)
DOCUMENTS = "documents"  # the trigger of runs that ask for documents
NO_LOOKS = ("replay", "backfill", DOCUMENTS)  # triggers of runs that ask no publisher for a list


def watched_lists(connection: Connection) -> dict[str, Row[Any]]:
    """Rows of `watched` by list; a list that was never looked at has none."""
    return {row.list: row for row in connection.execute(select(watched))}


def watched_list(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(watched).where(watched.c.list == name)).first()


def recent_runs(
    connection: Connection, list_name: str | None = None, limit: int = 100, before: int | None = None
) -> Sequence[Row[Any]]:
    """The newest runs first; `before` is the id of the last one of the page before."""
    query = select(runs).order_by(runs.c.id.desc()).limit(limit)
    if list_name is not None:
        query = query.where(runs.c.list == list_name)
    if before is not None:
        query = query.where(runs.c.id < before)
    return connection.execute(query).all()


def last_looks(connection: Connection, lists: Iterable[str]) -> dict[str, datetime | None]:
    """When a look at each list began last, whoever asked and however it ended."""
    # One question for all: each of ten thousand would cost the clock four seconds of every minute.
    began = select(func.max(runs.c.started_at)).where(runs.c.trigger.not_in(NO_LOOKS))
    latest = began.where(runs.c.list == watched.c.list).scalar_subquery()
    known = {row.list: row[1] for row in connection.execute(select(watched.c.list, latest))}
    # No look at the others has ever ended.
    return {
        name: known[name] if name in known else connection.execute(began.where(runs.c.list == name)).scalar()
        for name in lists
    }


def last_whole_look(connection: Connection, list_name: str) -> datetime | None:
    """When the last look began that came to an end, however it ended; not one whose process died or was stopped."""
    query = select(func.max(runs.c.started_at)).where(
        runs.c.list == list_name,
        runs.c.trigger.not_in(NO_LOOKS),
        runs.c.ended_at.is_not(None),
        runs.c.outcome.not_in(("died", "stopped")),
    )
    return connection.execute(query).scalar()


def last_round(connection: Connection, list_name: str) -> Row[Any] | None:
    """The last run that asked for the list's documents."""
    query = select(runs).where(runs.c.list == list_name, runs.c.trigger == DOCUMENTS)
    return connection.execute(query.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(1)).first()


def first_look(connection: Connection) -> datetime | None:
    """When the oldest run that is still recorded was started."""
    return connection.execute(select(func.min(runs.c.started_at))).scalar()


def last_tick(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(ticks).where(ticks.c.name == name)).first()


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


LATELY = timedelta(days=14)
MISSED = timedelta(minutes=3)  # three ticks: a busy machine may be late with one


@dataclass(frozen=True, slots=True)
class ListStatus:
    """`age` is since the last look that succeeded; `incidents` are kind, sentence and beginning of each.
    `cleared` are publications that were held and put right by a later list within LATELY, newest first.
    `documents` is the last run that asked for the list's documents; None when they are not fetched, or none was made.
    """

    list: str
    outcome: str | None
    last_look: datetime | None
    last_success: datetime | None
    last_change: datetime | None
    next_look: datetime | None
    age: timedelta | None
    overdue: bool
    held: int
    incidents: Sequence[tuple[str, str, datetime]]
    documents: Row[Any] | None = None
    cleared: Sequence[Row[Any]] = ()


@dataclass(frozen=True, slots=True)
class ClockStatus:
    """`state`: "running", "dead" (it ticked and stopped without a word), or "none" (nobody started one)."""

    state: str
    last_tick: datetime | None


def clock_status(connection: Connection, now: datetime) -> ClockStatus:
    """Dead when it ticked longer ago than MISSED, or when its process on this machine is gone."""
    row = last_tick(connection, CLOCK)
    if row is None:
        return ClockStatus("none", None)
    lives = now - row.at <= MISSED and is_alive(row.process) is not False
    return ClockStatus("running" if lives else "dead", row.at)


def list_statuses(
    connection: Connection, lists: Mapping[str, PublishedList], now: datetime
) -> list[ListStatus]:
    """One for each of `lists`, in their order."""
    watched = watched_lists(connection)
    changed = _last_changes(connection, lists)
    held = [row.list for row in held_publications(connection)]
    incidents = open_incidents(connection)
    cleared = cleared_since(connection, now - LATELY)
    return [
        _status(
            declaration,
            watched.get(name),
            changed.get(name),
            held.count(name),
            [(row.kind, row.text, row.opened_at) for row in incidents if row.list == name],
            last_round(connection, name) if declaration.documents else None,
            [row for row in cleared if row.list == name],
            now,
        )
        for name, declaration in lists.items()
    ]


def _status(
    declaration: PublishedList,
    row: Any,
    changed: datetime | None,
    held: int,
    incidents: Sequence[tuple[str, str, datetime]],
    documents: Row[Any] | None,
    cleared: Sequence[Row[Any]],
    now: datetime,
) -> ListStatus:
    succeeded = row.last_success if row else None
    return ListStatus(
        list=declaration.name,
        outcome=row.last_outcome if row else None,
        last_look=row.last_look if row else None,
        last_success=succeeded,
        last_change=changed,
        next_look=next_due(declaration.cadence, now),
        age=now - succeeded if succeeded else None,
        overdue=is_overdue(declaration.cadence, succeeded, now),
        held=held,
        incidents=incidents,
        documents=documents,
        cleared=cleared,
    )


def _last_changes(connection: Connection, names: Iterable[str]) -> dict[str, datetime]:
    """When the newest change of each list was published: one step into the index for each list."""
    newest = select(changes.c.published_at).order_by(changes.c.place.desc()).limit(1)
    found = {name: connection.execute(newest.where(changes.c.list == name)).scalar() for name in names}
    return {name: moment for name, moment in found.items() if moment}


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
