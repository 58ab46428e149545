"""How each list is doing, for people and for monitors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import Row

from changelog.wording import iso
from pipelines.history.figures import changes_by_kind, looks_by_outcome
from pipelines.history.operations import (
    ClockStatus,
    ListStatus,
    clock_status,
    count_given_up,
    count_open_incidents,
    count_owed,
    list_statuses,
    queue_state,
)
from pipelines.incidents import duration
from pipelines.installation import Installation


def status_json(installation: Installation) -> dict[str, Any]:
    """`overdue` says whether any list is older than its cadence promises."""
    now = installation.now()
    wrong = [_wrong_json(name, text) for name, text in installation.wrong_lists.items()]
    with installation.engine.connect() as connection:
        lists = list_statuses(connection, installation.lists, now)
        clock = clock_status(connection, now)
        owed, given_up = count_owed(connection), count_given_up(connection)
        queue = queue_state(connection)
    return {
        "at": iso(now),
        "overdue": bool(wrong) or any(item.overdue for item in lists),
        "clock": {"state": clock.state, "last_tick": iso(clock.last_tick), "text": clock_text(clock)},
        "queue": {**queue, "text": queue_text(queue)} if queue else None,
        "notices": {"owed": owed, "given_up": given_up},
        "lists": [*(_list_json(item) for item in lists), *wrong],
    }


def _wrong_json(name: str, text: str) -> dict[str, Any]:
    """A list whose declaration is wrong: nobody looks at it, which nobody should have to find out by its silence."""
    nothing = dict.fromkeys(("last_look", "last_success", "last_change", "next_look", "age", "age_seconds"))
    incident = {"kind": "failing", "text": text, "since": None}
    told = {"overdue": True, "held": 0, "incidents": [incident], "cleared": [], "documents": None}
    return {"list": name, "outcome": "failed", **nothing, **told}


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
        "cleared": [
            {
                "published_at": iso(row.published_at),
                "published_name": row.published_name,
                "reasons": [reason["text"] for reason in row.reasons],
            }
            for row in item.cleared
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


CONTENT_TYPE = CONTENT_TYPE_LATEST


def metrics(installation: Installation) -> bytes:
    """What /metrics answers, in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Record(installation))
    return bytes(generate_latest(registry))  # type: ignore[no-untyped-call]


class _Record(Collector):
    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def collect(self) -> Iterator[Metric]:
        now = self._installation.now()
        with self._installation.engine.connect() as connection:
            lists = list_statuses(connection, self._installation.lists, now)
            clock = clock_status(connection, now)
            looks, kinds = looks_by_outcome(connection), changes_by_kind(connection)
            incidents = count_open_incidents(connection)
            owed, given_up = count_owed(connection), count_given_up(connection)
            queue = queue_state(connection)
        yield from _looks(looks)
        yield _labelled_counter("countersign_changes", "Changes recorded.", ("list", "kind"), kinds)
        yield from _ages(lists)
        open_now = GaugeMetricFamily("countersign_incidents_open", "Open incidents.", labels=("list", "kind"))
        for labels, count in incidents.items():
            open_now.add_metric(labels, count)
        yield open_now
        yield GaugeMetricFamily("countersign_outbox_owed", "Notices owed and not yet sent.", value=owed)
        yield GaugeMetricFamily("countersign_outbox_given_up", "Notices given up.", value=given_up)
        yield from _clock(clock)
        yield from _queue(queue)


def _looks(looks: dict[tuple[str, str, str], tuple[int, float]]) -> Iterator[Metric]:
    counted = CounterMetricFamily(
        "countersign_looks", "Looks that ended.", labels=("list", "trigger", "outcome")
    )
    seconds: dict[str, tuple[int, float]] = {}
    for labels, (count, spent) in looks.items():
        counted.add_metric(labels, count)
        before = seconds.get(labels[0], (0, 0.0))
        seconds[labels[0]] = (before[0] + count, before[1] + spent)
    yield counted
    durations = SummaryMetricFamily("countersign_look_seconds", "How long looks took.", labels=("list",))
    for name, (count, spent) in seconds.items():
        durations.add_metric((name,), count_value=count, sum_value=spent)
    yield durations


def _labelled_counter(
    name: str, text: str, labels: tuple[str, ...], values: dict[tuple[str, str], int]
) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def _ages(lists: list[ListStatus]) -> Iterator[Metric]:
    age = GaugeMetricFamily("countersign_age_seconds", "Time since a look succeeded.", labels=("list",))
    overdue = GaugeMetricFamily("countersign_overdue", "1 when older than the cadence.", labels=("list",))
    held = GaugeMetricFamily("countersign_held", "Lists that wait for a person.", labels=("list",))
    for item in lists:
        if item.age is not None:
            age.add_metric((item.list,), item.age.total_seconds())
        overdue.add_metric((item.list,), int(item.overdue))
        held.add_metric((item.list,), item.held)
    yield from (age, overdue, held)


def _clock(clock: ClockStatus) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "countersign_clock_up", "1 while the clock ticks.", value=int(clock.state == "running")
    )
    if clock.last_tick:
        yield GaugeMetricFamily(
            "countersign_clock_tick_timestamp_seconds",
            "When the clock ticked last.",
            value=clock.last_tick.timestamp(),
        )


def _queue(queue: Mapping[str, int] | None) -> Iterator[Metric]:
    looks = GaugeMetricFamily("countersign_queue_looks", "Looks in the queue of workers.", labels=("state",))
    workers = GaugeMetricFamily("countersign_workers", "Workers alive.", value=None)
    if queue:
        for state in ("waiting", "doing", "given_up"):
            looks.add_metric((state,), queue[state])
        workers.add_metric((), queue["workers"])
    yield from (looks, workers)
