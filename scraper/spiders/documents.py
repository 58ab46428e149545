"""Documents that a list links to, each asked for once, as its server last told us to ask."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.settings import Settings as ScrapySettings
from twisted.python.failure import Failure

from scraper.capture import Validators
from scraper.downloads import Cost, giving_up
from scraper.error_messages import refusal_of_answer, refusal_of_exception
from scraper.http import conditions, kept_headers, published_name
from scraper.lists import PublishedList
from scraper.settings import Settings, private_origins, scrapy_settings
from scraper.spiders.links import page_title

Came = Literal["fetched", "not modified", "not there", "refused"]
_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one document. `reason` says why it was refused; `body` is there when it was fetched."""

    url: str
    came: Came
    status: int = 0
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    published_name: str = ""
    body: bytes | None = field(default=None, repr=False)


class DocumentSpider(Spider):
    """`wanted` maps addresses to what their servers said last; `took` is awaited for every answer."""

    name = "documents"

    def __init__(
        self,
        wanted: Mapping[str, Validators | None],
        most_bytes: int,
        took: Callable[[Seen], Awaitable[None]],
        now: Callable[[], Any],
        private: frozenset[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wanted = wanted
        self.most_bytes = most_bytes
        self.took = took
        self.now = now
        self.private = private

    async def start(self) -> AsyncIterator[Request]:
        for url, validators in self.wanted.items():
            asked = conditions(validators, self.now()) if validators and validators.sha256 else {}
            yield Request(
                url,
                headers={"Accept": "*/*"} | asked,
                callback=self.came,
                errback=self.failed,
                meta={"download_maxsize": self.most_bytes, "cost": Cost(), "private": self.private},
                cb_kwargs={"asked": url, "conditional": bool(asked)},
                dont_filter=True,
            )

    def came(self, response: Response, asked: str, conditional: bool) -> Iterator[Seen]:
        if response.status in (404, 410):
            yield Seen(asked, "not there", response.status)
            return
        refusal = refusal_of_answer(response, conditional=conditional)
        if refusal is None and response.status == 200 and _PAGE.match(response.body[:4096]):
            title = page_title(response.body[:100_000].decode("utf-8", "replace"))
            yield Seen(asked, "refused", 200, f"A web page came (“{title}”) and no document.")
        elif refusal is not None:
            yield Seen(asked, "refused", response.status, str(refusal))
        elif response.status == 304:
            yield Seen(asked, "not modified", 304)
        else:
            yield Seen(
                asked,
                "fetched",
                200,
                "",
                kept_headers(response.headers.get),
                published_name(response.headers.get, response.url),
                response.body,
            )

    def failed(self, failure: Failure) -> Iterator[Seen]:
        request: Request = failure.request  # type: ignore[attr-defined]
        assert failure.value is not None  # noqa: S101 - a Failure without an exception does not exist
        seconds = self.settings.getfloat("DOWNLOAD_TIMEOUT")
        refusal = refusal_of_exception(failure.value, request.cb_kwargs["asked"], seconds)
        yield Seen(request.cb_kwargs["asked"], "refused", 0, str(refusal))


class HandOver:
    """Scrapy's one item pipeline of such a look: each answer is handed over as soon as it is there."""

    def __init__(self, spider: DocumentSpider) -> None:
        self._took = spider.took

    @classmethod
    def from_crawler(cls, crawler: Any) -> HandOver:
        return cls(crawler.spider)

    async def process_item(self, item: Seen) -> Seen:
        await self._took(item)
        return item


__all__ = ["MOST_BYTES", "Seen", "look_at_documents"]

MOST_BYTES = 30_000_000  # of one document
_FAREWELL_SECONDS = 5


async def look_at_documents(
    published: PublishedList,
    wanted: Mapping[str, Validators | None],
    settings: Settings,
    took: Callable[[Seen], Awaitable[None]],
    now: Callable[[], datetime],
) -> None:
    """Ask for each of the `wanted` addresses once; `took` is awaited for each answer, as it comes.

    Whoever stops this loses only what is on its way.
    """
    own = scrapy_settings(settings, published)
    own["ITEM_PIPELINES"] = {"scraper.spiders.documents.HandOver": 100}
    crawler = Crawler(DocumentSpider, ScrapySettings(own))
    stopping = asyncio.Event()

    async def handed(seen: Seen) -> None:
        # What we gave up ourselves was refused by nobody.
        if not (stopping.is_set() and seen.came == "refused"):
            await took(seen)

    task = asyncio.create_task(
        crawler.crawl_async(
            wanted=wanted,
            most_bytes=MOST_BYTES,
            took=handed,
            now=now,
            private=frozenset(private_origins(published)),
        )
    )
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        stopping.set()
        crawler.signals.send_catch_log(giving_up)
        if crawler.crawling:
            await crawler.stop_async()
        await asyncio.wait([task], timeout=_FAREWELL_SECONDS)
        raise
