"""A look at lists now, recorded from its start. The clock, the command and the page all look so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from pipelines.announce import announce_incident
from pipelines.history.incidents import incident_facts, standing_incidents
from pipelines.history.looks import last_whole_look, watched_lists
from pipelines.house import House, writing
from pipelines.incidents import troubles
from pipelines.logs import get_log, tell_of_look
from pipelines.looks.look import BUG, Look
from pipelines.looks.outcome import outcome
from pipelines.processes import is_alive, process_name
from pipelines.record.incidents import settle_incidents
from pipelines.record.runs import (
    LEASE,
    Ended,
    close_dead_runs,
    end_run,
    free_leases_of_the_dead,
    give_lease_back,
    note_look,
    renew_leases,
    start_run,
    take_lease,
)
from pipelines.run import catch_up
from pipelines.threads import whole
from scraper.cadence import is_due
from scraper.capture import Capture, Validators
from scraper.errors import CountersignError, DatabaseError, StorageError, words_of
from scraper.lists import PublishedList

BUSY = "Another process is looking at this list now."
_ASKED_TO_STOP = "The process was asked to stop before the look ended."
STOPPED = Ended("stopped", _ASKED_TO_STOP, error=_ASKED_TO_STOP, exit_code=BUG)
_broken = set[str]()  # holders of visits of this process that ended without being able to say so


@dataclass(frozen=True, slots=True)
class Visit:
    """One look at several lists, as it goes on."""

    house: House
    run_id: str
    holder: str
    trigger: str
    by: str
    due_only: bool


async def watch(
    house: House, lists: Sequence[PublishedList], trigger: str, by: str, *, due_only: bool = False
) -> list[Look]:
    """Look at `lists` once. Every look is recorded, from its start, whatever becomes of it.

    `trigger` is "clock", "make-up" or "person"; `by` says who asked. A list that another process looks at is
    left to it: its outcome is "busy". With `due_only`, lists that somebody else has looked at since they were
    due are left out.
    """
    # A damaged archive is met again by each look, which records it.
    with suppress(StorageError):
        house.archive.journal.check_clock(house.now())
    holder = f"{process_name()}/{uuid4().hex[:8]}"
    visit = Visit(house, uuid4().hex, holder, trigger, by, due_only)
    try:
        return await _visit(visit, lists)
    except BaseException:
        broke_off(holder)
        raise


def broke_off(holder: str) -> None:
    """This process could not say how a visit ended; it is told as soon as the database can be reached."""
    _broken.add(holder)


async def _visit(visit: Visit, lists: Sequence[PublishedList]) -> list[Look]:
    mine, busy = await whole(_begin, visit, lists)
    looks = {item.name: Look(item.name, "busy", BUSY) for item in busy}
    renewing = asyncio.create_task(_renew(visit))
    try:
        started = time.perf_counter()
        found = await _crawl(visit, mine) if mine else {}
        fetched = time.perf_counter() - started
        for item in mine:
            looks[item.name] = await whole(_settle, visit, item, found[item.name], fetched)
    except asyncio.CancelledError:
        await whole(_stop, visit, [item for item in mine if item.name not in looks])
        raise
    finally:
        renewing.cancel()
        unfinished = [item for item in mine if item.name not in looks]
        if unfinished:
            await whole(_give_back, visit, unfinished)
    return [looks[item.name] for item in lists if item.name in looks]


async def _crawl(visit: Visit, lists: Sequence[PublishedList]) -> Mapping[str, Capture | Exception]:
    # Scrapy takes long to load, and a clock that finds nothing due has no use for it.
    from scraper.crawl import crawl

    house = visit.house
    validators = await asyncio.to_thread(_validators, house, lists)
    try:
        return await crawl(lists, house.archive, house.settings, validators, house.now)
    except Exception as bug:
        return {item.name: bug for item in lists}


def recover(house: House) -> None:
    """Pick up what a crash left: runs without an end, leases without a holder, files nobody derived."""
    close_the_dead(house)
    catch_up(house, needed=())


def close_the_dead(house: House) -> None:
    """End the runs, and free the lists, of processes that died and of visits that a lost database broke off."""
    broken = frozenset(_broken)

    def goes_on(holder: str) -> bool | None:
        return False if holder in broken else is_alive(holder)

    with writing(house) as connection:
        for run_id, name in close_dead_runs(connection, goes_on, house.now()):
            get_log(run=run_id, list=name).warning(
                "a look was broken off: its process died, or lost the database"
            )
        free_leases_of_the_dead(connection, goes_on)
    _broken.difference_update(broken)


def still_due(connection: Connection, lists: Sequence[PublishedList], now: datetime) -> list[PublishedList]:
    """Those at which no look began, and came to an end, since they were due: another clock or worker may have
    been there first, and one that died or was stopped in the middle has done nothing."""
    return [item for item in lists if is_due(item.cadence, last_whole_look(connection, item.name), now)]


def _begin(visit: Visit, lists: Sequence[PublishedList]) -> tuple[list[PublishedList], list[PublishedList]]:
    """The lists at which the visit looks, and those that another process has."""
    try:
        recover(visit.house)
    except Exception as error:
        # The looks meet the same trouble, and record it.
        log = get_log()
        tell = log.error if isinstance(error, CountersignError) else log.exception
        tell("what was left from before could not be taken in", reason=words_of(error))
    with writing(visit.house) as connection:
        now = visit.house.now()
        free = [item for item in lists if take_lease(connection, item.name, visit.holder, now)]
        # Asked with the lease in hand: whoever had it until just now may have made the look.
        mine = still_due(connection, free, now) if visit.due_only else free
        for item in free:
            if item in mine:
                start_run(connection, visit.run_id, item.name, visit.trigger, visit.by, visit.holder, now)
            else:
                give_lease_back(connection, item.name, visit.holder)
    return mine, [item for item in lists if item not in free]


async def _renew(visit: Visit) -> None:
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 3)
        try:
            await asyncio.to_thread(_renew_once, visit)
        except DatabaseError as away:
            # It may be back before the lease ends.
            get_log(run=visit.run_id).warning("a lease could not be renewed", reason=str(away))


def _renew_once(visit: Visit) -> None:
    with writing(visit.house) as connection:
        renew_leases(connection, visit.holder, visit.house.now())


def _give_back(visit: Visit, mine: Sequence[PublishedList]) -> None:
    with writing(visit.house) as connection:
        for item in mine:
            give_lease_back(connection, item.name, visit.holder)


def _stop(visit: Visit, unfinished: Sequence[PublishedList]) -> None:
    """We were asked to stop in the middle: nobody's failure, so no incident comes of it."""
    with writing(visit.house) as connection:
        for item in unfinished:
            end_run(connection, visit.run_id, item.name, STOPPED, visit.house.now())


def _validators(house: House, lists: Sequence[PublishedList]) -> dict[str, Validators]:
    """What the server said of the copies we hold; none for a list whose copy never came whole."""
    with house.engine.connect() as connection:
        rows = watched_lists(connection)
    return {
        item.name: Validators(row.url, row.last_modified, row.etag, row.served_sha256)
        for item in lists
        if (row := rows.get(item.name)) and row.url and row.served_sha256
    }


def _settle(visit: Visit, declaration: PublishedList, found: Capture | Exception, fetched: float) -> Look:
    """Make a recorded outcome of what the crawl brought home, or of a bug: one list's is not another's."""
    stages = {"fetch": fetched}
    served: dict[str, Any] = {}
    try:
        if isinstance(found, Exception):
            raise found
        ended, served = outcome(visit.house, declaration, found, stages)
    except CountersignError as error:
        ended = Ended("failed", str(error), error=str(error), exit_code=error.exit_code)
    except Exception as bug:
        log = get_log(run=visit.run_id, list=declaration.name, trigger=visit.trigger, by=visit.by)
        log.exception("a bug in countersign; please report it with these lines")
        said = f"A bug in countersign: {type(bug).__name__}: {words_of(bug)}"
        ended = Ended("failed", said, error=said, exit_code=BUG)
    ended = replace(ended, stages=stages)
    if isinstance(found, Capture):
        ended = replace(ended, requests=found.requests, bytes=found.received)
    with writing(visit.house) as connection:
        now = visit.house.now()
        note_look(connection, declaration.name, ended.outcome, now, **served)
        end_run(connection, visit.run_id, declaration.name, ended, now)
        assess(visit.house, connection, declaration, ended)
        give_lease_back(connection, declaration.name, visit.holder)
    return _told(visit, declaration.name, ended)


def _told(visit: Visit, name: str, ended: Ended) -> Look:
    """Write the line of the log, and make what the caller gets."""
    counts = ", ".join(f"{count} {kind}" for kind, count in ended.counts.items())
    story = ended.outcome + (f": {counts}" if counts else "")
    words = {"reason": ended.reason, "requests": ended.requests, "bytes": ended.bytes, "rows": ended.rows}
    bound = {"run": visit.run_id, "list": name, "trigger": visit.trigger, "by": visit.by}
    tell_of_look(bound, story, words, ended.stages, "info" if ended.exit_code == 0 else "warning")
    return Look(name, ended.outcome, ended.reason, ended.counts, ended.exit_code, visit.run_id, ended.sha256)


def assess(
    house: House, connection: Connection, declaration: PublishedList, ended: Ended | None = None
) -> None:
    """Open, count and close the list's incidents, after a look (or, without one, as time goes by)."""
    name, now = declaration.name, house.now()
    facts = incident_facts(connection, name, ended.outcome if ended else None, ended.reason if ended else "")
    found = troubles(declaration, facts, standing_incidents(connection, name), now)
    for incident, event, number in settle_incidents(
        connection, name, found, again=ended is not None, now=now
    ):
        announce_incident(house, connection, incident, event, number)
