"""An installation on PostgreSQL to be torn at: publishers, the lists they publish, and the processes that look."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import select, update

from changelog.notices import report_runs
from changelog.wording import change_json
from demo.agencies import agencies
from demo.publisher import Publisher
from demo.rudeness import File, Rudeness, Talk
from pipelines.fetch_runs import fetch_lists
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.history.operations import queue_state, workers_alive
from pipelines.installation import Installation, open_installation, writing
from pipelines.tables import runs
from scraper.settings import Settings

ROOT = Path(__file__).parents[2]
HOSTS, LISTS = 4, 12
# The first two take the places of the built-in lists, whose publisher is not on this machine.
NAMES = ("participating", "pending", *(f"list{number}" for number in range(2, LISTS)))
# Two lists of one second have only their hashes to order them, and a quick process sees both within one.
FIRST = datetime(2025, 6, 2, 12, tzinfo=UTC)
MODELS = ("JEM", "TFM", "WSO")
DECLARED = """
[lists.{name}]
file = "{address}"
format = "csv"
private_addresses = true
delay_seconds = 0
cadence = {{ crons = ["0 0 1 1 *"], jitter_seconds = 0 }}
columns = {{ "STATE" = "state", "AGENCY" = "agency", "MODEL" = "support_type" }}
"""


def listing(number: int, rows: int, skip: int = 0) -> bytes:
    """A list of its own for each number; with `skip`, the first rows have left and as many have come."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["STATE", "AGENCY", "MODEL"])
    begin = number * 10 + skip
    for at, agency in enumerate(islice(agencies(), begin, begin + rows), begin):
        writer.writerow([agency.state, agency.name, MODELS[at % 3]])
    return text.getvalue().encode()


class World:
    """Publishers with lists, and the processes that watch them."""

    def __init__(self, publishers: Sequence[Publisher], home: Path) -> None:
        self.publishers = publishers
        self.home = home
        self.lists = home.parent / "lists.toml"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.lists.write_text(
            "".join(
                DECLARED.format(name=NAMES[number], address=self._of(number).url + f"/{number}.csv")
                for number in range(LISTS)
            )
        )

    def _of(self, number: int) -> Publisher:
        return self.publishers[number % HOSTS]

    def publish(self, skip: int = 0) -> None:
        for number in range(LISTS):
            published_at = FIRST + timedelta(minutes=skip)
            self._of(number).serve(f"/{number}.csv", listing(number, 80, skip), "text/csv", published_at)

    def be_slow(self) -> None:
        """The next look at each host takes a while."""
        for publisher in self.publishers:
            publisher.be_rude("robots", slow_robots(), times=1)

    def installation(self, database_url: str) -> Installation:
        return open_installation(
            Settings(
                home=self.home, lists=self.lists, database_url=database_url, retries=0, timeout_seconds=20
            )
        )

    def environment(self, database_url: str) -> dict[str, str]:
        return {
            **os.environ,
            "COUNTERSIGN_HOME": str(self.home),
            "COUNTERSIGN_LISTS": str(self.lists),
            "COUNTERSIGN_DATABASE_URL": database_url,
            "COUNTERSIGN_RETRIES": "0",
            "PYTHONPATH": str(ROOT),
        }

    def start(self, database_url: str, *command: str) -> subprocess.Popen[bytes]:
        log = (self.home.parent / f"{len(self.processes)}.log").open("wb")
        environment = self.environment(database_url)
        process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stderr=log)
        log.close()
        self.processes.append(process)
        return process

    def worker(self, database_url: str) -> subprocess.Popen[bytes]:
        return self.start(database_url, "tests/postgres/worker_process.py")

    def clock(self, database_url: str) -> subprocess.Popen[bytes]:
        return self.start(database_url, "tests/postgres/clock_process.py")

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def looks(installation: Installation) -> list[Any]:
    with installation.engine.connect() as connection:
        return list(connection.execute(select(runs).order_by(runs.c.id)))


def log_of(installation: Installation) -> list[dict[str, Any]]:
    """What happened, without when we looked."""
    moments = ("recorded_at", "captured_at", "published_at")
    with installation.engine.connect() as connection:
        told = [change_json(change) for change in read_changes(connection, ChangeFilter())]
    kept = [{name: value for name, value in change.items() if name not in moments} for change in told]
    return sorted(kept, key=lambda change: str(change["id"]))


def wait_until(true: Callable[[], bool], seconds: float, world: World) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            logs = "\n".join(log.read_text()[-1500:] for log in sorted(world.home.parent.glob("*.log")))
            raise AssertionError(f"not within {seconds} s\n{logs}")
        time.sleep(0.1)


def whole(installation: Installation) -> Counter[str]:
    return Counter(run.list for run in looks(installation) if run.outcome not in (None, "died", "stopped"))


def everyone_looked(installation: Installation, times: int) -> bool:
    found = whole(installation)
    return len(found) == LISTS and min(found.values()) >= times


def slow_robots() -> Rudeness:
    """Says after a while that everything is allowed."""

    def answer(talk: Talk, _file: File | None, end: Event) -> None:
        end.wait(4)
        with suppress(OSError):
            talk.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n")

    return Rudeness(answer)


def age_looks(installation: Installation) -> None:
    """All looks were made years ago, so that every list is due."""
    with writing(installation) as connection:
        connection.execute(update(runs).values(started_at=datetime(2020, 1, 1, tzinfo=UTC)))


def workers_of(installation: Installation) -> int:
    with installation.engine.connect() as connection:
        return workers_alive(connection)


def in_the_middle(installation: Installation, worker: subprocess.Popen[bytes]) -> bool:
    return any(run.outcome is None and f":{worker.pid}:" in run.process for run in looks(installation))


def quiet_queue(installation: Installation) -> bool:
    with installation.engine.connect() as connection:
        state = queue_state(connection)
    assert state is not None
    return state["waiting"] == state["doing"] == 0


async def looked_at_once(installation: Installation) -> None:
    await report_runs(
        installation, await fetch_lists(installation, list(installation.lists.values()), "clock", "test")
    )


def log_of_one_quiet_process(world: World, place: Path, skips: Sequence[int]) -> list[dict[str, Any]]:
    quiet = World(world.publishers, place / "desk")
    installation = quiet.installation(f"sqlite:///{place}/countersign.sqlite")
    for skip in skips:
        world.publish(skip)
        asyncio.run(looked_at_once(installation))
    installation.engine.dispose()
    return log_of(installation)


def seeded(
    world: World, url: str, tmp_path: Path, skips: Sequence[int]
) -> tuple[Installation, list[dict[str, Any]]]:
    """An installation that saw the first publication of every list, while the second is out; the log to come once
    it has seen those of all `skips`."""
    (tmp_path / "quiet").mkdir()
    expected = log_of_one_quiet_process(world, tmp_path / "quiet", skips)
    assert len(expected) == LISTS * 6 * (len(skips) - 1)
    world.publish(skips[0])
    installation = world.installation(url)
    asyncio.run(looked_at_once(installation))
    world.publish(skips[1])
    age_looks(installation)
    return installation, expected
