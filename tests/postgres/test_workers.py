"""Two workers, a clock and its standby: what is killed in the middle costs nothing and doubles nothing."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from changelog.notices import report_runs
from pipelines.fetch_runs import RunResult, fetch_lists
from pipelines.history.operations import queue_state
from pipelines.installation import Installation
from pipelines.workers import cancel, defer, fetch_or_queue, work
from tests.postgres.server import Server
from tests.postgres.worker_process import QUICK
from tests.postgres.world import (
    LISTS,
    NAMES,
    World,
    age_looks,
    everyone_looked,
    in_the_middle,
    log_of,
    looks,
    quiet_queue,
    seeded,
    wait_until,
    whole,
    workers_of,
)  # fmt: skip


@pytest.mark.long
def test_a_worker_and_the_first_clock_are_killed_in_the_middle(
    world: World, server: Server, tmp_path: Path
) -> None:
    url = server.new_database()
    installation, expected = seeded(world, url, tmp_path, skips=(0, 3, 6))
    workers = [world.worker(url), world.worker(url)]
    wait_until(lambda: workers_of(installation) == 2, 30, world)
    world.be_slow()
    first, standby = world.clock(url), world.clock(url)
    wait_until(lambda: in_the_middle(installation, workers[0]), 40, world)
    workers[0].send_signal(signal.SIGKILL)
    first.send_signal(signal.SIGKILL)
    wait_until(lambda: everyone_looked(installation, 2), 90, world)
    wait_until(lambda: quiet_queue(installation), 30, world)
    assert any(run.outcome == "died" for run in looks(installation))
    # All looks that come now are the standby's to ask for, and the other worker's to make.
    world.publish(skip=6)
    age_looks(installation)
    wait_until(lambda: everyone_looked(installation, 3), 60, world)
    wait_until(lambda: quiet_queue(installation), 30, world)
    assert standby.poll() is workers[1].poll() is None
    assert whole(installation) == Counter(dict.fromkeys(NAMES, 3))
    assert log_of(installation) == expected
    installation.engine.dispose()


def test_a_look_waits_once_however_many_clocks_ask(world: World, server: Server) -> None:
    installation = world.installation(server.new_database())
    lists = list(installation.lists.values())

    async def ask() -> None:
        await asyncio.gather(*(defer(installation, lists, "clock", "test") for _ in range(3)))

    asyncio.run(ask())
    with installation.engine.connect() as connection:
        assert queue_state(connection) == {"waiting": LISTS, "doing": 0, "given_up": 0, "workers": 0}
    assert asyncio.run(cancel(installation, "list3")) == 1
    with installation.engine.connect() as connection:
        state = queue_state(connection)
    assert state is not None
    assert state["waiting"] == LISTS - 1
    installation.engine.dispose()


def test_a_worker_makes_the_looks_and_a_persons_first(world: World, server: Server) -> None:
    installation = world.installation(server.new_database())
    lists = list(installation.lists.values())
    made: list[str] = []

    async def story() -> None:
        stop = asyncio.Event()

        async def report(installation: Installation, results: Sequence[RunResult]) -> None:
            made.append(results[0].list)
            if len(made) == LISTS:
                stop.set()
            await report_runs(installation, results)

        await defer(installation, lists[:-1], "clock", "test")
        await defer(installation, lists[-1:], "person", "reader")
        await work(installation, report, 1, stop, QUICK)

    asyncio.run(story())
    assert made[0] == lists[-1].name
    assert Counter(run.outcome for run in looks(installation)) == {"recorded": LISTS}
    assert quiet_queue(installation)
    installation.engine.dispose()


def test_a_look_that_somebody_else_has_made_meanwhile_is_left_out(world: World, server: Server) -> None:
    installation = world.installation(server.new_database())
    lists = list(installation.lists.values())

    async def together() -> int:
        """Two that were told at the same moment that every list is due."""
        made = await asyncio.gather(
            *(fetch_lists(installation, lists, "clock", name, due_only=True) for name in ("one", "other"))
        )
        again = await fetch_lists(installation, lists, "clock", "late", due_only=True)
        assert again == []
        return sum(look.outcome == "recorded" for looks in made for look in looks)

    assert asyncio.run(together()) == LISTS
    assert whole(installation) == Counter(dict.fromkeys(NAMES, 1))
    installation.engine.dispose()


def test_without_workers_the_clock_looks_itself_and_never_twice(world: World, server: Server) -> None:
    installation = world.installation(server.new_database())
    lists = list(installation.lists.values())
    for _ in range(2):
        asyncio.run(fetch_or_queue(installation, lists, "clock", "test"))
    assert Counter(run.outcome for run in looks(installation)) == {"recorded": LISTS}
    installation.engine.dispose()
