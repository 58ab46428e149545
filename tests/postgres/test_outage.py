"""The database goes away under load and comes back: looks wait or fail cleanly, nothing is lost or doubled."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pipelines.installation import Installation
from tests.postgres.server import QUICK, Server
from tests.postgres.world import (
    NAMES,
    World,
    age_looks,
    everyone_looked,
    log_of,
    looks,
    quiet_queue,
    seeded,
    wait_until,
    whole,
    workers_of,
)
from web.app import create_app

AWAY = 12.0  # seconds


@pytest.fixture
def own() -> Iterator[Server]:
    """A server of its own, which keeps what it promised to keep also when it is killed."""
    server = Server(QUICK)
    yield server
    server.close()


def told(world: World, url: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "countersign", *command],
        env=world.environment(url),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def is_away(world: World, url: str) -> None:
    """A command says what is wrong, to people and to monitors, and does not wait for ever."""
    answer = told(world, url, "status", "--format", "json")
    assert answer.returncode == 7
    assert answer.stdout == ""
    assert answer.stderr.startswith("countersign: ")
    assert "database" in answer.stderr
    assert "Traceback" not in answer.stderr


def the_page_says_so(installation: Installation) -> None:
    """Without what the driver says: it may name the database's address and user."""
    with TestClient(create_app(installation), base_url="http://127.0.0.1") as page:
        for address in ("/readyz", "/status", "/metrics", "/", "/api/v1/changes"):
            answer = page.get(address)
            assert answer.status_code == 503, address
            assert "database does not answer" in answer.text
            assert "socket" not in answer.text


def some_are_looked_at(installation: Installation) -> bool:
    return any(run.outcome is None for run in looks(installation))


def goes_away(
    installation: Installation, world: World, url: str, server: Server, end: Callable[[], None]
) -> None:
    wait_until(lambda: some_are_looked_at(installation), 60, world)
    installation.engine.dispose()
    begun = time.monotonic()
    end()
    is_away(world, url)
    the_page_says_so(installation)
    time.sleep(max(0.0, AWAY - (time.monotonic() - begun)))
    server.start()


@pytest.mark.long
def test_a_database_that_is_stopped_and_killed_under_load_loses_nothing(
    world: World, own: Server, tmp_path: Path
) -> None:
    url = own.new_database()
    installation, expected = seeded(world, url, tmp_path, skips=(0, 3, 6))
    processes = [world.worker(url), world.worker(url)]
    wait_until(lambda: workers_of(installation) == 2, 30, world)
    world.be_slow()
    processes.append(world.clock(url))
    for number, end in enumerate((own.stop, own.kill), 2):
        goes_away(installation, world, url, own, end)
        wait_until(partial(everyone_looked, installation, number), 120, world)
        wait_until(lambda: quiet_queue(installation), 60, world)
        assert whole(installation) == Counter(dict.fromkeys(NAMES, number))
        if number == 2:
            world.publish(skip=6)
            world.be_slow()
            age_looks(installation)
    assert [process.poll() for process in processes] == [None, None, None]
    assert log_of(installation) == expected
    assert told(world, url, "status").returncode == 0
    installation.engine.dispose()
    world.end()


@pytest.mark.long
def test_a_clock_that_looks_itself_makes_up_for_what_was_broken_off(
    world: World, own: Server, tmp_path: Path
) -> None:
    url = own.new_database()
    installation, expected = seeded(world, url, tmp_path, skips=(0, 3))
    world.be_slow()
    clock = world.clock(url)
    goes_away(installation, world, url, own, own.kill)
    wait_until(partial(everyone_looked, installation, 2), 120, world)
    assert whole(installation) == Counter(dict.fromkeys(NAMES, 2))
    assert {run.outcome for run in looks(installation)} == {"recorded", "died"}
    assert clock.poll() is None
    assert log_of(installation) == expected
    installation.engine.dispose()
    world.end()
