"""Scrapy's engine inside the running event loop: one crawler for any number of looks.

Scrapy runs without a Twisted reactor: a reactor can be started once in a process and must own its loop, while
the clock, the web page and the command line each have a loop already. The price is Scrapy's aiohttp handler,
which is marked experimental, so it was put before the hostile publisher (tests/hostile): resets, slow answers,
endless bodies, wrong lengths, bombs and broken TLS all end in one of our errors, in time and within the size
limits. It also makes its sockets through a hook that the reactor's handler lacks,
where scraper.addresses refuses private addresses after the name was resolved.

A crawler of its own for each list would cost more than its requests. What came is read from `Look.results`,
never from Scrapy's exit code, which is 0 even when a callback raised.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.settings import Settings as ScrapySettings
from scrapy.signals import spider_error
from twisted.python.failure import Failure

from scraper.addresses import giving_up
from scraper.answers import Answer, Look
from scraper.archive import Archive
from scraper.capture import Capture
from scraper.errors import CountersignError
from scraper.lists import PublishedList
from scraper.settings import HOSTS_AT_ONCE, Settings, private_hosts, scrapy_settings
from scraper.spiders.direct import Direct
from scraper.spiders.fetching import Fetched, Way
from scraper.spiders.page import ByPage
from scraper.spiders.parts import InParts

_FAREWELL_SECONDS = 5

# Without a handler of the application's own, Python would print Scrapy's warnings on stderr.
logging.getLogger("scrapy").addHandler(logging.NullHandler())


class Looking(Spider):
    """All looks of a round, each by its way. `robots` are the robots.txt that were heard already."""

    name = "looking"

    def __init__(
        self,
        looks: Sequence[Look],
        settings: Settings,
        archive: Archive,
        robots: Mapping[str, Answer],
        **kw: Any,
    ) -> None:
        super().__init__(**kw)
        self.looks = looks
        self.patience = settings.timeout_seconds
        self.archive = archive
        self.robots = robots

    async def start(self) -> AsyncIterator[Request]:
        for look in self.looks:
            first = look.lists[0]
            for request in _way(first)(look, frozenset(private_hosts(first)), self.patience).start():
                yield request


async def look_by_scrapy(
    looks: Sequence[Look], archive: Archive, settings: Settings, robots: Mapping[str, Answer]
) -> None:
    """Every list of `looks` has its result afterwards."""
    lists = [published for look in looks for published in look.lists]
    own = scrapy_settings(settings, *lists) | {"CONCURRENT_REQUESTS": HOSTS_AT_ONCE}
    crawler = Crawler(Looking, _OwnSettings(own))
    failures: dict[int, Exception] = {}

    def failed(failure: Failure, response: Response | None) -> None:
        look = response.meta.get("look") if response is not None else None
        if isinstance(failure.value, Exception):
            failures[id(look)] = failure.value

    crawler.signals.connect(failed, spider_error, weak=False)
    crash: Exception | None = None
    task = asyncio.create_task(
        crawler.crawl_async(looks=looks, settings=settings, archive=archive, robots=robots)
    )
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await _give_up(crawler, task)
        raise
    except Exception as error:
        crash = error
    for look in looks:
        for published in look.lists:
            if published.name not in look.results:
                cause = crash or failures.get(id(look)) or failures.get(id(None))
                look.results[published.name] = _unexplained(published, cause)


def _way(published: PublishedList) -> type[Way]:
    if published.in_parts:
        return InParts
    return Direct if published.file else ByPage


async def _give_up(crawler: Crawler, task: asyncio.Task[None]) -> None:
    crawler.signals.send_catch_log(giving_up)
    if crawler.crawling:
        await crawler.stop_async()
    await asyncio.wait([task], timeout=_FAREWELL_SECONDS)


def _unexplained(published: PublishedList, cause: Exception | None) -> CountersignError:
    error = CountersignError(f"The look at the list {published.name} ended without a result: {cause!r}")
    error.__cause__ = cause
    return error


class _OwnSettings(ScrapySettings):
    """Made anew for each round, so Scrapy need not copy them."""

    def copy(self) -> Self:
        return self


class KeepBodies:
    """Scrapy's one item pipeline: the body into the archive, the capture into the look's results.

    Bodies that come while others are written are written together by the same thread: many threads would take the
    processor from the loop that fetches.
    """

    def __init__(self, spider: Looking) -> None:
        self._results: dict[str, Capture | CountersignError] = spider.looks[0].results
        self._archive = spider.archive
        self._waiting: list[tuple[bytes, asyncio.Future[str]]] = []
        self._writing: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> KeepBodies:
        assert isinstance(crawler.spider, Looking)  # noqa: S101
        return cls(crawler.spider)

    async def process_item(self, item: Fetched) -> Fetched:
        capture = item.capture
        try:
            if item.body is not None:
                capture = replace(capture, sha256=await self._kept(item.body))
        except CountersignError as error:
            self._results[capture.list] = error
        else:
            self._results[capture.list] = capture
        return item

    async def _kept(self, body: bytes) -> str:
        kept: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((body, kept))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await kept

    async def _write(self) -> None:
        try:
            while some := self._waiting:
                self._waiting = []
                await self._write_some(some)
        finally:
            self._writing = None

    async def _write_some(self, some: Sequence[tuple[bytes, asyncio.Future[str]]]) -> None:
        try:
            for (_, kept), found in zip(some, await asyncio.to_thread(self._put, some), strict=True):
                if kept.done():  # nobody waits for it any more
                    continue
                if isinstance(found, str):
                    kept.set_result(found)
                else:
                    kept.set_exception(found)
        finally:
            for _, kept in some:
                kept.cancel()  # those that have their answer are left as they are

    def _put(self, some: Sequence[tuple[bytes, object]]) -> Sequence[str | Exception]:
        try:
            return self._archive.put_all(body for body, _ in some)
        except CountersignError as error:
            if len(some) == 1:
                return [error]
            return [found for one in some for found in self._put([one])]
        except Exception as bug:
            return [bug] * len(some)
