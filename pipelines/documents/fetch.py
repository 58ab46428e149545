"""The documents of a list are asked for, and what is new, replaced, gone or back is journaled as it is found out.

Events of documents are no changes of a list. A change says that one publication differs from the one before
and is derived again from the publications alone, in any order; a document is replaced behind an address that
stays the same, at a time that only our own asking tells. So they have a journal kind and a table of their
own, and are shown with the agreements that linked to the address at that time.

The clock asks every two hours for each list that has `documents = true`, between the hours at which lists are
fetched and never at the same time: such a run holds the list's lease, and ends before the next one is due.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import Row

from pipelines.fetch_runs import BUG
from pipelines.history.documents import known_documents, links_now
from pipelines.history.operations import DOCUMENTS, last_round
from pipelines.installation import Installation, writing
from pipelines.logs import get_log
from pipelines.maintenance import DOCUMENTS_CADENCE
from pipelines.processes import broke_off, process_name, whole
from pipelines.record.ingest import note_asked
from pipelines.record.runs import LEASE, Ended, end_run, give_lease_back, renew_leases, start_run, take_lease
from pipelines.run import catch_up
from scraper.cadence import is_due, next_due
from scraper.capture import Validators
from scraper.errors import CountersignError, UnreachableError
from scraper.lists import PublishedList

if TYPE_CHECKING:
    from scraper.spiders.documents import Seen

AGAIN_AFTER = timedelta(hours=20)
# A publisher that has trouble answers 404 for everything; single documents go one at a time.
BELIEVED_GONE = 5
BELIEVED_SHARE = 0.05
REFUSED_IN_A_ROW = 10  # after so many we leave the publisher alone until next time
LONGEST, SHORTEST = timedelta(minutes=20), timedelta(minutes=1)
AHEAD = timedelta(minutes=2)  # of the list's next run
EVENTS = ("posted", "replaced", "returned", "gone")


@dataclass
class DocumentResult:
    """What asking for one list's documents found, in numbers; `waiting` were left for the next run.

    `doubt` says why fewer were asked for than planned, or why none is called gone. `bytes` were received.
    """

    name: str
    linked: int = 0
    asked: int = 0
    waiting: int = 0
    posted: int = 0
    replaced: int = 0
    returned: int = 0
    gone: int = 0
    unchanged: int = 0
    missing: int = 0
    refused: int = 0
    bytes: int = 0
    doubt: str = ""
    troubles: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Due:
    """The documents to be asked for, with what their servers said last, and all that are known."""

    declaration: PublishedList
    wanted: Mapping[str, Validators | None]
    known: Mapping[str, Row[Any]]
    result: DocumentResult


async def ask(installation: Installation, due: Due, seconds: float | None = None) -> DocumentResult:
    """Ask for the documents that are due, for so long at most. What was taken stays taken, whatever stops us."""
    from scraper.spiders.documents import look_at_documents

    result, lost, in_a_row = due.result, list[str](), 0
    at_once = asyncio.Lock()

    async def take(seen: Seen) -> None:
        async with at_once:
            await asyncio.to_thread(
                _record, installation, due.declaration, due.known.get(seen.url), seen, result, lost
            )

    taking: set[asyncio.Task[None]] = set()

    async def took(seen: Seen) -> None:
        nonlocal in_a_row
        # What was begun is ended, also when we are asked to stop.
        task = asyncio.create_task(take(seen))
        taking.add(task)
        # Counted as they come: a slow disk must not keep us asking a publisher in trouble.
        in_a_row = in_a_row + 1 if seen.came == "refused" else 0
        if in_a_row == REFUSED_IN_A_ROW:
            result.doubt = f"{in_a_row} documents in a row could not be had, so no more were asked for."
            asking.cancel()
        await asyncio.shield(task)

    asking = asyncio.create_task(
        look_at_documents(due.declaration, due.wanted, installation.settings, took, installation.now)
    )
    try:
        async with asyncio.timeout(seconds):
            await asking
    except TimeoutError:
        result.doubt = "Time was up before all were asked for."
    except asyncio.CancelledError:
        if not result.doubt:
            raise
    finally:
        await asyncio.gather(*taking)
        result.waiting += result.asked - len(taking)
        result.asked = len(taking)
    await asyncio.to_thread(_settle, installation, due.declaration, result, lost)
    return result


def due_documents(
    installation: Installation, declaration: PublishedList, most: int, again_after: timedelta = AGAIN_AFTER
) -> Due:
    """At most so many documents of a list that were not asked for lately, those that waited longest first."""
    result = DocumentResult(declaration.name)
    with installation.engine.connect() as connection:
        urls = list(dict.fromkeys(link.url for link in links_now(connection, [declaration.name])))
        known = known_documents(connection)
    before = installation.now() - again_after
    due = [url for url in urls if url not in known or (known[url].checked_at or before) <= before]
    # Those never asked for come first, then those that were asked for longest ago.
    due.sort(key=lambda url: str(known[url].checked_at or "") if url in known else "")
    result.linked, result.asked, result.waiting = len(urls), min(len(due), most), max(len(due) - most, 0)
    wanted = {url: _validators(url, known.get(url)) for url in due[:most]}
    return Due(declaration, wanted, known, result)


def _validators(url: str, row: Row[Any] | None) -> Validators | None:
    if row is None or row.sha256 is None or row.state != "posted":
        return None
    return Validators(url, row.last_modified, row.etag, row.sha256)


def _record(
    installation: Installation,
    declaration: PublishedList,
    row: Row[Any] | None,
    seen: Seen,
    result: DocumentResult,
    lost: list[str],
) -> None:
    """One answer, for good: the bytes first, then the journal, then the tables."""
    if seen.came == "not there":
        if row is not None and row.state == "posted":
            lost.append(seen.url)
            return
        result.missing += 1
        _note(installation, seen.url, f"It is not there ({seen.status}).")
    elif seen.came == "refused":
        result.refused += 1
        result.troubles[seen.url] = seen.reason
        _note(installation, seen.url, seen.reason)
    elif seen.came == "not modified":
        result.unchanged += 1
        _note(installation, seen.url, None)
    else:
        _fetched(installation, declaration, row, seen, result)


def _fetched(
    installation: Installation,
    declaration: PublishedList,
    row: Row[Any] | None,
    seen: Seen,
    result: DocumentResult,
) -> None:
    sha256 = installation.archive.put(seen.body or b"")
    result.bytes += len(seen.body or b"")
    before = row.sha256 if row is not None else None
    event = "posted" if before is None else "replaced" if sha256 != before else "returned"
    if event == "returned" and row is not None and row.state == "posted":
        result.unchanged += 1
        names = {"last-modified": "last_modified", "etag": "etag"}
        _note(installation, seen.url, None, **{names[k]: v for k, v in seen.headers.items() if k in names})
        return
    setattr(result, event, getattr(result, event) + 1)
    _append(
        installation, declaration, seen.url, event, sha256=sha256, headers=dict(seen.headers),
        published_name=seen.published_name, bytes=len(seen.body or b""),
    )  # fmt: skip


def _settle(
    installation: Installation, declaration: PublishedList, result: DocumentResult, lost: list[str]
) -> None:
    """Are those that were not there gone, or does their publisher answer so to everything?"""
    if len(lost) > max(BELIEVED_GONE, BELIEVED_SHARE * result.asked):
        result.doubt = (
            f"{len(lost)} of {result.asked} documents were not there at once. That is the publisher's trouble "
            "sooner than their end, so none is called gone."
        )
        for url in lost:
            _note(installation, url, result.doubt)
        return
    for url in lost:
        result.gone += 1
        _append(installation, declaration, url, "gone")


def _append(
    installation: Installation, declaration: PublishedList, url: str, event: str, **more: Any
) -> None:
    kept: Mapping[str, Any] = {name: value for name, value in more.items() if value}
    installation.archive.append(
        "document", installation.now(), list=declaration.name, url=url, event=event, **kept
    )
    catch_up(installation)
    _note(installation, url, None)


def _note(installation: Installation, url: str, trouble: str | None, **said: str) -> None:
    with writing(installation) as connection:
        note_asked(connection, url, installation.now(), trouble, **said)


async def fetch_due_documents(
    installation: Installation, lists: Sequence[PublishedList], by: str
) -> list[DocumentResult]:
    """The runs that are due, one after the other. One list's trouble is not another's."""
    made = []
    for item in lists:
        if not item.documents or not installation.settings.documents_per_round:
            continue
        try:
            result = await fetch_documents(
                installation, item, by, installation.settings.documents_per_round, unattended=True
            )
        except CountersignError as error:
            get_log(list=item.name, by=by).error("the documents were not asked for", reason=str(error))
            continue
        if result is not None:
            made.append(result)
    return made


async def fetch_documents(
    installation: Installation, declaration: PublishedList, by: str, most: int, *, unattended: bool = False
) -> DocumentResult | None:
    """Ask for at most so many documents. None when another process is busy with the list, or when nobody asked
    for the run (`unattended`) and none is due."""
    async with _leased(installation, declaration, unattended=unattended) as holder:
        if holder is None:
            return None
        due = await whole(_begin, installation, declaration, by, holder, most)
        if due.wanted:
            seconds = (
                _time_until_look(declaration, installation.now()).total_seconds() if unattended else None
            )
            await _made(installation, due, holder, by, seconds)
    # Imported only when there is something to read: the clock of most lists never needs it.
    from pipelines.documents.statements import read_documents

    await read_documents(installation)
    return due.result


@asynccontextmanager
async def _leased(
    installation: Installation, declaration: PublishedList, *, unattended: bool
) -> AsyncIterator[str | None]:
    """The lease of a list, by the name of its holder; None when it is another's, or when no run is due."""
    holder = f"{process_name()}/{uuid4().hex}"
    if not await whole(_take, installation, declaration, holder, unattended):
        yield None
        return
    renewing = asyncio.create_task(_renew(installation, holder))
    try:
        yield holder
    finally:
        renewing.cancel()
        await whole(_give_back, installation, declaration, holder)


def _take(installation: Installation, declaration: PublishedList, holder: str, unattended: bool) -> bool:
    with writing(installation) as connection:
        if not take_lease(connection, declaration.name, holder, installation.now()):
            return False
        before = last_round(connection, declaration.name)
        if unattended and not is_due(
            DOCUMENTS_CADENCE, before.started_at if before else None, installation.now()
        ):
            give_lease_back(connection, declaration.name, holder)
            return False
        return True


async def _renew(installation: Installation, holder: str) -> None:
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 3)
        await asyncio.to_thread(_renew_once, installation, holder)


def _renew_once(installation: Installation, holder: str) -> None:
    with writing(installation) as connection:
        renew_leases(connection, holder, installation.now())


def _give_back(installation: Installation, declaration: PublishedList, holder: str) -> None:
    with writing(installation) as connection:
        give_lease_back(connection, declaration.name, holder)


def _begin(installation: Installation, declaration: PublishedList, by: str, holder: str, most: int) -> Due:
    """What is due. One that has nothing to ask for is not recorded."""
    catch_up(installation, needed=[declaration.name])
    due = due_documents(installation, declaration, most)
    if due.wanted:
        with writing(installation) as connection:
            start_run(
                connection, _run_id(holder), declaration.name, DOCUMENTS, by, holder, installation.now()
            )
    return due


async def _made(installation: Installation, due: Due, holder: str, by: str, seconds: float | None) -> None:
    """The run itself, recorded whatever becomes of it."""
    started = time.perf_counter()
    ended = Ended("failed", "The run broke off.", error="The run broke off.", exit_code=BUG)
    try:
        ended = _ended(await ask(installation, due, seconds), time.perf_counter() - started)
    except asyncio.CancelledError:
        reason = "The process was asked to stop; the next run goes on from here."
        ended = Ended("stopped", reason, error=reason, exit_code=BUG)
        raise
    except Exception as error:
        code = error.exit_code if isinstance(error, CountersignError) else BUG
        ended = Ended("failed", str(error), error=str(error) or repr(error), exit_code=code)
        raise
    finally:
        try:
            await whole(_end, installation, due.declaration.name, holder, ended)
        except BaseException:
            broke_off(holder)
            raise
        log = get_log(run=_run_id(holder), list=due.declaration.name, trigger=DOCUMENTS, by=by)
        log.info(ended.outcome, reason=ended.reason, requests=ended.requests, **ended.counts)


def _end(installation: Installation, name: str, holder: str, ended: Ended) -> None:
    with writing(installation) as connection:
        end_run(connection, _run_id(holder), name, ended, installation.now())


def _ended(result: DocumentResult, seconds: float) -> Ended:
    """A document that could not be had is named; only when none could, the run has failed."""
    counts = {event: number for event in EVENTS if (number := getattr(result, event))}
    said = [
        result.doubt,
        f"{result.refused} could not be had." if result.refused else "",
        f"{result.waiting} wait for the next run." if result.waiting else "",
    ]
    reason = " ".join(filter(None, said))
    failed = result.refused > 0 and result.refused == result.asked
    return Ended(
        "failed" if failed else "recorded" if counts else "unchanged",
        reason,
        error=reason if failed else None,
        exit_code=UnreachableError.exit_code if failed else 0,
        requests=result.asked,
        bytes=result.bytes,
        counts=counts,
        stages={DOCUMENTS: seconds},
    )


def _run_id(holder: str) -> str:
    return holder.rpartition("/")[2]


def _time_until_look(declaration: PublishedList, now: datetime) -> timedelta:
    """How long an unattended run may take, so that the list's next run finds nobody at work."""
    then = next_due(declaration.cadence, now)
    return max(min(LONGEST, then - now - AHEAD), SHORTEST) if then else LONGEST
