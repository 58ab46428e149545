"""A list's file, wherever its address comes from: asked for once, and what came is said.

A list in several parts is asked for part by part, and all of them make one capture. A part that fails fails the list:
half a list would look as if the other half had left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from scraper.capture import Capture, Found, Validators, bundle
from scraper.downloads import Cost
from scraper.error_messages import refusal_of_answer, refusal_of_exception
from scraper.errors import CountersignError, RefusedError, TooLargeError
from scraper.http import another_version, conditions, confirmed, kept_headers, published_name
from scraper.lists import PublishedList
from scraper.spiders.links import anchors, page_title, same_document

_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)


Results = dict[str, Capture | CountersignError]


@dataclass(frozen=True, slots=True)
class Group:
    """Lists of one address: what is known of them, and where the results are put."""

    lists: Sequence[PublishedList]
    validators: Mapping[str, Validators]
    now: Callable[[], datetime]
    results: Results


@dataclass(frozen=True, slots=True)
class Fetched:
    """The one item of every way: a capture that lacks its hash, and the body, if there is one."""

    capture: Capture
    body: bytes | None = None


class Way:
    """How the lists of one group are found and asked for. Results are put into the group."""

    def __init__(self, group: Group, private: frozenset[str], patience: float) -> None:
        """`private` are the origins that may have private addresses, `patience` the seconds of one answer."""
        self.group = group
        self.private = private
        self.patience = patience

    def start(self) -> Iterator[Request]:
        """The first questions."""
        raise NotImplementedError

    def meta(self, spent: Cost) -> dict[str, Any]:
        """What goes with every request, redirected or tried again, of this group."""
        return {"cost": spent, "group": self.group, "private": self.private}

    def ask(
        self, published: PublishedList, url: str, page: Mapping[str, Any], spent: Cost, *, known: bool = True
    ) -> Request:
        """The request for a list's file; conditional when we hold a copy from the same address."""
        validators = self.group.validators.get(published.name) if known else None
        if validators and (validators.url != url or not validators.sha256):
            validators = None
        headers = {"Accept": "*/*"} | (conditions(validators, self.group.now()) if validators else {})
        return Request(
            url,
            headers=headers,
            callback=self.file_came,
            errback=self.file_failed,
            meta={
                **self.meta(Cost(spent.requests, spent.received)),
                "download_maxsize": published.max_bytes,
            },
            cb_kwargs={
                "published": published,
                "url": url,
                "page": page,
                "validators": validators if len(headers) > 1 else None,
                "requested_at": self.group.now(),
            },
            dont_filter=True,
        )

    def file_came(
        self,
        response: Response,
        published: PublishedList,
        url: str,
        page: Mapping[str, Any],
        validators: Validators | None,
        requested_at: datetime,
    ) -> Iterator[Fetched | Request]:
        refusal = refusal_of_answer(response, conditional=validators is not None) or not_the_list(
            response, published
        )
        if refusal:
            self.group.results[published.name] = refusal
            return
        headers, cost = kept_headers(response.headers.get), response.meta["cost"]
        outcome: Found = "fetched"
        if response.status == 304 and validators:
            if another_version(headers, validators):
                yield self.ask(published, url, page, cost, known=False)
                return
            outcome = "not modified"
            headers = confirmed(headers, validators)
        capture = Capture(
            list=published.name,
            url=url,
            captured_at=self.group.now(),
            outcome=outcome,
            sha256=validators.sha256 if outcome == "not modified" and validators else None,
            bytes=len(response.body),
            published_name=published_name(response.headers.get, response.url),
            final_url=response.url,
            status=response.status,
            headers=headers,
            requested_at=requested_at,
            page=page,
            requests=cost.requests,
            received=cost.received,
        )
        yield Fetched(capture, response.body if outcome == "fetched" else None)

    def file_failed(self, failure: Failure) -> None:
        request: Request = failure.request  # type: ignore[attr-defined]
        published: PublishedList = request.cb_kwargs["published"]
        self.group.results[published.name] = self.refusal(failure, request.url)

    def refusal(self, failure: Failure, url: str) -> CountersignError:
        assert failure.value is not None  # noqa: S101 - a Failure without an exception does not exist
        return refusal_of_exception(failure.value, url, self.patience)


def not_the_list(response: Response, published: PublishedList) -> CountersignError | None:
    """The refusal of a web page that came, with status 200, in place of the list."""
    if published.format == "html" or response.status == 304 or not _HTML.match(response.body[:4096]):
        return None
    title = page_title(response.body[:100_000].decode("utf-8", "replace"))
    return RefusedError(
        f"{response.url} answered with a web page{f' (“{title}”)' if title else ''} instead of the list "
        f"{published.name} ({published.format}). It was not taken for the list."
    )


class Direct(Way):
    """Lists whose file has an address of its own, which no page links to."""

    def start(self) -> Iterator[Request]:
        for published in self.group.lists:
            if published.file:
                yield self.ask(published, published.file, {}, Cost())


MOST_PARTS = 500


@dataclass(slots=True)
class Gathering:
    """The parts of one list that have come, and the addresses that are still to be asked."""

    published: PublishedList
    waiting: list[str]
    requested_at: datetime
    asked: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    name: str = ""


class InParts(Way):
    """Lists that are published as several files, or page by page: asked one after the other, kept as one."""

    def start(self) -> Iterator[Request]:
        for published in self.group.lists:
            addresses = list(published.files) or [published.file or ""]
            yield self._next(Gathering(published, addresses, self.group.now()), Cost())

    def _next(self, gathering: Gathering, spent: Cost) -> Request:
        url = gathering.waiting.pop(0)
        gathering.asked.append(url)
        request = self.ask(gathering.published, url, {}, spent, known=False)
        told = {"gathering": gathering, "published": gathering.published}
        return request.replace(callback=self.part_came, cb_kwargs=told)

    def part_came(
        self, response: Response, gathering: Gathering, published: PublishedList
    ) -> Iterator[Fetched | Request]:
        cost: Cost = response.meta["cost"]
        refusal = refusal_of_answer(response, conditional=False) or not_the_list(response, published)
        gathering.bodies.append(response.body)
        gathering.name = gathering.name or published_name(response.headers.get, response.url)
        if published.next_page and not refusal:
            gathering.waiting = self._following(response, gathering)
        refusal = refusal or _too_much(gathering)
        if refusal:
            self.group.results[published.name] = refusal
        elif gathering.waiting:
            yield self._next(gathering, cost)
        else:
            yield self._whole(gathering, cost)

    def _following(self, response: Response, gathering: Gathering) -> list[str]:
        """The next page that this page leads to, unless it was read already."""
        pattern = gathering.published.next_page or ""
        html = response.body.decode("utf-8", "replace")
        read = {same_document(url) for url in gathering.asked}
        for anchor in anchors(html, response.url):
            leads_on = re.search(pattern, anchor.said, re.IGNORECASE) and not anchor.scripted
            if leads_on and same_document(anchor.url) not in read:
                return [anchor.url]
        return []

    def _whole(self, gathering: Gathering, cost: Cost) -> Fetched:
        body = bundle(gathering.bodies)
        capture = Capture(
            list=gathering.published.name,
            url=gathering.asked[0],
            captured_at=self.group.now(),
            outcome="fetched",
            bytes=len(body),
            published_name=gathering.name,
            final_url=gathering.asked[0],
            status=200,
            requested_at=gathering.requested_at,
            page={"parts": gathering.asked},
            requests=cost.requests,
            received=cost.received,
        )
        return Fetched(capture, body)


def _too_much(gathering: Gathering) -> CountersignError | None:
    name, most = gathering.published.name, gathering.published.max_bytes
    if sum(map(len, gathering.bodies)) > most:
        return TooLargeError(f"The parts of the list {name} have more than {most:,} bytes together.")
    if len(gathering.bodies) >= MOST_PARTS and gathering.waiting:
        return RefusedError(
            f"The list {name} goes on after {MOST_PARTS} pages. Look at it in a browser: does its last page "
            "lead to the first again?"
        )
    return None
