"""How fresh is what we know? One answer for the command, the page and a monitor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from changelog.wording import iso
from pipelines.history.outbox import count_given_up, count_owed
from pipelines.history.queue import queue_state
from pipelines.history.status import ClockStatus, ListStatus, clock_status, list_statuses
from pipelines.house import House
from pipelines.silence import duration


def status_json(house: House) -> dict[str, Any]:
    """`overdue` says whether any list is older than its cadence promises."""
    now = house.now()
    with house.engine.connect() as connection:
        lists = list_statuses(connection, house.lists, now)
        clock = clock_status(connection, now)
        owed, given_up = count_owed(connection), count_given_up(connection)
        queue = queue_state(connection)
    return {
        "at": iso(now),
        "overdue": any(item.overdue for item in lists),
        "clock": {"state": clock.state, "last_tick": iso(clock.last_tick), "text": clock_text(clock)},
        "queue": {**queue, "text": queue_text(queue)} if queue else None,
        "notices": {"owed": owed, "given_up": given_up},
        "lists": [_list_json(item) for item in lists],
    }


def clock_text(clock: ClockStatus) -> str:
    match clock.state:
        case "running":
            return "The clock is running."
        case "dead":
            return f"The clock is dead: its last tick was at {iso(clock.last_tick)}. Start it again."
        case _:
            return "No clock is running: lists are looked at only when somebody asks (or cron does)."


def queue_text(queue: Mapping[str, int]) -> str:
    """What waits for workers, and whether there are any."""
    match queue["workers"]:
        case 0:
            who = "No worker is alive, so the clock looks itself"
        case 1:
            who = "1 worker is alive"
        case alive:
            who = f"{alive} workers are alive"
    given_up = f", {queue['given_up']} given up" if queue["given_up"] else ""
    return f"{who}. In the queue: {queue['waiting']} waiting, {queue['doing']} being made{given_up}."


def _list_json(item: ListStatus) -> dict[str, Any]:
    return {
        "list": item.list,
        "outcome": item.outcome,
        "last_look": iso(item.last_look),
        "last_success": iso(item.last_success),
        "last_change": iso(item.last_change),
        "next_look": iso(item.next_look),
        "age": duration(item.age) if item.age is not None else None,
        "age_seconds": int(item.age.total_seconds()) if item.age is not None else None,
        "overdue": item.overdue,
        "held": item.held,
        "incidents": [
            {"kind": kind, "text": text, "since": iso(since)} for kind, text, since in item.incidents
        ],
        "documents": _round_json(item.documents),
    }


def _round_json(run: Row[Any] | None) -> dict[str, Any] | None:
    """The last round of a list's documents; `outcome` is null while it goes on."""
    if run is None:
        return None
    return {
        "began": iso(run.started_at),
        "outcome": run.outcome,
        "reason": run.reason or "",
        "counts": run.counts or {},
    }
