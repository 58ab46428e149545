"""Fetch any number of lists with Scrapy, inside the running event loop.

Scrapy runs without a Twisted reactor: a reactor can be started once in a process and must own its loop, while
the clock, the web page and the command line each have a loop already. The price is Scrapy's aiohttp handler,
which is marked experimental, so it was put before the hostile publisher (tests/hostile): resets, slow answers,
endless bodies, wrong lengths, bombs and broken TLS all end in one of our errors, in time and within the size
limits. It also makes its sockets through a hook that the reactor's handler lacks,
where scraper.downloads refuses private addresses after the name was resolved.

One crawler fetches all lists of a run: one for each would cost more than its requests. What came is read from the
results, never from Scrapy's exit code, which is 0 even when a callback raised.

Bodies are in the archive when `crawl` returns; the caller writes the captures into its journal
(`Archive.keep`), with whatever else it decides to record.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, WeakValueDictionary

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.settings import Settings as ScrapySettings
from scrapy.signals import spider_error
from twisted.python.failure import Failure

from scraper.archive import Archive
from scraper.capture import Validators
from scraper.downloads import giving_up
from scraper.errors import CountersignError, ListError, words_of
from scraper.lists import PublishedList, has_host
from scraper.settings import HOSTS_AT_ONCE, Settings, private_origins, scrapy_settings
from scraper.spiders.file import Direct, Fetched, Group, InParts, Results, Way
from scraper.spiders.page import ByPage

_CRAWLERS_AT_ONCE = 4
_FAREWELL_SECONDS = 5

# Without a handler of the application's own, Python would print Scrapy's warnings on stderr.
logging.getLogger("scrapy").addHandler(logging.NullHandler())


async def crawl(
    lists: Sequence[PublishedList],
    archive: Archive,
    settings: Settings,
    validators: Mapping[str, Validators],
    now: Callable[[], datetime],
) -> Results:
    """One result for each list, by its name. Nothing is raised for one list's trouble.

    `validators` are those of each list's last capture. Lists of one page are fetched together, hosts side
    by side, and pages of one host one after another, also when it is asked for several times at once.
    """
    results: Results = {}
    for published in lists:
        if not has_host(_address(published)):
            said = f"The list {published.name} has neither a page nor a file to look at."
            results[published.name] = ListError(said)
    # Only of a copy that we still have can be believed that it did not change.
    held = {name: known for name, known in validators.items() if known.sha256 and archive.has(known.sha256)}
    groups = [
        Group(together, held, now, results)
        for together in _by_address([published for published in lists if published.name not in results])
    ]
    if groups:
        hosts = {urlsplit(_address(group.lists[0])).netloc.lower() for group in groups}
        async with _politeness().crawling(hosts):
            await _crawl(groups, archive, settings)
    return {published.name: results[published.name] for published in lists}


async def _crawl(groups: Sequence[Group], archive: Archive, settings: Settings) -> None:
    """Every list of the groups has its result afterwards."""
    lists = [published for group in groups for published in group.lists]
    own = scrapy_settings(settings, *lists) | {"CONCURRENT_REQUESTS": HOSTS_AT_ONCE}
    crawler = Crawler(ListSpider, _OwnSettings(own))
    failures: dict[int, Exception] = {}

    def failed(failure: Failure, response: Response | None) -> None:
        group = response.meta.get("group") if response is not None else None
        if isinstance(failure.value, Exception):
            failures[id(group)] = failure.value

    crawler.signals.connect(failed, spider_error, weak=False)
    crash: Exception | None = None
    task = asyncio.create_task(crawler.crawl_async(groups=groups, settings=settings, archive=archive))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await _give_up(crawler, task)
        raise
    except Exception as error:
        crash = error
    for group in groups:
        for published in group.lists:
            if published.name not in group.results:
                cause = crash or failures.get(id(group)) or failures.get(id(None))
                group.results[published.name] = _unexplained(published, cause)


class ListSpider(Spider):
    """All lists of a run, each in its way."""

    name = "lists"

    def __init__(self, groups: Sequence[Group], settings: Settings, archive: Archive, **kw: Any) -> None:
        super().__init__(**kw)
        self.groups = groups
        self.patience = settings.timeout_seconds
        self.archive = archive

    async def start(self) -> AsyncIterator[Request]:
        for group in self.groups:
            first = group.lists[0]
            try:
                requests = [*_way(first)(group, frozenset(private_origins(first)), self.patience).start()]
            except Exception as bug:
                group.results.update({item.name: _unexplained(item, bug) for item in group.lists})
                continue
            for request in requests:
                yield request


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
    error = CountersignError(
        f"The list {published.name} was fetched without a result: {type(cause).__name__}: {words_of(cause)}"
    )
    error.__cause__ = cause
    return error


class _Politeness:
    """What all crawls of one event loop keep to together."""

    def __init__(self) -> None:
        self._crawlers_at_once = asyncio.Semaphore(_CRAWLERS_AT_ONCE)
        self._host_locks = WeakValueDictionary[str, asyncio.Lock]()

    @asynccontextmanager
    async def crawling(self, hosts: Iterable[str]) -> AsyncIterator[None]:
        """Nobody else asks these hosts. They are locked in one order, so that no two crawls wait for each other."""
        async with AsyncExitStack() as stack:
            for host in sorted(hosts):
                await stack.enter_async_context(self._host_locks.setdefault(host, asyncio.Lock()))
            await stack.enter_async_context(self._crawlers_at_once)
            yield


_of_loops = WeakKeyDictionary[asyncio.AbstractEventLoop, _Politeness]()


def _politeness() -> _Politeness:
    return _of_loops.setdefault(asyncio.get_running_loop(), _Politeness())


def _by_address(lists: Sequence[PublishedList]) -> list[list[PublishedList]]:
    """Lists in groups that share a page."""
    groups: dict[str, list[PublishedList]] = {}
    for published in lists:
        address = _address(published)
        groups.setdefault(f"{address} in parts" if published.in_parts else address, []).append(published)
    return [*groups.values()]


def _address(published: PublishedList) -> str:
    return published.file or published.page or next(iter(published.files), "")


class _OwnSettings(ScrapySettings):
    """Made anew for each crawl, so Scrapy need not copy them."""

    def copy(self) -> Self:
        return self


class KeepBodies:
    """Scrapy's one item pipeline: the body into the archive, the capture into the results.

    Bodies that come while others are written are written together by the same thread: many threads would take the
    processor from the loop that fetches.
    """

    def __init__(self, spider: ListSpider) -> None:
        self._results: Results = spider.groups[0].results
        self._archive = spider.archive
        self._waiting: list[tuple[bytes, asyncio.Future[str]]] = []
        self._writing: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> KeepBodies:
        assert isinstance(crawler.spider, ListSpider)  # noqa: S101
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
