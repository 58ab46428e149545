"""A look at lists now, recorded from its start. The clock, the command and the page all look so."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from pipelines.announce import announce_incident
from pipelines.history.incidents import incident_facts, standing_incidents
from pipelines.history.looks import watched_lists
from pipelines.house import House
from pipelines.incidents import troubles
from pipelines.logs import get_log
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
from pipelines.run import catch_up, writing
from pipelines.threads import whole
from scraper.capture import Capture, Validators
from scraper.errors import CountersignError
from scraper.lists import PublishedList

BUSY = "Another process is looking at this list now."
BUG = 1
_broken = set[str]()  # holders of visits of this process that ended without being able to say so


@dataclass(frozen=True, slots=True)
class Look:
    """How one look at one list ended, as `crawl --json` prints it; `publication` is a hash."""

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


Looking = Callable[[House, Sequence[PublishedList], str, str], Awaitable[Sequence[Look]]]


@dataclass(frozen=True, slots=True)
class Visit:
    """One look at several lists, as it goes on."""

    house: House
    run_id: str
    holder: str
    trigger: str
    by: str


async def watch(house: House, lists: Sequence[PublishedList], trigger: str, by: str) -> list[Look]:
    """Look at `lists` once. Every look is recorded, from its start, whatever becomes of it.

    `trigger` is "clock", "make-up" or "person"; `by` says who asked. A list that another process looks at is
    left to it: its outcome is "busy".
    """
    visit = Visit(house, uuid4().hex, f"{process_name()}/{uuid4().hex[:8]}", trigger, by)
    try:
        return await _visit(visit, lists)
    except BaseException:
        broke_off(visit.holder)
        raise


def broke_off(holder: str) -> None:
    """This process could not say how a visit ended; it is told as soon as the database can be reached."""
    _broken.add(holder)


async def _visit(visit: Visit, lists: Sequence[PublishedList]) -> list[Look]:
    from scraper.crawl import crawl

    house = visit.house
    mine = await whole(_begin, visit, lists)
    looks = {item.name: Look(item.name, "busy", BUSY) for item in lists if item not in mine}
    renewing = asyncio.create_task(_renew(visit))
    try:
        started = time.perf_counter()
        validators = await asyncio.to_thread(_validators, house, mine)
        found = await crawl(mine, house.archive, house.settings, validators, house.now) if mine else {}
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
    return [looks[item.name] for item in lists]


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
            get_log(run=run_id, list=name).warning("a run's process died before the look ended")
        free_leases_of_the_dead(connection, goes_on)
    _broken.difference_update(broken)


def _begin(visit: Visit, lists: Sequence[PublishedList]) -> list[PublishedList]:
    try:
        recover(visit.house)
    except CountersignError as error:
        # The looks meet the same trouble, and record it.
        get_log().error("what was left from before could not be taken in", reason=str(error))
    with writing(visit.house) as connection:
        now = visit.house.now()
        mine = [item for item in lists if take_lease(connection, item.name, visit.holder, now)]
        for item in mine:
            start_run(connection, visit.run_id, item.name, visit.trigger, visit.by, visit.holder, now)
    return mine


async def _renew(visit: Visit) -> None:
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 3)
        await asyncio.to_thread(_renew_once, visit)


def _renew_once(visit: Visit) -> None:
    with writing(visit.house) as connection:
        renew_leases(connection, visit.holder, visit.house.now())


def _give_back(visit: Visit, mine: Sequence[PublishedList]) -> None:
    with writing(visit.house) as connection:
        for item in mine:
            give_lease_back(connection, item.name, visit.holder)


def _stop(visit: Visit, unfinished: Sequence[PublishedList]) -> None:
    """We were asked to stop in the middle: nobody's failure, so no incident comes of it."""
    reason = "The process was asked to stop before the look ended."
    with writing(visit.house) as connection:
        for item in unfinished:
            ended = Ended("stopped", reason, error=reason, exit_code=BUG)
            end_run(connection, visit.run_id, item.name, ended, visit.house.now())


def _validators(house: House, lists: Sequence[PublishedList]) -> dict[str, Validators]:
    """What the server said of the copies we hold; none for a list whose copy never came whole."""
    with house.engine.connect() as connection:
        rows = watched_lists(connection)
    return {
        item.name: Validators(row.url, row.last_modified, row.etag, row.served_sha256)
        for item in lists
        if (row := rows.get(item.name)) and row.url and row.served_sha256
    }


def _settle(
    visit: Visit, declaration: PublishedList, found: Capture | CountersignError, fetched: float
) -> Look:
    """Make a recorded outcome of what the crawl brought home, or of a bug: one list's is not another's."""
    stages = {"fetch": fetched}
    served: dict[str, Any] = {}
    log = get_log(run=visit.run_id, list=declaration.name, trigger=visit.trigger, by=visit.by)
    try:
        if isinstance(found, CountersignError):
            raise found
        ended, served = outcome(visit.house, declaration, found, stages)
    except CountersignError as error:
        ended = Ended("failed", str(error), error=str(error), exit_code=error.exit_code)
    except Exception as bug:
        log.exception("a bug in countersign; please report it with these lines")
        said = f"A bug in countersign: {bug!r}"
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
    _tell(log, ended, quiet=visit.trigger == "person" and sys.stderr.isatty())
    name, sha256 = declaration.name, ended.sha256
    return Look(name, ended.outcome, ended.reason, ended.counts, ended.exit_code, visit.run_id, sha256)


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


def _tell(log: Any, ended: Ended, *, quiet: bool) -> None:
    """One line that tells the story of a run. A person at a terminal is told by the command itself."""
    if quiet:
        return
    counts = ", ".join(f"{count} {kind}" for kind, count in ended.counts.items())
    story = ended.outcome + (f": {counts}" if counts else "")
    told = {"requests": ended.requests, "bytes": ended.bytes, "rows": ended.rows}
    seconds = {name: round(spent, 3) for name, spent in ended.stages.items()}
    write = log.info if ended.exit_code == 0 else log.warning
    reason = {"reason": ended.reason} if ended.reason else {}
    write(story, **reason, **{name: value for name, value in told.items() if value}, seconds=seconds)
