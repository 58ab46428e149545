"""Two workers against one on PostgreSQL, with lists whose looks are work for the processor.

Every look finds a changed list: it is fetched, kept, parsed, judged and recorded. The lists are tables of web pages,
whose reading is the most work for a worker; each makes one look at a time. The same cores also carry PostgreSQL (from
its wheel) and the publisher (this process), so what these use a second worker cannot have; the processor time of each
is told.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Row, func, select

from benchmarks import made
from benchmarks.postgres import postgresql, processor_time
from benchmarks.table import Line
from demo.publisher import Publisher
from pipelines.history.operations import workers_alive
from pipelines.installation import Installation, open_installation
from pipelines.tables import runs
from pipelines.workers import defer
from scraper.settings import get_settings

LISTS, ROWS, TURNS = 12, 10_000, 3
GOAL = 1.8
NAMES = [f"list{number}" for number in range(LISTS)]
FIRST = datetime(2025, 6, 2, 12, tzinfo=UTC)
DECLARED = """
[lists.{name}]
file = "{address}"
format = "html"
private_addresses = true
delay_seconds = 0
plausible = {{ rows = [1, 1000000] }}
cadence = {{ crons = ["0 0 1 1 *"], jitter_seconds = 0 }}
[lists.{name}.columns]
"STATE" = "state"
"LAW ENFORCEMENT AGENCY" = "agency"
"TYPE" = "agency_type"
"COUNTY" = "county"
"SUPPORT TYPE" = "support_type"
"SIGNED" = "signed"
"MOA" = "moa"
"ADDENDUM" = "addendum"
"""


class Publishers:
    """A host for each list, since no two workers press one host at a time."""

    def __init__(self, stack: ExitStack) -> None:
        self._hosts = [stack.enter_context(Publisher()) for _ in range(LISTS)]
        self._rows = [list(made.lines(ROWS, seed=number)) for number in range(LISTS)]
        self._days = 0

    def declared(self) -> str:
        return "".join(
            DECLARED.format(name=name, address=f"{host.url}/list.html")
            for name, host in zip(NAMES, self._hosts, strict=True)
        )

    def publish(self) -> None:
        """Of every list what it shows the next day."""
        self._days += 1
        for number, host in enumerate(self._hosts):
            self._rows[number] = made.next_day(self._rows[number], seed=self._days)
            published_at = FIRST + timedelta(self._days)
            host.serve("/list.html", web_page(self._rows[number]), "text/html", published_at)


def web_page(rows: Sequence[made.Line]) -> bytes:
    lines = ["".join(f"<td>{escape(text)}</td>" for text in row) for row in rows]
    head = "".join(f"<th>{text}</th>" for text in made.HEADER)
    table = "</tr>\n<tr>".join([head, *lines])
    return f"<!doctype html><title>List</title><table><tr>{table}</tr></table>".encode()


def measure() -> list[Line]:
    with ExitStack() as stack:
        publishers = Publishers(stack)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address, server = stack.enter_context(postgresql())
        (folder / "lists.toml").write_text(publishers.declared())
        own = {"home": folder / "home", "lists": folder / "lists.toml", "database_url": address}
        installation = open_installation(get_settings().model_copy(update=own))
        taken: dict[int, list[Wave]] = {1: [], 2: []}
        for turn in range(TURNS):
            for count in (1, 2) if turn % 2 else (2, 1):
                with workers(installation, count) as at_work:
                    for warm in (False, True):
                        publishers.publish()
                        wave = looked_at(installation, at_work, server)
                        if warm:
                            taken[count].append(wave)
        installation.engine.dispose()
    seconds = {count: median(wave.seconds for wave in waves) for count, waves in taken.items()}
    one, two = (median(wave.by_workers for wave in taken[count]) for count in (1, 2))
    by_server = median(wave.by_server for wave in taken[1])
    return [
        Line(
            "two workers against one on PostgreSQL, CPU-bound lists",
            f"at least {GOAL} x",
            f"{seconds[1] / seconds[2]:.2f} x ({seconds[2]:.1f} s against {seconds[1]:.1f} s)",
            seconds[1] / seconds[2] >= GOAL,
            f"medians of {TURNS} turns; {LISTS} changed web pages of {ROWS:,} rows. Processor time of a look: "
            f"one worker {one / LISTS:.2f} s, two {two / LISTS:.2f} s; PostgreSQL {by_server / LISTS:.2f} s, "
            f"on the same {os.cpu_count()} cores",
        )
    ]


@dataclass(frozen=True, slots=True)
class Wave:
    """How long it took until all lists were looked at, and processor time used meanwhile; all in seconds."""

    seconds: float
    by_workers: float
    by_server: float


@contextmanager
def workers(installation: Installation, count: int) -> Iterator[list[int]]:
    """The numbers of their processes, once all are waiting for something to do."""
    settings = installation.settings
    environment = {
        **os.environ,
        "COUNTERSIGN_HOME": str(settings.home),
        "COUNTERSIGN_LISTS": str(settings.lists),
        "COUNTERSIGN_DATABASE_URL": settings.database_url,
    }
    command = [sys.executable, "-m", "countersign", "worker", "--concurrency", "1"]
    at_work = [subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) for _ in range(count)]
    try:
        until(lambda: alive(installation) == count)
        yield [worker.pid for worker in at_work]
    finally:
        for worker in at_work:
            worker.terminate()
        for worker in at_work:
            worker.wait()


def looked_at(installation: Installation, at_work: Sequence[int], server: int) -> Wave:
    """One look at every list, handed to the workers."""
    with installation.engine.connect() as connection:
        last = connection.scalar(select(func.max(runs.c.id))) or 0
    ours = [item for name, item in installation.lists.items() if name in NAMES]
    before, began = used(at_work, server), time.perf_counter()
    # A person's looks are made whether they are due or not.
    asyncio.run(defer(installation, ours, "person", "benchmark"))
    until(lambda: len(ended_after(installation, last)) == LISTS)
    seconds, after = time.perf_counter() - began, used(at_work, server)
    for run in ended_after(installation, last):
        assert run.outcome == "recorded", run  # noqa: S101 - else there was less to do
    return Wave(seconds, after[0] - before[0], after[1] - before[1])


def ended_after(installation: Installation, last: int) -> Sequence[Row[Any]]:
    with installation.engine.connect() as connection:
        return connection.execute(select(runs).where(runs.c.id > last, runs.c.ended_at.is_not(None))).all()


def alive(installation: Installation) -> int:
    with installation.engine.connect() as connection:
        return workers_alive(connection)


def used(at_work: Sequence[int], server: int) -> tuple[float, float]:
    return sum(map(processor_time, at_work)), processor_time(server)


def until(true: Callable[[], bool]) -> None:
    while not true():
        time.sleep(0.1)
