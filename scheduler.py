"""The clock. This is not Scrapy's scheduler, which orders the requests of one crawl; this says when to fetch.

One job per list, declared from its cadence and never stored. What was missed (the process was down, the
machine slept, its time was set forward) is found from the record of runs and made up for by one run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from pipelines.history.operations import CLOCK, DOCUMENTS, TICK
from pipelines.installation import Installation, open_installation, writing
from pipelines.logs import get_log, hush_libraries
from pipelines.maintenance import (
    DOCUMENTS_CADENCE,
    Portions,
    anything_owed,
    anything_to_report,
    due_for_documents,
    due_lists,
    maintain,
    still_due,
)
from pipelines.processes import process_name
from pipelines.record.runs import stop_ticking, tick
from scraper.cadence import MISFIRE, next_due
from scraper.errors import CountersignError, DatabaseError, ListError, worst
from scraper.list_file import sound_lists
from scraper.lists import Cadence, PublishedList

if TYPE_CHECKING:
    from pipelines.fetch_runs import RunResult

BY = "the clock"
JUMP = timedelta(
    seconds=30
)  # wall clock against monotonic clock; mere correction never gets that far in a tick
PATIENCE = 6.0  # seconds that a run may take to its end when we are asked to stop
LAST_PATIENCE = 2.0  # and to note that it was abandoned
Fetch = Callable[[Installation, Sequence[PublishedList], str], Awaitable[object]]


async def fetch_due(installation: Installation, lists: Sequence[PublishedList], trigger: str) -> object:
    """What the clock does when lists are due, or their documents when that is the trigger."""
    # Most minutes nothing is due; what only runs need is loaded by the first of them.
    if trigger == DOCUMENTS:
        from pipelines.documents.fetch import fetch_due_documents

        return await fetch_due_documents(installation, lists, BY)
    return await run_and_report(installation, lists, trigger)


async def run_and_report(
    installation: Installation, lists: Sequence[PublishedList], trigger: str
) -> Sequence[RunResult]:
    if installation.engine.dialect.name == "postgresql":
        from pipelines.workers import fetch_or_queue as fetch
    else:
        from pipelines.fetch_runs import fetch_lists as fetch
    results = await fetch(installation, lists, trigger, BY)
    if await asyncio.to_thread(anything_to_report, installation):
        from changelog.notices import report_runs

        await report_runs(installation, results)
    return results


async def deliver_owed(installation: Installation) -> None:
    if await asyncio.to_thread(anything_owed, installation):
        from changelog.notices import deliver

        await deliver(installation)


@cache
def _trigger_of_cadence() -> type:
    from apscheduler.triggers.base import BaseTrigger

    class CadenceTrigger(BaseTrigger):  # type: ignore[misc]
        """APScheduler's own cron trigger counts weekdays from Monday and is due twice in a doubled hour."""

        def __init__(self, cadence: Cadence) -> None:
            self.cadence = cadence

        def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
            due = next_due(self.cadence, previous_fire_time or now)
            late = random.uniform(0, self.cadence.jitter_seconds)  # noqa: S311 - politeness, not secrecy
            return due + timedelta(seconds=late) if due else None

    return CadenceTrigger


def publish(installation: Installation) -> None:
    """Bring the published folder up to what is recorded, where COUNTERSIGN_SITE names one."""
    folder = installation.settings.site
    if folder is None:
        return
    from web.site import build, is_behind

    try:
        if is_behind(installation, folder):
            build(installation, folder)
    except CountersignError as error:
        _log_failure("the site could not be written", error, folder=str(folder))


class Clock:
    """Starts runs when they are due, from `run` until `stop`. `fetch` makes one; `every` is the time between ticks."""

    def __init__(self, installation: Installation, fetch: Fetch = fetch_due, every: timedelta = TICK) -> None:
        self.installation = installation
        self._fetch = fetch
        self._every = every
        self._process = process_name()
        self._stopping = asyncio.Event()
        self._running: dict[asyncio.Task[object], frozenset[str]] = {}
        self._owed = set[str]()  # lists whose run came to nothing because the database was away
        self._portions = Portions()
        self._last_tick: tuple[datetime, float] | None = None
        # Loaded here: a clock that is started by cron has no use for it.
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        self._jobs = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={
                "coalesce": True,
                "max_instances": 1,
                "misfire_grace_time": int(MISFIRE.total_seconds()),
            },
        )

    async def run(self) -> None:
        self._declare()
        self._jobs.start()
        get_log().info("the clock is running", lists=sorted(self.installation.lists))
        ticking = asyncio.create_task(self._keep_ticking())
        try:
            await self._stopping.wait()
        finally:
            await self._wind_down(ticking)

    def stop(self) -> None:
        self._stopping.set()

    def reread(self) -> None:
        """Take the lists as they are declared now; when they are declared wrongly, keep the ones we have."""
        try:
            sound, wrong = sound_lists(self.installation.settings.lists, self.installation.settings.builtin)
        except CountersignError as error:
            get_log().error("the lists could not be read again, so the old ones stay", reason=str(error))
            return
        declared = {item.name: item for item in sound}
        for name in wrong.keys() & self.installation.lists.keys():
            get_log(list=name).error(
                "a list is declared wrongly, so it stays as it was", reason=wrong.pop(name)
            )
            declared[name] = self.installation.lists[name]
        # In place: the web page in this process reads the same register.
        self.installation.lists.clear()
        self.installation.lists.update(declared)
        self.installation.wrong_lists.clear()
        self.installation.wrong_lists.update(wrong)
        self._declare()
        get_log().info("the lists were read again", lists=sorted(declared))

    def _declare(self) -> None:
        """One job for each list, and one for its documents, counted from now on: also after the time was set."""
        self._jobs.remove_all_jobs()
        trigger = _trigger_of_cadence()
        for name, declaration in self.installation.lists.items():
            self._jobs.add_job(
                self._due, trigger(declaration.cadence), args=[name], id=f"list {name}", name=name
            )
            if declaration.documents:
                self._jobs.add_job(
                    self._due, trigger(DOCUMENTS_CADENCE), args=[name, DOCUMENTS], id=f"documents of {name}"
                )

    async def _due(self, name: str, trigger: str = "clock") -> None:
        if name in self.installation.lists and name not in self._busy():
            await asyncio.shield(self._start([self.installation.lists[name]], trigger))

    async def _keep_ticking(self) -> None:
        """No job of APScheduler's, which would wait for its hour when the time is set back."""
        grace = timedelta()
        while not self._stopping.is_set():
            try:
                await self._tick(grace)
                grace = MISFIRE
            except Exception as error:
                # A full disk or a database that is away must not stop the clock; the missing tick tells of it.
                _log_failure("a tick failed", error)
            await asyncio.sleep(self._every.total_seconds())

    async def _tick(self, grace: timedelta) -> None:
        """A sign of life; and whatever is found to be due without a job that saw to it."""
        self._mind_jumps()
        owed = self._owed & self.installation.lists.keys()
        missed = await asyncio.to_thread(self._keep_time, grace, owed)
        await deliver_owed(self.installation)
        self._owed -= owed
        if missed and not self._stopping.is_set():
            # Not waited for: a run that takes long must not pass for a clock that died.
            self._start(missed, "make-up")

    def _keep_time(self, grace: timedelta, owed: Collection[str]) -> list[PublishedList]:
        """Returns the lists whose run was missed, and those of `owed` that nobody else has fetched since."""
        busy = self._busy()
        with writing(self.installation) as connection:
            tick(connection, CLOCK, self._process, self.installation.now())
            missed = still_due(
                connection, [self.installation.lists[name] for name in owed], self.installation.now()
            )
        maintain(self.installation, self._portions.next([*self.installation.lists.values()]))
        missed += [item for item in due_lists(self.installation, grace, self._every) if item not in missed]
        return [item for item in missed if item.name not in busy]

    def _mind_jumps(self) -> None:
        now, steady = self.installation.now(), asyncio.get_running_loop().time()
        if self._last_tick is not None:
            passed = timedelta(seconds=steady - self._last_tick[1])
            jump = now - self._last_tick[0] - passed
            if abs(jump) > JUMP:
                get_log().warning("the time of this machine was set", by=str(jump))
                self._declare()
        self._last_tick = (now, steady)

    def _busy(self) -> set[str]:
        return set().union(*self._running.values())

    def _start(self, lists: Sequence[PublishedList], trigger: str) -> asyncio.Task[object]:
        """One run, in a task of its own: APScheduler cancels its jobs at once when it ends."""
        task = asyncio.ensure_future(self._fetch_safely(lists, trigger))
        self._running[task] = frozenset(item.name for item in lists)
        task.add_done_callback(lambda done: self._running.pop(done, None))
        return task

    async def _fetch_safely(self, lists: Sequence[PublishedList], trigger: str) -> object:
        try:
            results = await self._fetch(self.installation, lists, trigger)
            await asyncio.to_thread(publish, self.installation)
            return results
        except Exception as error:
            # Whatever happens to one run, the clock goes on.
            names = [item.name for item in lists]
            if isinstance(error, DatabaseError) and trigger != DOCUMENTS:
                self._owed.update(names)
            _log_failure("a run could not be made", error, lists=names)
            return None

    async def _wind_down(self, ticking: asyncio.Task[None]) -> None:
        """Let runs end for a while, then abandon them; either way nothing is left half written."""
        self._jobs.pause()
        ticking.cancel()
        await asyncio.wait([ticking], timeout=1)
        if self._running:
            await asyncio.wait([*self._running], timeout=PATIENCE)
        for task in [*self._running]:
            task.cancel()
        if self._running:
            await asyncio.wait([*self._running], timeout=LAST_PATIENCE)
        self._jobs.shutdown(wait=False)
        abandoned = bool(self._running)
        await asyncio.to_thread(self._stop_ticking)
        get_log().info("the clock has stopped", abandoned=abandoned)
        if abandoned:
            # A thread in the middle of something long cannot be stopped. Its transaction ends with the
            # process, and the next start closes the run as died.
            sys.stderr.flush()
            os._exit(0)

    def _stop_ticking(self) -> None:
        with writing(self.installation) as connection:
            stop_ticking(connection, CLOCK, self._process)


def _log_failure(what: str, error: Exception, **about: object) -> None:
    """With the way there only when it may be a bug of ours."""
    log = get_log(**about)
    tell = log.error if isinstance(error, CountersignError) else log.exception
    tell(what, reason=str(error))


@contextmanager
def heeding_signals(clock: Clock, also_stop: Callable[[], None] = lambda: None) -> Iterator[list[int]]:
    """SIGTERM and SIGINT stop, SIGHUP rereads the lists. Yields the signals that stopped us."""
    loop, heard = asyncio.get_running_loop(), list[int]()

    def stop(number: int) -> None:
        heard.append(number)
        clock.stop()
        also_stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    loop.add_signal_handler(signal.SIGHUP, clock.reread)
    try:
        yield heard
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)


async def run_clock(installation: Installation) -> int:
    """Until it is told to stop. Returns the exit code: 130 after SIGINT, else 0."""
    hush_libraries()
    clock = Clock(installation)
    with heeding_signals(clock) as heard:
        await clock.run()
    return 130 if signal.SIGINT in heard else 0


async def once(installation: Installation) -> int:
    """Do what is due and leave. The exit code is `crawl`'s."""
    hush_libraries()
    due = due_lists(installation, timedelta(), TICK)
    await asyncio.to_thread(maintain, installation)
    results = await run_and_report(installation, due, "clock") if due else ()
    await deliver_owed(installation)
    await asyncio.to_thread(publish, installation)
    if with_documents := due_for_documents(installation):
        await fetch_due(installation, with_documents, DOCUMENTS)
    codes = [result.exit_code for result in results]
    return worst([*codes, *(ListError.exit_code for _ in installation.wrong_lists)])


def _make_database_elsewhere() -> None:
    """A new home gets its database from a child: migrating loads libraries that a clock of years can do without.

    What goes wrong there goes wrong again here, where it is told.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            open_installation()
            code = 0
        finally:
            os._exit(code)
    os.waitpid(child, 0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code, as the command line's."""
    parser = argparse.ArgumentParser(prog="scheduler.py", description="The clock of countersign.")
    parser.add_argument("--once", action="store_true", help="do what is due and leave, for cron")
    chosen = parser.parse_args(arguments)
    try:
        if not chosen.once:
            _make_database_elsewhere()
        installation = open_installation()
        return asyncio.run(once(installation) if chosen.once else run_clock(installation))
    except CountersignError as error:
        sys.stderr.write(f"countersign: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
