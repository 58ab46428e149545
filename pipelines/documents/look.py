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
from typing import Any

from sqlalchemy import Row

from pipelines.documents.reading import read_documents
from pipelines.history.documents import known_documents, links_now
from pipelines.house import House
from pipelines.record.documents import note_asked
from pipelines.run import catch_up, writing
from scraper.capture import Validators
from scraper.documents import Seen, look_at_documents
from scraper.lists import PublishedList

MOST_AT_ONCE = 1_000  # of one list in one look; the others have their turn next time
AGAIN_AFTER = timedelta(hours=20)
# A publisher that has trouble answers 404 for everything; single documents go one at a time.
BELIEVED_GONE = 5
BELIEVED_SHARE = 0.05


@dataclass
class DocumentLook:
    """What a look at one list's documents found, in numbers; `waiting` were left for the next look."""

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
    doubt: str = ""
    troubles: dict[str, str] = field(default_factory=dict)


async def look(
    house: House,
    declaration: PublishedList,
    most: int = MOST_AT_ONCE,
    again_after: timedelta = AGAIN_AFTER,
) -> DocumentLook:
    """Ask for the documents that are due. What was taken stays taken, whatever stops us."""
    told = DocumentLook(declaration.name)
    wanted, known = await asyncio.to_thread(_wanted, house, declaration, told, most, again_after)
    lost: list[str] = []
    at_once = asyncio.Lock()

    async def take(seen: Seen) -> None:
        async with at_once:
            await asyncio.to_thread(_take, house, declaration, known.get(seen.url), seen, told, lost)

    taking: set[asyncio.Task[None]] = set()

    async def took(seen: Seen) -> None:
        # What was begun is ended, also when we are asked to stop.
        task = asyncio.create_task(take(seen))
        taking.add(task)
        await asyncio.shield(task)

    if wanted:
        try:
            await look_at_documents(declaration, wanted, house.settings, took, house.now)
        finally:
            await asyncio.gather(*taking)
        await asyncio.to_thread(_settle, house, declaration, told, lost)
    await asyncio.to_thread(read_documents, house)
    return told


def _wanted(
    house: House, declaration: PublishedList, told: DocumentLook, most: int, again_after: timedelta
) -> tuple[dict[str, Validators | None], dict[str, Row[Any]]]:
    catch_up(house)
    with house.engine.connect() as connection:
        urls = list(dict.fromkeys(link.url for link in links_now(connection, [declaration.name])))
        known = known_documents(connection)
    before = house.now() - again_after
    due = [url for url in urls if url not in known or (known[url].checked_at or before) <= before]
    # Those never asked for come first, then those that were asked for longest ago.
    due.sort(key=lambda url: str(known[url].checked_at or "") if url in known else "")
    told.linked, told.asked, told.waiting = len(urls), min(len(due), most), max(len(due) - most, 0)
    return {url: _validators(url, known.get(url)) for url in due[:most]}, known


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
