"""A round: the documents of one list that are due are asked for, and the round is recorded like a look.

The clock makes one every two hours for each list that has `documents = true`, between the hours at which lists
are looked at and never at the same time: a round holds the list's lease, and ends before the next look is due.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import uuid4

from pipelines.documents.look import DocumentLook, Due, due_documents, look
from pipelines.history.looks import DOCUMENTS, last_round
from pipelines.house import House, writing
from pipelines.logs import get_log
from pipelines.looks.look import BUG
from pipelines.looks.watch import broke_off
from pipelines.processes import process_name
from pipelines.record.runs import LEASE, Ended, end_run, give_lease_back, renew_leases, start_run, take_lease
from pipelines.run import catch_up
from pipelines.threads import whole
from scraper.cadence import is_due, next_due
from scraper.errors import CountersignError, UnreachableError
from scraper.lists import Cadence, PublishedList

# Lists are looked at on the hour; this is well after it, and the jitter keeps it well before the next one.
ROUNDS = Cadence(("20 */2 * * *",), jitter_seconds=900)
LONGEST, SHORTEST = timedelta(minutes=20), timedelta(minutes=1)
AHEAD = timedelta(minutes=2)  # of the list's next look
EVENTS = ("posted", "replaced", "returned", "gone")


async def due_rounds(house: House, lists: Sequence[PublishedList], by: str) -> list[DocumentLook]:
    """The rounds that are due, one after the other. One list's trouble is not another's."""
    made = []
    for item in lists:
        if not item.documents or not house.settings.documents_per_round:
            continue
        try:
            told = await document_round(house, item, by, house.settings.documents_per_round, unattended=True)
        except CountersignError as error:
            get_log(list=item.name, by=by).error("no round of documents was made", reason=str(error))
            continue
        if told is not None:
            made.append(told)
    return made


async def document_round(
    house: House, declaration: PublishedList, by: str, most: int, *, unattended: bool = False
) -> DocumentLook | None:
    """Ask for at most so many documents. None when another process is busy with the list, or when nobody asked
    for the round (`unattended`) and none is due."""
    async with _leased(house, declaration, unattended=unattended) as holder:
        if holder is None:
            return None
        due = await whole(_begin, house, declaration, by, holder, most)
        if due.wanted:
            seconds = _time_until_look(declaration, house.now()).total_seconds() if unattended else None
            await _made(house, due, holder, by, seconds)
    # Imported only when there is something to read: the clock of most lists never needs it.
    from pipelines.documents.reading import read_documents

    await read_documents(house)
    return due.told


@asynccontextmanager
async def _leased(house: House, declaration: PublishedList, *, unattended: bool) -> AsyncIterator[str | None]:
    """The lease of a list, by the name of its holder; None when it is another's, or when no round is due."""
    holder = f"{process_name()}/{uuid4().hex}"
    if not await whole(_take, house, declaration, holder, unattended):
        yield None
        return
    renewing = asyncio.create_task(_renew(house, holder))
    try:
        yield holder
    finally:
        renewing.cancel()
        await whole(_give_back, house, declaration, holder)


def _take(house: House, declaration: PublishedList, holder: str, unattended: bool) -> bool:
    with writing(house) as connection:
        if not take_lease(connection, declaration.name, holder, house.now()):
            return False
        before = last_round(connection, declaration.name)
        if unattended and not is_due(ROUNDS, before.started_at if before else None, house.now()):
            give_lease_back(connection, declaration.name, holder)
            return False
        return True


async def _renew(house: House, holder: str) -> None:
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 3)
        await asyncio.to_thread(_renew_once, house, holder)


def _renew_once(house: House, holder: str) -> None:
    with writing(house) as connection:
        renew_leases(connection, holder, house.now())


def _give_back(house: House, declaration: PublishedList, holder: str) -> None:
    with writing(house) as connection:
        give_lease_back(connection, declaration.name, holder)


def _begin(house: House, declaration: PublishedList, by: str, holder: str, most: int) -> Due:
    """What is due. A round that has nothing to ask for is no run."""
    catch_up(house, needed=[declaration.name])
    due = due_documents(house, declaration, most)
    if due.wanted:
        with writing(house) as connection:
            start_run(connection, _run_id(holder), declaration.name, DOCUMENTS, by, holder, house.now())
    return due


async def _made(house: House, due: Due, holder: str, by: str, seconds: float | None) -> None:
    """The round itself, recorded whatever becomes of it."""
    started = time.perf_counter()
    ended = Ended("failed", "The round broke off.", error="The round broke off.", exit_code=BUG)
    try:
        ended = _ended(await look(house, due, seconds), time.perf_counter() - started)
    except asyncio.CancelledError:
        reason = "The process was asked to stop; the next round goes on from here."
        ended = Ended("stopped", reason, error=reason, exit_code=BUG)
        raise
    except Exception as error:
        code = error.exit_code if isinstance(error, CountersignError) else BUG
        ended = Ended("failed", str(error), error=str(error) or repr(error), exit_code=code)
        raise
    finally:
        try:
            await whole(_end, house, due.declaration.name, holder, ended)
        except BaseException:
            broke_off(holder)
            raise
        log = get_log(run=_run_id(holder), list=due.declaration.name, trigger=DOCUMENTS, by=by)
        log.info(ended.outcome, reason=ended.reason, requests=ended.requests, **ended.counts)


def _end(house: House, name: str, holder: str, ended: Ended) -> None:
    with writing(house) as connection:
        end_run(connection, _run_id(holder), name, ended, house.now())


def _ended(told: DocumentLook, seconds: float) -> Ended:
    """A document that could not be had is told of; only when none could, the round has failed."""
    counts = {event: number for event in EVENTS if (number := getattr(told, event))}
    said = [
        told.doubt,
        f"{told.refused} could not be had." if told.refused else "",
        f"{told.waiting} wait for the next round." if told.waiting else "",
    ]
    reason = " ".join(filter(None, said))
    failed = told.refused > 0 and told.refused == told.asked
    return Ended(
        "failed" if failed else "recorded" if counts else "unchanged",
        reason,
        error=reason if failed else None,
        exit_code=UnreachableError.exit_code if failed else 0,
        requests=told.asked,
        bytes=told.bytes,
        counts=counts,
        stages={DOCUMENTS: seconds},
    )


def _run_id(holder: str) -> str:
    return holder.rpartition("/")[2]


def _time_until_look(declaration: PublishedList, now: datetime) -> timedelta:
    """How long an unattended round may take, so that the list's next look finds nobody at work."""
    then = next_due(declaration.cadence, now)
    return max(min(LONGEST, then - now - AHEAD), SHORTEST) if then else LONGEST
