"""The publisher that plays for the tests (`demo.publisher` holds the player), and a look at it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.publisher import Publisher
from scraper.archive import Archive
from scraper.capture import Capture, Validators
from scraper.errors import CountersignError
from scraper.lists import PublishedList
from scraper.settings import Settings

AT = datetime(2025, 5, 12, 12, 30, 5, tzinfo=UTC)
WORKBOOK = b"PK\x03\x04 only the crawler sees this, and it does not look inside " + bytes(range(256)) * 4


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    """It shows both lists, one in each form of address."""
    with Publisher() as playing:
        playing.show("participating", WORKBOOK + b"1", "participatingAgencies05122025am.xlsx", AT)
        playing.show("pending", WORKBOOK + b"2", "pendingAgencies05122025am.xlsx", AT, url_form="number")
        yield playing


class Looker:
    """Looks at a publisher as the product does, with little patience."""

    def __init__(self, home: Path, publisher: Publisher) -> None:
        self.archive = Archive(home)
        self.publisher = publisher
        self.lists: Sequence[PublishedList] = publisher.lists()
        self.validators: Mapping[str, Validators] = {}
        self.settings = Settings(
            home=home,
            contact="desk@example.org",
            timeout_seconds=5,
            retries=0,
            backoff_seconds=0.01,
            page_bytes=300_000,
        )

    def set(self, **values: float) -> None:
        self.settings = self.settings.model_copy(update=values)

    def look(self, now: datetime | None = None) -> dict[str, Capture | CountersignError]:
        """One look; what was seen is remembered for the next one's conditions."""
        from scraper.crawl import crawl  # Scrapy is heavy, and most tests have no use for it

        self.publisher.forget()
        results = asyncio.run(
            crawl(self.lists, self.archive, self.settings, self.validators, lambda: now or datetime.now(UTC))
        )
        seen = {name: found.validators for name, found in results.items() if isinstance(found, Capture)}
        self.validators = {**self.validators, **{name: known for name, known in seen.items() if known.sha256}}
        return results

    def captures(self) -> dict[str, Capture]:
        """A look in which nothing went wrong."""
        results = self.look()
        captures = {name: found for name, found in results.items() if isinstance(found, Capture)}
        assert captures == results
        return captures

    def error(self, name: str = "participating") -> CountersignError:
        """A look in which the list `name` went wrong."""
        result = self.look()[name]
        assert isinstance(result, CountersignError), result
        return result


@pytest.fixture
def looker(home: Path, publisher: Publisher) -> Looker:
    return Looker(home, publisher)
