"""What waits and who works is told alike by the command, the page, its JSON and the metrics."""

from __future__ import annotations

import asyncio
import json

import pytest
from fastapi.testclient import TestClient
from procrastinate.jobs import Status
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from changelog.notices import report_runs
from changelog.status import metrics
from countersign import run
from pipelines.installation import Installation
from pipelines.workers import LOOKS, _app, _opened, defer, work
from tests.postgres.server import Server
from tests.postgres.world import LISTS, World
from web.app import create_app

TEXT = f"No worker is alive, so the clock looks itself. In the queue: {LISTS - 1} waiting, 0 being made, 1 given up."


async def given_up(installation: Installation, list_name: str) -> None:
    async with _opened(_app(installation)) as app:
        for job in await app.job_manager.list_jobs_async(queue=LOOKS):
            if job.task_kwargs["list_name"] == list_name:
                await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)


def samples(installation: Installation) -> dict[tuple[str, str], float]:
    families = text_string_to_metric_families(metrics(installation).decode())  # type: ignore[no-untyped-call]
    return {
        (family.name, sample.labels.get("state", "")): sample.value
        for family in families
        if family.name in ("countersign_queue_looks", "countersign_workers")
        for sample in family.samples
    }


def test_the_queue_is_told_everywhere_alike(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = server.new_database()
    installation = world.installation(url)
    asyncio.run(defer(installation, list(installation.lists.values()), "clock", "test"))
    asyncio.run(given_up(installation, "list3"))
    for name, value in world.environment(url).items():
        monkeypatch.setenv(name, value)
    assert run(["status", "--format", "json"]) == 6  # never looked at
    told = json.loads(capsys.readouterr().out)["queue"]
    assert told == {"waiting": LISTS - 1, "doing": 0, "given_up": 1, "workers": 0, "text": TEXT}
    run(["status", "--format", "table"])
    assert TEXT in capsys.readouterr().err
    page = TestClient(create_app(installation), base_url="http://127.0.0.1")
    assert page.get("/status").json()["queue"] == told
    assert TEXT in page.get("/lists").text
    assert samples(installation) == {
        ("countersign_queue_looks", "waiting"): LISTS - 1,
        ("countersign_queue_looks", "doing"): 0,
        ("countersign_queue_looks", "given_up"): 1,
        ("countersign_workers", ""): 0,
    }
    installation.engine.dispose()


def test_a_worker_that_lives_is_counted(world: World, server: Server) -> None:
    installation = world.installation(server.new_database())

    async def story() -> dict[tuple[str, str], float]:
        stop = asyncio.Event()
        working = asyncio.create_task(work(installation, report_runs, 1, stop))
        async with asyncio.timeout(20):
            while not (found := await asyncio.to_thread(samples, installation))["countersign_workers", ""]:
                await asyncio.sleep(0.1)
        stop.set()
        await working
        return found

    assert asyncio.run(story())["countersign_workers", ""] == 1
    assert samples(installation)["countersign_workers", ""] == 0  # it said good-bye
    installation.engine.dispose()
