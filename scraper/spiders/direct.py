"""Lists whose file stands at a fixed address."""

from __future__ import annotations

from collections.abc import AsyncIterator

from scrapy import Request

from scraper.middlewares import Cost
from scraper.spiders.fetching import ListSpider


class DirectSpider(ListSpider):
    name = "direct"

    async def start(self) -> AsyncIterator[Request]:
        for published in self.look.lists:
            if published.file:
                yield self.ask(published, published.file, {}, Cost())
