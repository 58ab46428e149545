"""Looks: recorded from their start, one at a time for each list, closed whatever becomes of their process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from changelog.status import metrics
from demo.made import Week
from demo.publisher import Publisher
from demo.rudeness import silent
from pipelines.fetch_runs import fetch_lists
from pipelines.installation import Installation, open_installation, writing
from pipelines.processes import is_alive, process_name
from pipelines.record.runs import LEASE, start_run, take_lease
from pipelines.run import replay
from pipelines.tables import leases, runs
from scheduler import Clock
from scraper.past_files import past_captures
from scraper.settings import Settings
from tests.declaring import declared_in

ROOT = Path(__file__).parents[2]


def _the_same(at: datetime) -> datetime:
    return at


@pytest.fixture
def playing(publisher: Publisher, published: list[Week]) -> Publisher:
    week = published[0]
    publisher.show_week(week)
    return publisher


@pytest.fixture
def installation(tmp_path: Path, home: Path, playing: Publisher) -> Iterator[Installation]:
    installation = open_installation(
        Settings(home=tmp_path / "desk", retries=0, timeout_seconds=20), playing.lists()
    )
    yield installation
    installation.engine.dispose()


def recorded(installation: Installation) -> list[Any]:
    with installation.engine.connect() as connection:
        return list(connection.execute(select(runs).order_by(runs.c.id)))


def declared(tmp_path: Path, playing: Publisher) -> dict[str, str]:
    """The environment of a process of its own that watches the playing publisher."""
    lists = declared_in(tmp_path, playing)
    return {
        **os.environ,
        "COUNTERSIGN_HOME": str(tmp_path / "desk"),
        "COUNTERSIGN_LISTS": str(lists),
        "COUNTERSIGN_RETRIES": "0",
    }


def test_a_run_says_who_asked_what_it_cost_and_how_long_each_stage_took(installation: Installation) -> None:
    asyncio.run(fetch_lists(installation, installation.chosen(["participating"]), "person", "reader"))
    [run] = recorded(installation)
    assert (run.trigger, run.by, run.outcome, run.exit_code) == ("person", "reader", "recorded", 0)
    assert run.requests >= 2
    assert run.bytes > 5000
    assert run.rows == 134
    assert {"fetch", "keep", "derive", "read"} <= set(run.stages)
    assert run.started_at <= run.ended_at
    assert is_alive(run.process)


def test_one_looks_and_the_others_say_so(installation: Installation) -> None:
    async def three() -> list[list[str]]:
        found = await asyncio.gather(
            *(
                fetch_lists(installation, installation.chosen(["participating"]), who, who)
                for who in ("person", "clock", "person")
            )
        )
        return [[look.outcome for look in looks] for looks in found]

    outcomes = sorted(asyncio.run(three()))
    assert outcomes == [["busy"], ["busy"], ["recorded"]]
    assert len(recorded(installation)) == 1
    with installation.engine.connect() as connection:
        assert connection.execute(select(leases)).all() == []


@pytest.mark.long
def test_two_commands_and_the_clock_at_once(
    tmp_path: Path, installation: Installation, playing: Publisher
) -> None:
    environment = declared(tmp_path, playing)
    command = [sys.executable, "-m", "countersign", "crawl", "participating", "--json"]
    playing.be_rude("robots", silent(), times=1)  # whoever comes first is kept waiting

    async def at_once() -> list[tuple[int | None, dict[str, Any]]]:
        async def crawl() -> tuple[int | None, dict[str, Any]]:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
            out, _ = await process.communicate()
            return process.returncode, json.loads(out)

        clock = Clock(installation)
        first = asyncio.ensure_future(crawl())
        while not (recorded(installation) and playing.asked):
            await asyncio.sleep(0.05)
        second, ticking = asyncio.ensure_future(crawl()), asyncio.ensure_future(clock.run())
        said = await second
        playing.wait.set()
        done = await first
        clock.stop()
        await ticking
        return [done, said]

    (_code, one), (code, other) = asyncio.run(at_once())
    assert one["outcome"] in ("recorded", "failed")
    assert (code, other["outcome"]) == (0, "busy")
    assert "Another process" in other["reason"]
    looked = [run for run in recorded(installation) if run.list == "participating"]
    assert looked[0].trigger == "person"
    assert all(one.ended_at <= two.started_at for one, two in pairwise(looked))


def test_a_process_that_is_killed_leaves_a_run_that_is_closed_as_died(
    tmp_path: Path, installation: Installation, playing: Publisher
) -> None:
    playing.be_rude("page", silent())
    process = subprocess.Popen(
        [sys.executable, "-m", "countersign", "crawl", "participating"],
        cwd=ROOT, env=declared(tmp_path, playing), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _wait_for(lambda: len(recorded(installation)) == 1)
    process.kill()
    process.wait()
    playing.be_kind()
    [look] = asyncio.run(
        fetch_lists(installation, installation.chosen(["participating"]), "person", "reader")
    )
    assert look.outcome == "recorded"  # nobody waits for the lease of the dead
    died, again = recorded(installation)
    assert (died.outcome, died.reason) == (
        "died",
        "The process died, or lost the database, before the look ended.",
    )
    assert again.outcome == "recorded"


def test_sigterm_abandons_a_run_cleanly(
    tmp_path: Path, installation: Installation, playing: Publisher
) -> None:
    playing.be_rude("page", silent())
    process = subprocess.Popen(
        [sys.executable, "scheduler.py"], cwd=ROOT, env=declared(tmp_path, playing),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    _wait_for(lambda: len(recorded(installation)) == 2)
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)  # it waits for a publisher that never answers
    assert process.returncode == 0
    assert [run.outcome for run in recorded(installation)] == ["stopped", "stopped"]
    assert "the clock has stopped" in log
    with installation.engine.connect() as connection:
        assert connection.execute(select(leases)).all() == []


def test_a_look_that_is_cancelled_is_nobodys_failure(installation: Installation, playing: Publisher) -> None:
    playing.be_rude("page", silent())

    async def cancelled() -> None:
        task = asyncio.ensure_future(
            fetch_lists(installation, installation.chosen(["participating"]), "clock", "test")
        )
        while not recorded(installation):
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    [run] = recorded(installation)
    assert run.outcome == "stopped"
    playing.be_kind()
    [look] = asyncio.run(fetch_lists(installation, installation.chosen(["participating"]), "clock", "test"))
    assert look.outcome == "recorded"


def test_a_lease_of_another_machine_is_respected_until_it_expires(installation: Installation) -> None:
    now = datetime(2025, 5, 12, 14, tzinfo=UTC)
    elsewhere = "another.example:77:0"
    with writing(installation) as connection:
        assert take_lease(connection, "participating", elsewhere, now)
        start_run(connection, "r1", "participating", "clock", "test", elsewhere, now)
    outcomes: Mapping[timedelta, str] = {
        timedelta(minutes=1): "busy",
        LEASE + timedelta(seconds=1): "recorded",
    }
    for later, outcome in outcomes.items():
        at = now + later
        then = replace(installation, now=partial(_the_same, at))
        [look] = asyncio.run(fetch_lists(then, installation.chosen(["participating"]), "clock", "test"))
        assert look.outcome == outcome
    assert [run.outcome for run in recorded(installation)] == ["died", "recorded"]


def test_a_process_is_known_by_more_than_its_number() -> None:
    host, number, started = process_name().rsplit(":", 2)
    assert is_alive(process_name())
    assert is_alive(f"{process_name()}/tail")
    assert is_alive(f"{host}:{number}:{started}0") is False
    assert is_alive(f"{host}:{2**22 + 1}:{started}") is False
    assert is_alive(f"another.example:{number}:{started}") is None
    assert is_alive("nonsense") is None


def _wait_for(true: Any) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def test_a_look_that_recorded_nothing_is_unchanged(
    installation: Installation, tmp_path: Path, published: list[Week]
) -> None:
    """The served file was replayed before: nothing is new in the result, in the run, and in the metrics."""
    week = published[0]
    (tmp_path / "past").mkdir()
    (tmp_path / "past" / week.participating_name).write_bytes(week.participating)
    declaration = installation.lists["participating"]
    replay(installation, past_captures(tmp_path / "past", declaration))
    [look] = asyncio.run(fetch_lists(installation, [declaration], "person", "reader"))
    assert (look.outcome, look.counts, look.exit_code) == ("unchanged", {}, 0)
    [run] = recorded(installation)
    assert (run.outcome, run.counts, run.rows) == ("unchanged", None, 134)
    assert 'outcome="unchanged",trigger="person"} 1.0' in metrics(installation).decode()
