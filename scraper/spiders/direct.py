"""Lists whose file stands at a fixed address."""

from __future__ import annotations

from collections.abc import Iterator

from scrapy import Request

from scraper.middlewares import Cost
from scraper.spiders.fetching import Way


class Direct(Way):
    """Lists whose file has an address of its own, which no page links to."""

    def start(self) -> Iterator[Request]:
        for published in self.group.lists:
            if published.file:
                yield self.ask(published, published.file, {}, Cost())
