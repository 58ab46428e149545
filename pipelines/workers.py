"""Workers and the queue between them and the clocks: Procrastinate, in PostgreSQL.

One job is one look at one list. Its queueing lock is the list, so that several clocks never queue a look twice; a
person's look, which is made even when none is due, has one of its own. Its lock is the list's host, so that no two
workers press one publisher, nor look at one list, at a time. What a worker is given it still holds against the
record: a look that another one has made since is not made again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from sqlalchemy import make_url

from pipelines.fetch_runs import RunResult, close_the_dead, fetch_lists
from pipelines.history.operations import SCHEMA, workers_alive
from pipelines.installation import Installation
from pipelines.logs import get_log
from pipelines.maintenance import still_due
from scraper.errors import CountersignError, DatabaseError
from scraper.lists import PublishedList

LOOKS = "looks"  # the queue of this kind of job
TASK = "look"
TOLD_HOURS = 7 * 24
FIRST, LATER = 10, 0  # priorities: a person waits for an answer, a clock does not
# A list that is being looked at elsewhere, a database that went away, a worker that was stopped: 2, 4, 8 ...
# seconds, eight minutes in all, which is longer than the lease of a machine that died.
RETRY = RetryStrategy(max_attempts=8, exponential_wait=2)


Report = Callable[[Installation, Sequence[RunResult]], Awaitable[object]]  # what is done once a run has ended


class BusyError(CountersignError):
    """Another process is looking at this list; the job is tried again later."""


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds: signs of life, how long without one makes a worker dead, how often the queue is asked."""

    heartbeat: float = 5.0
    dead: float = 20.0
    poll: float = 5.0
    farewell: float = 10.0
    again: float = 2.0


class Jobs(JobManager):
    """A queueing lock counts what waits, not what is being made: a look may be queued behind the one that is made
    now. When that one has to be tried again it would wait twice, which the database refuses."""

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        if retry_at is not None and priority is None:
            # One step back: what waits for its hour would else hold up all other lists of its host.
            priority = job.priority - 1
        try:
            await super().retry_job(job, retry_at, priority, queue, lock)
        except UniqueViolation:
            await self.finish_job(job, Status.SUCCEEDED, delete_job=True)


async def fetch_or_queue(
    installation: Installation, lists: Sequence[PublishedList], trigger: str, by: str
) -> list[RunResult]:
    """Have `lists` fetched by workers, or in this process when none is alive. What was fetched since it was due is not
    fetched again, whichever of several clocks (one stands by for another) asks. What workers make is in the record
    once it is made; none of it is returned."""
    due, workers = await asyncio.to_thread(_due_and_workers, installation, lists, trigger)
    if not due:
        return []
    if not workers:
        return await fetch_lists(installation, due, trigger, by, due_only=trigger != "person")
    await defer(installation, due, trigger, by)
    return []


def _due_and_workers(
    installation: Installation, lists: Sequence[PublishedList], trigger: str
) -> tuple[Sequence[PublishedList], int]:
    with installation.engine.connect() as connection:
        due = lists if trigger == "person" else still_due(connection, lists, installation.now())
        return due, workers_alive(connection)


async def defer(installation: Installation, lists: Sequence[PublishedList], trigger: str, by: str) -> None:
    """Queue a look at each of `lists`, unless one waits already."""
    try:
        async with _opened(_app(installation)) as app:
            for item in lists:
                await _defer(app, item, trigger, by)
    except ConnectorException as error:
        raise DatabaseError(f"The looks could not be queued: {error}") from error


async def _defer(app: App, item: PublishedList, trigger: str, by: str) -> None:
    job = app.configure_task(
        TASK,
        allow_unknown=True,
        queue=LOOKS,
        lock=_host(item),
        queueing_lock=f"{'person' if trigger == 'person' else 'list'} {item.name}",
        priority=FIRST if trigger == "person" else LATER,
    )
    with suppress(AlreadyEnqueued):
        await job.defer_async(list_name=item.name, trigger=trigger, by=by)


async def cancel(installation: Installation, list_name: str) -> int:
    """Take the looks at a list from the queue; one that is being made is broken off. Returns how many."""
    async with _opened(_app(installation)) as app:
        jobs = await app.job_manager.list_jobs_async(queue=LOOKS)
        ours = [job for job in jobs if job.task_kwargs.get("list_name") == list_name]
        ended = [
            await app.job_manager.cancel_job_by_id_async(job.id, abort=True)
            for job in ours
            if job.id is not None and job.status in ("todo", "doing")
        ]
    return sum(ended)


async def work(
    installation: Installation,
    report: Report,
    concurrency: int,
    stop: asyncio.Event,
    pace: Pace | None = None,
) -> None:
    """Make the runs that are queued, until `stop`. A database that goes away is waited for."""
    pace = pace or Pace()
    log, away = get_log(worker=True), False
    while not stop.is_set():
        try:
            # What we could not end while the database was away would keep all others from its lists.
            await asyncio.to_thread(close_the_dead, installation)
            async with _opened(_app(installation, report)) as app:
                log.info("the worker is running", concurrency=concurrency)
                away = False
                await _work_once(app, concurrency, stop, pace)
        except (ConnectorException, DatabaseError) as trouble:
            if not away:
                log.warning("the queue cannot be reached", reason=str(trouble.__cause__ or trouble).strip())
            away = True
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pace.again)
    log.info("the worker has stopped")


async def _work_once(app: App, concurrency: int, stop: asyncio.Event, pace: Pace) -> None:
    """Until we are asked to stop, or the database fails us."""
    working = asyncio.create_task(
        app.run_worker_async(
            queues=[LOOKS],
            concurrency=concurrency,
            install_signal_handlers=False,
            delete_jobs="successful",
            fetch_job_polling_interval=pace.poll,
            update_heartbeat_interval=pace.heartbeat,
            stalled_worker_timeout=pace.dead,
            shutdown_graceful_timeout=pace.farewell,
        )
    )
    others = [asyncio.create_task(each) for each in (stop.wait(), _recover(app, pace), _tidy(app))]
    try:
        await asyncio.wait([working, *others], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, *others):
            task.cancel()
        ended = await asyncio.gather(working, *others, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error


async def _recover(app: App, pace: Pace) -> None:
    """Give the jobs of workers that died to the living."""
    while True:
        for job in await app.job_manager.get_stalled_jobs(queue=LOOKS, seconds_since_heartbeat=pace.dead):
            # All workers mind the dead, and another one may have been quicker.
            with suppress(ConnectorException):
                await app.job_manager.retry_job(job)
                get_log(list=job.task_kwargs.get("list_name")).warning(
                    "a worker died; its look is made again"
                )
        await asyncio.sleep(pace.heartbeat)


async def _tidy(app: App) -> None:
    """What was given up, or cancelled, is worth knowing for a while."""
    while True:
        await app.job_manager.delete_old_jobs(
            TOLD_HOURS, LOOKS, include_failed=True, include_cancelled=True, include_aborted=True
        )
        await asyncio.sleep(3600)


def _app(installation: Installation, report: Report | None = None) -> App:
    address = make_url(installation.settings.database_url).set(drivername="postgresql")
    connector = PsycopgConnector(
        conninfo=address.render_as_string(hide_password=False),
        kwargs={"options": f"-c search_path={SCHEMA}"},
        min_size=1,
        max_size=4,
        timeout=10,
    )
    app = App(connector=connector)
    app.job_manager = Jobs(connector)
    if report is not None:
        _add_task(app, installation, report)
    return app


def _add_task(app: App, installation: Installation, report: Report) -> None:
    @app.task(name=TASK, queue=LOOKS, retry=RETRY, pass_context=True)
    async def look(context: JobContext, list_name: str, trigger: str, by: str) -> None:
        del context
        if list_name not in installation.lists:
            return
        results = await fetch_lists(
            installation, [installation.lists[list_name]], trigger, by, due_only=trigger != "person"
        )
        await report(installation, results)
        if any(result.outcome == "busy" for result in results):
            raise BusyError


@asynccontextmanager
async def _opened(app: App) -> AsyncIterator[App]:
    async with app.open_async():
        yield app


def _host(item: PublishedList) -> str:
    address = item.file or item.page or next(iter(item.files), item.name)
    return f"host {urlsplit(address).netloc.lower() or item.name}"
