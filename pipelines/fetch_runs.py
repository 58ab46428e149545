"""Runs: lists are fetched, kept, ingested, and recorded from the start of a run to its end.

The clock, the commands and the page start them here, in their own process; with PostgreSQL the clock may leave them
to workers (pipelines.workers).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Row

from pipelines.history.operations import watched_list, watched_lists
from pipelines.history.publications import is_caught_up, latest_of_bytes
from pipelines.incidents import duration
from pipelines.installation import Installation, writing
from pipelines.logs import get_log, log_run
from pipelines.maintenance import assess, still_due
from pipelines.processes import broke_off, is_alive, process_name, whole
from pipelines.record.runs import (
    LEASE,
    Ended,
    close_dead_runs,
    end_run,
    free_leases_of_the_dead,
    give_lease_back,
    note_look,
    renew_leases,
    served_columns,
    start_run,
    take_lease,
)
from scraper.capture import Capture, Validators
from scraper.errors import (
    ClockError,
    CountersignError,
    DatabaseError,
    StorageError,
    UnreadableError,
    words_of,
)
from scraper.lists import PublishedList
from scraper.storage import storing

BUG = 1


@dataclass(frozen=True, slots=True)
class RunResult:
    """As `crawl --json` prints it; `publication` is a hash."""

    list: str
    outcome: str
    reason: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    exit_code: int = 0
    run_id: str = ""
    publication: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "list": self.list,
            "outcome": self.outcome,
            "reason": self.reason,
            "counts": dict(self.counts),
            "exit_code": self.exit_code,
            "run_id": self.run_id,
            "publication": self.publication,
        }


DECLARATION = "the list's declaration"
HELD = 3
CLOCK_AHEAD = timedelta(days=1)


@contextmanager
def timed(stages: dict[str, float], name: str) -> Iterator[None]:
    """Add the seconds that it takes to what `stages` has under the name."""
    started = time.perf_counter()
    try:
        yield
    finally:
        stages[name] = stages.get(name, 0.0) + time.perf_counter() - started


def outcome(
    installation: Installation, declaration: PublishedList, capture: Capture, stages: dict[str, float]
) -> tuple[Ended, dict[str, Any]]:
    """How the run ended, and what to ask the server for next time. `stages` gains seconds by stage."""
    if capture.outcome == "absent":
        return Ended("absent", "The page has no link to this list."), {}
    with installation.engine.connect() as connection:
        row = watched_list(connection, declaration.name)
    served_before = row.served_sha256 if row else None
    fresh = capture.sha256 != served_before
    before = _found(installation, capture)
    if fresh:
        from pipelines.run import catch_up

        _must_agree_on_the_time(capture)
        with timed(stages, "keep"):
            installation.archive.keep(capture, installation.now())
        with timed(stages, "derive"):
            catch_up(installation, needed=[declaration.name])
    since = capture.captured_at if fresh or row is None else row.served_since
    served = served_columns(capture, since)
    with timed(stages, "read"):
        row = _served_now(installation, capture)
    with timed(stages, "derive"):
        if _believe_what_stays(installation, declaration, capture, row, since):
            row = _served_now(installation, capture)
    return _found_to_be(
        row, news=before is None or (before.key, before.state) != (row.key, row.state)
    ), served


def _found(installation: Installation, capture: Capture) -> Row[Any] | None:
    with installation.engine.connect() as connection:
        return latest_of_bytes(connection, capture.list, capture.sha256 or "")


def _must_agree_on_the_time(capture: Capture) -> None:
    """A capture that is dated ahead would make every real list after it look older."""
    from pipelines.run import http_time

    theirs = http_time(capture.headers.get("date"))
    age = capture.headers.get("age", "")
    if theirs is None:
        return
    theirs += timedelta(seconds=int(age) if age.isascii() and age.isdigit() else 0)
    if capture.captured_at - theirs > CLOCK_AHEAD:
        raise ClockError(
            f"This machine's clock says {capture.captured_at:%Y-%m-%d %H:%M} UTC, the publisher's server "
            f"{theirs:%Y-%m-%d %H:%M} UTC. Nothing was kept. Set the clock right and try again."
        )


def _served_now(installation: Installation, capture: Capture) -> Row[Any]:
    """What the derivation made of the bytes that are served now."""
    row = _found(installation, capture)
    if row is None:
        raise UnreadableError(f"The list {capture.list} was kept and cannot be found in the record.")
    return row


def _believe_what_stays(
    installation: Installation, declaration: PublishedList, capture: Capture, row: Row[Any], since: datetime
) -> bool:
    """An older list that is served again for as long as the declaration says is what the publisher means."""
    stays = capture.captured_at - since >= declaration.believed_after
    if not stays or row.state != "held" or row.verdict:
        return False
    from pipelines.record.ingest import SERVED_AGAIN
    from pipelines.run import catch_up

    if row.basis != SERVED_AGAIN:
        return False
    installation.archive.append(
        "accept", installation.now(), publication=row.key, list=row.list, sha256=row.sha256, by=DECLARATION,
        note=f"Served without a break for {duration(capture.captured_at - since)}.",
    )  # fmt: skip
    catch_up(installation, needed=[declaration.name])
    return True


def _found_to_be(row: Row[Any], *, news: bool) -> Ended:
    """`news` says that the record did not know this before: what a replay recorded is not recorded again."""
    reasons = "; ".join(reason["text"] for reason in row.reasons or ())
    match row.state:
        case "recorded" if news:
            return Ended("recorded", "", counts=row.counts or {}, rows=row.agreements, sha256=row.sha256)
        case "held":
            return Ended("held", reasons, exit_code=HELD, rows=row.agreements, sha256=row.sha256)
        case "failed":
            return Ended("failed", reasons, error=reasons, exit_code=BUG, sha256=row.sha256)
        case "unreadable":
            return Ended(
                "failed", reasons, error=reasons, exit_code=UnreadableError.exit_code, sha256=row.sha256
            )
        case "retracted":
            return Ended("unchanged", f"The list served now was retracted: {row.note}", sha256=row.sha256)
        case "rejected":
            return Ended("unchanged", f"The list served now was rejected: {row.note}", sha256=row.sha256)
        case _:
            return Ended("unchanged", "", rows=row.agreements, sha256=row.sha256)


BUSY = "Another process is looking at this list now."
_ASKED_TO_STOP = "The process was asked to stop before the look ended."
STOPPED = Ended("stopped", _ASKED_TO_STOP, error=_ASKED_TO_STOP, exit_code=BUG)


@dataclass(frozen=True, slots=True)
class Run:
    """One run over several lists, as it goes on."""

    installation: Installation
    run_id: str
    holder: str
    trigger: str
    by: str
    due_only: bool


async def fetch_lists(
    installation: Installation,
    lists: Sequence[PublishedList],
    trigger: str,
    by: str,
    *,
    due_only: bool = False,
) -> list[RunResult]:
    """Fetch `lists` once. Every run is recorded, from its start, whatever becomes of it.

    `trigger` is "clock", "make-up" or "person"; `by` says who asked. A list that another process fetches is
    left to it: its outcome is "busy". With `due_only`, lists that somebody else has fetched since they were
    due are left out.
    """
    # A damaged archive is met again by each run, which records it.
    with suppress(StorageError):
        installation.archive.journal.check_clock(installation.now())
    holder = f"{process_name()}/{uuid4().hex[:8]}"
    run = Run(installation, uuid4().hex, holder, trigger, by, due_only)
    try:
        return await _fetch(run, lists)
    except BaseException:
        broke_off(holder)
        raise


async def _fetch(run: Run, lists: Sequence[PublishedList]) -> list[RunResult]:
    mine, busy = await whole(_begin, run, lists)
    results = {item.name: RunResult(item.name, "busy", BUSY) for item in busy}
    renewing = asyncio.create_task(_renew(run))
    try:
        started = time.perf_counter()
        found = await _crawl(run, mine) if mine else {}
        fetched = time.perf_counter() - started
        for item in mine:
            results[item.name] = await whole(_settle, run, item, found[item.name], fetched)
    except asyncio.CancelledError:
        await whole(_stop, run, [item for item in mine if item.name not in results])
        raise
    finally:
        renewing.cancel()
        unfinished = [item for item in mine if item.name not in results]
        if unfinished:
            await whole(_give_back, run, unfinished)
    return [results[item.name] for item in lists if item.name in results]


async def _crawl(run: Run, lists: Sequence[PublishedList]) -> Mapping[str, Capture | Exception]:
    # Scrapy takes long to load, and a clock that finds nothing due has no use for it.
    from scraper.crawl import crawl

    installation = run.installation
    validators = await asyncio.to_thread(_validators, installation, lists)
    try:
        return await crawl(lists, installation.archive, installation.settings, validators, installation.now)
    except Exception as bug:
        return {item.name: bug for item in lists}


def recover(installation: Installation) -> None:
    """Pick up what a crash left: runs without an end, leases without a holder, files nobody processed."""
    close_the_dead(installation)
    if not _is_caught_up(installation):
        from pipelines.run import catch_up

        catch_up(installation, needed=())


def _is_caught_up(installation: Installation) -> bool:
    """Most runs find nothing new, and need none of what reads and judges. What machines share is always asked for."""
    if installation.settings.archive_url:
        return False
    path = installation.archive.journal.path
    with installation.engine.connect() as connection, storing(path):
        return is_caught_up(connection, path.stat().st_size if path.is_file() else 0)


def close_the_dead(installation: Installation) -> None:
    """End the runs, and free the lists, of processes that died and of runs that a lost database broke off."""
    with writing(installation) as connection:
        for run_id, name in close_dead_runs(connection, is_alive, installation.now()):
            get_log(run=run_id, list=name).warning(
                "a run was broken off: its process died, or lost the database"
            )
        free_leases_of_the_dead(connection, is_alive)


def _begin(run: Run, lists: Sequence[PublishedList]) -> tuple[list[PublishedList], list[PublishedList]]:
    """The lists of this run, and those that another process has."""
    try:
        recover(run.installation)
    except Exception as error:
        # The runs meet the same trouble, and record it.
        log = get_log()
        tell = log.error if isinstance(error, CountersignError) else log.exception
        tell("what was left from before could not be taken in", reason=words_of(error))
    with writing(run.installation) as connection:
        now = run.installation.now()
        free = [item for item in lists if take_lease(connection, item.name, run.holder, now)]
        # Asked with the lease in hand: whoever had it until just now may have fetched it.
        mine = still_due(connection, free, now) if run.due_only else free
        for item in free:
            if item in mine:
                start_run(connection, run.run_id, item.name, run.trigger, run.by, run.holder, now)
            else:
                give_lease_back(connection, item.name, run.holder)
    return mine, [item for item in lists if item not in free]


async def _renew(run: Run) -> None:
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 3)
        try:
            await asyncio.to_thread(_renew_once, run)
        except DatabaseError as away:
            # It may be back before the lease ends.
            get_log(run=run.run_id).warning("a lease could not be renewed", reason=str(away))


def _renew_once(run: Run) -> None:
    with writing(run.installation) as connection:
        renew_leases(connection, run.holder, run.installation.now())


def _give_back(run: Run, mine: Sequence[PublishedList]) -> None:
    with writing(run.installation) as connection:
        for item in mine:
            give_lease_back(connection, item.name, run.holder)


def _stop(run: Run, unfinished: Sequence[PublishedList]) -> None:
    """We were asked to stop in the middle: nobody's failure, so no incident comes of it."""
    with writing(run.installation) as connection:
        for item in unfinished:
            end_run(connection, run.run_id, item.name, STOPPED, run.installation.now())


def _validators(installation: Installation, lists: Sequence[PublishedList]) -> dict[str, Validators]:
    """What the server said of the copies we hold; none for a list whose copy never came whole."""
    with installation.engine.connect() as connection:
        rows = watched_lists(connection)
    return {
        item.name: Validators(row.url, row.last_modified, row.etag, row.served_sha256)
        for item in lists
        if (row := rows.get(item.name)) and row.url and row.served_sha256
    }


def _settle(run: Run, declaration: PublishedList, found: Capture | Exception, fetched: float) -> RunResult:
    """Make a recorded outcome of what the crawl brought home, or of a bug: one list's is not another's."""
    stages = {"fetch": fetched}
    served: dict[str, Any] = {}
    try:
        if isinstance(found, Exception):
            raise found
        ended, served = outcome(run.installation, declaration, found, stages)
    except CountersignError as error:
        ended = Ended("failed", str(error), error=str(error), exit_code=error.exit_code)
    except Exception as bug:
        log = get_log(run=run.run_id, list=declaration.name, trigger=run.trigger, by=run.by)
        log.exception("a bug in countersign; please report it with these lines")
        said = f"A bug in countersign: {type(bug).__name__}: {words_of(bug)}"
        ended = Ended("failed", said, error=said, exit_code=BUG)
    ended = replace(ended, stages=stages)
    if isinstance(found, Capture):
        ended = replace(ended, requests=found.requests, bytes=found.received)
    with writing(run.installation) as connection:
        now = run.installation.now()
        note_look(connection, declaration.name, ended.outcome, now, **served)
        end_run(connection, run.run_id, declaration.name, ended, now)
        assess(run.installation, connection, declaration, ended)
        give_lease_back(connection, declaration.name, run.holder)
    return _log_result(run, declaration.name, ended)


def _log_result(run: Run, name: str, ended: Ended) -> RunResult:
    """Write the line of the log, and make what the caller gets."""
    counts = ", ".join(f"{count} {kind}" for kind, count in ended.counts.items())
    story = ended.outcome + (f": {counts}" if counts else "")
    words = {"reason": ended.reason, "requests": ended.requests, "bytes": ended.bytes, "rows": ended.rows}
    bound = {"run": run.run_id, "list": name, "trigger": run.trigger, "by": run.by}
    log_run(bound, story, words, ended.stages, "info" if ended.exit_code == 0 else "warning")
    return RunResult(
        name, ended.outcome, ended.reason, ended.counts, ended.exit_code, run.run_id, ended.sha256
    )


class Recording:
    """What such a run found, filled in as it goes on."""

    def __init__(self) -> None:
        self.ended = Ended("recorded")

    def note(self, reason: str) -> None:
        self.ended = replace(self.ended, reason=reason)


@contextmanager
def recorded(installation: Installation, lists: Sequence[str], trigger: str, by: str) -> Iterator[Recording]:
    """Record a run of each list around a block of work, whatever becomes of it."""
    run_id, recording, started = uuid4().hex, Recording(), time.perf_counter()
    with writing(installation) as connection:
        for name in lists:
            start_run(connection, run_id, name, trigger, by, process_name(), installation.now())
    try:
        yield recording
    except BaseException as error:
        code = error.exit_code if isinstance(error, CountersignError) else BUG
        said = str(error) or type(error).__name__
        recording.ended = Ended("failed", said, error=said, exit_code=code)
        raise
    finally:
        ended = replace(recording.ended, stages={trigger: time.perf_counter() - started})
        with writing(installation) as connection:
            for name in lists:
                end_run(connection, run_id, name, ended, installation.now())
