"""Look at any number of lists inside the running event loop.

Scrapy runs without a Twisted reactor: a reactor can be started once in a process and must own its loop, while
the clock, the web page and the command line each have a loop already. The price is Scrapy's aiohttp handler,
which is marked experimental, so it was put before the hostile publisher (tests/hostile/test_publisher.py):
resets, slow answers, endless bodies, wrong lengths, bombs and broken TLS all end in one of our errors, in
time and within the size limits. It also makes its sockets through a hook that the reactor's handler lacks,
where scraper.addresses refuses private addresses after the name was resolved.

What came is read from `Look.results`, never from Scrapy's exit code, which is 0 even when a callback raised.
Bodies are in the archive when `crawl` returns; the caller writes the captures into its journal
(`Archive.keep`), with whatever else it decides to record.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Self
from urllib.parse import urlsplit

from scrapy.crawler import Crawler
from scrapy.settings import Settings as ScrapySettings
from scrapy.signals import spider_error
from twisted.python.failure import Failure

from scraper.addresses import giving_up
from scraper.archive import Archive
from scraper.capture import Capture, Validators
from scraper.errors import CountersignError, ListError
from scraper.lists import PublishedList
from scraper.settings import Settings, scrapy_settings
from scraper.spiders.direct import DirectSpider
from scraper.spiders.fetching import Fetched, ListSpider, Look
from scraper.spiders.page import PageSpider
from scraper.spiders.parts import PartsSpider

_HOSTS_AT_ONCE = 8
_FAREWELL_SECONDS = 5

# Without a handler of the application's own, Python would print Scrapy's warnings on stderr.
logging.getLogger("scrapy").addHandler(logging.NullHandler())


async def crawl(
    lists: Sequence[PublishedList],
    archive: Archive,
    settings: Settings,
    validators: Mapping[str, Validators],
    now: Callable[[], datetime],
) -> dict[str, Capture | CountersignError]:
    """One result for each list, by its name. Nothing is raised for one list's trouble.

    `validators` are those of each list's last capture. Lists of one page are looked at together, hosts side
    by side, and pages of one host one after another.
    """
    held = {name: known for name, known in validators.items() if known.sha256 and archive.has(known.sha256)}
    results: dict[str, Capture | CountersignError] = {}
    at_once = asyncio.Semaphore(_HOSTS_AT_ONCE)

    async def one_host(groups: Iterable[Sequence[PublishedList]]) -> None:
        async with at_once:
            for group in groups:
                await _look(Look(group, held, now, results), archive, settings)

    await asyncio.gather(*(one_host(groups) for groups in _by_host(lists)))
    return {published.name: results[published.name] for published in lists}


async def _look(look: Look, archive: Archive, settings: Settings) -> None:
    first = look.lists[0]
    if not first.page and not first.file and not first.files:
        look.results[first.name] = ListError(
            f"The list {first.name} has neither a page nor a file to look at."
        )
        return
    own = _OwnSettings(scrapy_settings(settings, first))
    crawler = Crawler(_spider(first), own)
    failures: list[Failure] = []
    crawler.signals.connect(failures.append, spider_error, weak=False)
    crash: Exception | None = None
    task = asyncio.create_task(crawler.crawl_async(look=look, archive=archive))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await _give_up(crawler, task)
        raise
    except Exception as error:
        crash = error
    for published in look.lists:
        if published.name not in look.results:
            look.results[published.name] = _unexplained(published, failures, crash)


def _spider(published: PublishedList) -> type[ListSpider]:
    if published.in_parts:
        return PartsSpider
    return DirectSpider if published.file else PageSpider


async def _give_up(crawler: Crawler, task: asyncio.Task[None]) -> None:
    crawler.signals.send_catch_log(giving_up)
    if crawler.crawling:
        await crawler.stop_async()
    await asyncio.wait([task], timeout=_FAREWELL_SECONDS)


def _unexplained(
    published: PublishedList, failures: Sequence[Failure], crash: Exception | None
) -> CountersignError:
    cause = crash or next((failure.value for failure in failures), None)
    error = CountersignError(f"The look at the list {published.name} ended without a result: {cause!r}")
    error.__cause__ = cause
    return error


def _by_host(lists: Sequence[PublishedList]) -> list[list[list[PublishedList]]]:
    """Lists in groups that share a page, the groups by host."""
    groups: dict[str, list[PublishedList]] = {}
    for published in lists:
        address = published.file or published.page or next(iter(published.files), published.name)
        groups.setdefault(f"{address} in parts" if published.in_parts else address, []).append(published)
    hosts: dict[str, list[list[PublishedList]]] = {}
    for address, group in groups.items():
        hosts.setdefault(urlsplit(address).netloc.lower() or address, []).append(group)
    return list(hosts.values())


class _OwnSettings(ScrapySettings):
    """Made anew for each look, so Scrapy need not copy them: a fifth of what a quiet look costs."""

    def copy(self) -> Self:
        return self


class KeepBodies:
    """Scrapy's one item pipeline: the body into the archive, the capture into the look's results."""

    def __init__(self, spider: ListSpider) -> None:
        self._results = spider.look.results
        self._archive: Archive = spider.archive

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> KeepBodies:
        assert isinstance(crawler.spider, ListSpider)  # noqa: S101
        return cls(crawler.spider)

    async def process_item(self, item: Fetched) -> Fetched:
        capture = item.capture
        try:
            if item.body is not None:
                sha256 = await asyncio.to_thread(self._archive.put, item.body)
                capture = replace(capture, sha256=sha256)
        except CountersignError as error:
            self._results[capture.list] = error
        else:
            self._results[capture.list] = capture
        return item
