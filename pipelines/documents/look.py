"""A look at the documents of a list: what is new, replaced, gone or back, journaled as it is found out.

Events of documents are no changes of a list. A change says that one publication differs from the one before
and is derived again from the publications alone, in any order; a document is replaced behind an address that
stays the same, at a time that only our own asking tells. So they have a journal kind and a table of their
own, and are shown with the agreements that linked to the address at that time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row

from pipelines.history.documents import known_documents, links_now
from pipelines.house import House, writing
from pipelines.record.documents import note_asked
from pipelines.run import catch_up
from scraper.capture import Validators
from scraper.lists import PublishedList

if TYPE_CHECKING:
    from scraper.documents import Seen

AGAIN_AFTER = timedelta(hours=20)
# A publisher that has trouble answers 404 for everything; single documents go one at a time.
BELIEVED_GONE = 5
BELIEVED_SHARE = 0.05
REFUSED_IN_A_ROW = 10  # after so many we leave the publisher alone until next time


@dataclass
class DocumentLook:
    """What a look at one list's documents found, in numbers; `waiting` were left for the next look.

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
    told: DocumentLook


async def look(house: House, due: Due, seconds: float | None = None) -> DocumentLook:
    """Ask for the documents that are due, for so long at most. What was taken stays taken, whatever stops us."""
    from scraper.documents import look_at_documents

    told, lost, in_a_row = due.told, list[str](), 0
    at_once = asyncio.Lock()

    async def take(seen: Seen) -> None:
        async with at_once:
            await asyncio.to_thread(_take, house, due.declaration, due.known.get(seen.url), seen, told, lost)

    taking: set[asyncio.Task[None]] = set()

    async def took(seen: Seen) -> None:
        nonlocal in_a_row
        # What was begun is ended, also when we are asked to stop.
        task = asyncio.create_task(take(seen))
        taking.add(task)
        # Counted as they come: a slow disk must not keep us asking a publisher in trouble.
        in_a_row = in_a_row + 1 if seen.came == "refused" else 0
        if in_a_row == REFUSED_IN_A_ROW:
            told.doubt = f"{in_a_row} documents in a row could not be had, so no more were asked for."
            asking.cancel()
        await asyncio.shield(task)

    asking = asyncio.create_task(
        look_at_documents(due.declaration, due.wanted, house.settings, took, house.now)
    )
    try:
        async with asyncio.timeout(seconds):
            await asking
    except TimeoutError:
        told.doubt = "Time was up before all were asked for."
    except asyncio.CancelledError:
        if not told.doubt:
            raise
    finally:
        await asyncio.gather(*taking)
        told.waiting += told.asked - len(taking)
        told.asked = len(taking)
    await asyncio.to_thread(_settle, house, due.declaration, told, lost)
    return told


def due_documents(
    house: House, declaration: PublishedList, most: int, again_after: timedelta = AGAIN_AFTER
) -> Due:
    """At most so many documents of a list that were not asked for lately, those that waited longest first."""
    told = DocumentLook(declaration.name)
    with house.engine.connect() as connection:
        urls = list(dict.fromkeys(link.url for link in links_now(connection, [declaration.name])))
        known = known_documents(connection)
    before = house.now() - again_after
    due = [url for url in urls if url not in known or (known[url].checked_at or before) <= before]
    # Those never asked for come first, then those that were asked for longest ago.
    due.sort(key=lambda url: str(known[url].checked_at or "") if url in known else "")
    told.linked, told.asked, told.waiting = len(urls), min(len(due), most), max(len(due) - most, 0)
    wanted = {url: _validators(url, known.get(url)) for url in due[:most]}
    return Due(declaration, wanted, known, told)


def _validators(url: str, row: Row[Any] | None) -> Validators | None:
    if row is None or row.sha256 is None or row.state != "posted":
        return None
    return Validators(url, row.last_modified, row.etag, row.sha256)


def _take(
    house: House,
    declaration: PublishedList,
    row: Row[Any] | None,
    seen: Seen,
    told: DocumentLook,
    lost: list[str],
) -> None:
    """One answer, for good: the bytes first, then the journal, then the tables."""
    if seen.came == "not there":
        if row is not None and row.state == "posted":
            lost.append(seen.url)
            return
        told.missing += 1
        _note(house, seen.url, f"It is not there ({seen.status}).")
    elif seen.came == "refused":
        told.refused += 1
        told.troubles[seen.url] = seen.reason
        _note(house, seen.url, seen.reason)
    elif seen.came == "not modified":
        told.unchanged += 1
        _note(house, seen.url, None)
    else:
        _fetched(house, declaration, row, seen, told)


def _fetched(
    house: House, declaration: PublishedList, row: Row[Any] | None, seen: Seen, told: DocumentLook
) -> None:
    sha256 = house.archive.put(seen.body or b"")
    told.bytes += len(seen.body or b"")
    before = row.sha256 if row is not None else None
    event = "posted" if before is None else "replaced" if sha256 != before else "returned"
    if event == "returned" and row is not None and row.state == "posted":
        told.unchanged += 1
        names = {"last-modified": "last_modified", "etag": "etag"}
        _note(house, seen.url, None, **{names[k]: v for k, v in seen.headers.items() if k in names})
        return
    setattr(told, event, getattr(told, event) + 1)
    _append(
        house, declaration, seen.url, event, sha256=sha256, headers=dict(seen.headers),
        published_name=seen.published_name, bytes=len(seen.body or b""),
    )  # fmt: skip


def _settle(house: House, declaration: PublishedList, told: DocumentLook, lost: list[str]) -> None:
    """Are those that were not there gone, or does their publisher answer so to everything?"""
    if len(lost) > max(BELIEVED_GONE, BELIEVED_SHARE * told.asked):
        told.doubt = (
            f"{len(lost)} of {told.asked} documents were not there at once. That is the publisher's trouble "
            "sooner than their end, so none is called gone."
        )
        for url in lost:
            _note(house, url, told.doubt)
        return
    for url in lost:
        told.gone += 1
        _append(house, declaration, url, "gone")


def _append(house: House, declaration: PublishedList, url: str, event: str, **more: Any) -> None:
    kept: Mapping[str, Any] = {name: value for name, value in more.items() if value}
    house.archive.append("document", house.now(), list=declaration.name, url=url, event=event, **kept)
    catch_up(house)
    _note(house, url, None)


def _note(house: House, url: str, trouble: str | None, **said: str) -> None:
    with writing(house) as connection:
        note_asked(connection, url, house.now(), trouble, **said)
