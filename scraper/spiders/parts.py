"""Lists that are split over several addresses: each part is asked for, and all of them make one capture.

A part that fails fails the list: half a list would look as if the other half had left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from scrapy import Request
from scrapy.http import Response

from scraper.answers import published_name
from scraper.capture import Capture
from scraper.errors import CountersignError, RefusedError, TooLargeError
from scraper.lists import PublishedList
from scraper.middlewares import Cost
from scraper.parts import bundle
from scraper.refusals import refusal_of_answer
from scraper.spiders.anchors import anchors, same_document
from scraper.spiders.fetching import Fetched, Way, not_the_list

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
