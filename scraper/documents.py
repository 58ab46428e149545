"""Look at documents inside the running event loop, with all the manners of a look at lists."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from scrapy.crawler import Crawler
from scrapy.settings import Settings as ScrapySettings

from scraper.addresses import giving_up
from scraper.capture import Validators
from scraper.lists import PublishedList
from scraper.settings import Settings, private_origins, scrapy_settings
from scraper.spiders.documents import DocumentSpider, Seen

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
