"""Backfill a list from the Wayback Machine: what its index names is fetched once, politely, and kept as captures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from scraper.archive import Archive
from scraper.capture import KEPT_HEADERS, Capture
from scraper.errors import PublisherError, RefusedError, TooLargeError, UsageError
from scraper.lists import PublishedList
from scraper.spiders.links import Link, judge_links, parsed, refusal_of_page, words
from scraper.wayback import Answer, Indexed, Visitor, answer, moment, question, worth_asking

KIND = "backfill"


@dataclass(frozen=True, slots=True)
class Brought:
    """One capture as it was brought home: the hash of its body, None when the archive has it no more.

    `timestamp` and `url` are those at which the archive really had it, after its redirects.
    """

    timestamp: str
    url: str
    sha256: str | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Memory:
    """What earlier runs brought, read from the journal, so that nothing is asked for twice."""

    def __init__(self, archive: Archive, now: Callable[[], datetime]) -> None:
        self._archive = archive
        self._now = now
        self._brought: dict[tuple[str, str], Brought] = {}
        self._bodies: dict[str, str] = {}
        self._answers: dict[str, str] = {}
        self._leads: dict[tuple[str, str], tuple[str, str]] = {}
        self._captures: set[tuple[str, str, str]] = set()
        for entry in archive.entries():
            if entry["kind"] == KIND:
                self._learn(entry)
            elif entry["kind"] == "capture" and entry.get("sha256"):
                self._captures.add((entry["list"], entry["sha256"], entry["captured_at"]))

    def _learn(self, entry: Mapping[str, Any]) -> None:
        if "question" in entry:
            self._answers[entry["question"]] = entry["sha256"]
            return
        if "leads_to" in entry:
            self._leads[entry["timestamp"], entry["url"]] = (entry["leads_to"][0], entry["leads_to"][1])
            return
        brought = Brought(
            entry["timestamp"],
            entry["url"],
            entry.get("sha256"),
            entry.get("status", 200),
            entry.get("headers", {}),
        )
        self._brought[entry.get("asked", entry["timestamp"]), entry.get("asked_url", entry["url"])] = brought
        self._brought[brought.timestamp, brought.url] = brought
        if entry.get("digest") and brought.sha256:
            self._bodies[entry["digest"]] = brought.sha256

    def answer(self, question: str) -> bytes | None:
        """What the index answered to the same question before."""
        sha256 = self._answers.get(question)
        return self._archive.read(sha256) if sha256 else None

    def keep_answer(self, question: str, body: bytes) -> None:
        sha256 = self._archive.put(body)
        self._learn(self._archive.append(KIND, self._now(), question=question, sha256=sha256))

    def brought(self, timestamp: str, url: str) -> Brought | None:
        return self._brought.get((timestamp, url))

    def leads_to(self, timestamp: str, url: str) -> tuple[str, str] | None:
        """Where the archive redirected from a capture."""
        return self._leads.get((timestamp, url))

    def keep_redirect(self, timestamp: str, url: str, target: tuple[str, str]) -> None:
        told = {"timestamp": timestamp, "url": url, "leads_to": list(target)}
        self._learn(self._archive.append(KIND, self._now(), **told))

    def body_of(self, digest: str) -> str | None:
        """The hash of a body that was brought home from another capture."""
        return self._bodies.get(digest)

    def keep(self, brought: Brought, asked: str, asked_url: str, digest: str) -> None:
        told: dict[str, Any] = {
            "timestamp": brought.timestamp, "url": brought.url, "status": brought.status, "digest": digest,
            "headers": dict(brought.headers), "sha256": brought.sha256,
            "asked": asked if asked != brought.timestamp else None,
            "asked_url": asked_url if asked_url != brought.url else None,
        }  # fmt: skip
        kept = {name: value for name, value in told.items() if value not in (None, "", {})}
        self._learn(self._archive.append(KIND, self._now(), **kept))

    def keep_capture(self, capture: Capture) -> bool:
        """A list's capture into the journal, unless it is there; says whether it was new."""
        told = (capture.list, capture.sha256 or "", str(capture.as_json()["captured_at"]))
        if told in self._captures:
            return False
        self._archive.keep(capture, self._now())
        self._captures.add(told)
        return True


@dataclass(frozen=True, slots=True)
class Page:
    """`link` is the address of the file; `unclear` says why nothing can be told from the page."""

    is_list: bool = False
    link: str | None = None
    unclear: str = ""


def look_into(body: bytes, url: str, published: PublishedList, lists: Sequence[PublishedList]) -> Page:
    """`lists` are all that share the page: one list's link may be told from another's only together."""
    html = body.decode("utf-8", "replace")
    if refusal := refusal_of_page(html, url):
        return Page(unclear=str(refusal))
    if any(_has_table(html, earlier.table) for earlier in published.earlier):
        return Page(is_list=True)
    found = judge_links(html, url, lists)[published.name]
    if isinstance(found, PublisherError):
        return Page(unclear=str(found))
    return Page(link=found.url if isinstance(found, Link) else None)


def _has_table(html: str, wanted: str) -> bool:
    """A table whose first row says so; the words may stand elsewhere on a page that only links to a file."""
    root = parsed(html)
    if root is None:
        return False
    looked_for = " ".join(wanted.split()).casefold()
    return any(
        looked_for in words(row).casefold()
        for table in root.iter("table")
        for row in list(table.iter("tr"))[:1]
    )


WAYBACK = "https://web.archive.org"
MOST_REDIRECTS = 6
GAPS = 10
_INDEX_BYTES = 100_000_000
_PLACE = re.compile(r"/web/(\d{14})(?:id_)?/(.+)", re.DOTALL)
_NAMED = re.compile(r"""filename\*?=(?:UTF-8'')?"?([^";]+)""", re.IGNORECASE)
Told = Callable[[str, int, int], None]  # what is being asked, how many are done, of how many


@dataclass
class Backfilled:
    """What came of it. `captures` were kept now, `known` had been before; `times` are those of all of them.

    `missing` are in the archive's index and not to be had; `never_archived` were linked by a page and have no
    capture; `unclear` are pages from which nothing could be told.
    """

    name: str
    since: date
    until: date
    requests: int = 0
    captures: int = 0
    known: int = 0
    times: list[datetime] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    never_archived: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)

    def gaps(self) -> list[tuple[datetime, datetime]]:
        """The longest times without any capture of the list, longest first."""
        ends = (datetime.combine(self.since, time(), UTC), datetime.combine(self.until, time(), UTC))
        marks = sorted({ends[0], *self.times, max(ends[1], *self.times) if self.times else ends[1]})
        return sorted(pairwise(marks), key=lambda span: (span[0] - span[1], span[0]))[:GAPS]


def backfill(
    published: PublishedList,
    lists: Sequence[PublishedList],
    archive: Archive,
    visitor: Visitor,
    since: date,
    until: date,
    now: Callable[[], datetime],
    told: Told = lambda _what, _done, _of: None,
) -> Backfilled:
    """Bring home what the archive has of a list from the day `since` on and before the day `until`.

    Everything is kept as it comes, so a stop loses nothing and the next call goes on from there. The caller
    takes the captures in (`pipelines.run.catch_up`); nothing of them is news.
    """
    if published.in_parts:
        raise UsageError(
            f"The list {published.name} is in several parts, which an archive saves at different times: half "
            "a list would look as if the other half had left. It cannot be backfilled."
        )
    work = _Work(published, archive, visitor, Memory(archive, now), Backfilled(published.name, since, until))
    try:
        if published.page:
            sisters = [one for one in lists if one.page == published.page]
            work.from_page(published.page, sisters, told)
        else:
            work.from_file(published.file or "", told)
    finally:
        work.done.requests = visitor.requests
    return work.done


@dataclass
class _Work:
    published: PublishedList
    archive: Archive
    visitor: Visitor
    memory: Memory
    done: Backfilled

    def from_page(self, page: str, sisters: Sequence[PublishedList], told: Told) -> None:
        linked: dict[str, str] = {}
        asked = list(worth_asking(self._index(page)))
        for number, one in enumerate(asked, 1):
            told("pages", number, len(asked))
            brought = self._bring(one)
            if brought is None or brought.sha256 is None:
                continue
            body = self.archive.read(brought.sha256)
            found = look_into(body, brought.url, self.published, sisters)
            if found.is_list:
                self._keep(brought, page_itself=True)
            elif found.link:
                linked.setdefault(found.link, brought.timestamp)
            elif found.unclear:
                self.done.unclear.append(f"{brought.timestamp}: {found.unclear}")
        for number, (url, seen) in enumerate(linked.items(), 1):
            told("files", number, len(linked))
            if not self._file(url):
                self.done.never_archived.append(f"{url} (linked on {moment(seen):%Y-%m-%d})")

    def from_file(self, url: str, told: Told) -> None:
        told("files", 1, 1)
        if not self._file(url):
            self.done.never_archived.append(url)

    def _file(self, url: str) -> bool:
        """Bring home every capture of a file; says whether there is any."""
        found = list(worth_asking(self._index(url)))
        for one in found:
            brought = self._bring(one)
            if brought is not None and brought.sha256 is not None:
                self._keep(brought, page_itself=False)
        return bool(found)

    def _index(self, url: str) -> Iterator[Indexed]:
        """From memory when the very same question was answered before, and from the archive otherwise."""
        after = ""
        while True:
            asked = question(
                self.visitor.base, url, self.done.since, self.done.until - timedelta(days=1), after
            )
            found, after = self._answered(asked, url)
            yield from found
            if not after:
                return

    def _answered(self, asked: str, url: str) -> tuple[list[Indexed], str]:
        if (body := self.memory.answer(asked)) is not None:
            return answer(body)
        came = self.visitor.ask(asked, _INDEX_BYTES)
        if came.status != 200:
            raise RefusedError(f"The archive's index refused us (status {came.status}) for {url}.")
        told = answer(came.body)
        self.memory.keep_answer(asked, came.body)
        return told

    def _bring(self, one: Indexed) -> Brought | None:
        """The capture from memory, from another capture with the same body, or from the archive."""
        known = self.memory.brought(one.timestamp, one.original)
        if known is None and (sha256 := self.memory.body_of(one.digest)):
            return Brought(one.timestamp, one.original, sha256)
        brought = known or self._fetch(one)
        if brought is not None and brought.sha256 is None:
            self.done.missing.append(f"{one.timestamp} {one.original} ({brought.status})")
        return brought

    def _fetch(self, one: Indexed) -> Brought | None:
        timestamp, url = one.timestamp, one.original
        came: Answer | None = None
        for _ in range(MOST_REDIRECTS):
            target = self.memory.leads_to(timestamp, url)
            if target is None:
                place = f"{self.visitor.base}/web/{timestamp}id_/{url}"
                try:
                    came = self.visitor.ask(place, self.published.max_bytes)
                except TooLargeError:
                    return self._not_had(one, timestamp, url, 413)
                target = _redirect(came, place)
                if target is None:
                    break
                self.memory.keep_redirect(timestamp, url, target)
            timestamp, url = target
            if known := self.memory.brought(timestamp, url):
                self.memory.keep(known, one.timestamp, one.original, "")
                return known
        if came is None or came.status != 200 or not came.body:
            return self._not_had(one, timestamp, url, came.status if came else 0)
        brought = Brought(timestamp, url, self.archive.put(came.body), 200, _original_headers(came))
        # A body behind a redirect is not the one whose digest the index has.
        digest = one.digest if (timestamp, url) == (one.timestamp, one.original) else ""
        self.memory.keep(brought, one.timestamp, one.original, digest)
        return brought

    def _not_had(self, one: Indexed, timestamp: str, url: str, status: int) -> Brought:
        brought = Brought(timestamp, url, None, status)
        self.memory.keep(brought, one.timestamp, one.original, "")
        return brought

    def _keep(self, brought: Brought, *, page_itself: bool) -> None:
        at = moment(brought.timestamp)
        # What a program that makes pages says of their age is not to be believed.
        headers = {} if page_itself else dict(brought.headers)
        capture = Capture(
            list=self.published.name,
            url=brought.url,
            captured_at=at,
            outcome="fetched",
            sha256=brought.sha256,
            bytes=len(self.archive.read(brought.sha256 or "")),
            published_name=_name(brought),
            final_url=f"{self.visitor.base}/web/{brought.timestamp}id_/{brought.url}",
            status=brought.status,
            headers=headers,
            by="backfill",
        )
        new = self.memory.keep_capture(capture)
        self.done.captures += new
        self.done.known += not new
        self.done.times.append(at)


def _redirect(came: Answer, place: str) -> tuple[str, str] | None:
    """Where the archive redirects to, as timestamp and address; None when it does not."""
    location = came.headers.get("location")
    if not 300 <= came.status < 400 or not location:
        return None
    target = urljoin(place, location)
    found = _PLACE.fullmatch(target[len(f"{urlsplit(place).scheme}://{urlsplit(place).netloc}") :])
    if not found or urlsplit(target).netloc != urlsplit(place).netloc:
        return None
    return found[1], found[2]


def _original_headers(came: Answer) -> dict[str, str]:
    """What the publisher's own server said when it was captured."""
    told = {name: came.headers.get(f"x-archive-orig-{name}", "") for name in KEPT_HEADERS}
    return {name: value for name, value in told.items() if value}


def _name(brought: Brought) -> str:
    named = _NAMED.search(brought.headers.get("content-disposition", ""))
    name = unquote(named[1]) if named else unquote(urlsplit(brought.url).path.rstrip("/"))
    return name.replace("\\", "/").rpartition("/")[2].strip()[:200]
