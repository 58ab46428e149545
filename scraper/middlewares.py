"""What stands between the spiders and the wire, beside Scrapy's own robots.txt, redirects and time-outs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.http import Response
from scrapy.settings import BaseSettings

from scraper.unpacking import unpacked

_PATIENCE_SECONDS = 120


@dataclass(slots=True)
class Cost:
    """What one answer has cost so far, redirects and retries included; `received` is in bytes."""

    requests: int = 0
    received: int = 0


class Counting:
    """Adds every request and its body, as it came over the wire, to the `cost` in the request's meta."""

    def process_request(self, request: Request) -> None:
        if cost := request.meta.get("cost"):
            cost.requests += 1

    def process_response(self, request: Request, response: Response) -> Response:
        if cost := request.meta.get("cost"):
            cost.received += len(response.body)
        return response


class Backoff(RetryMiddleware):
    """Scrapy's retries, but each waits twice as long as the one before, or as long as the publisher asks."""

    def __init__(self, settings: BaseSettings) -> None:
        super().__init__(settings)
        self._first = settings.getfloat("BACKOFF_SECONDS")

    async def process_response(  # type: ignore[override]
        self, request: Request, response: Response
    ) -> Request | Response:
        asked = _seconds(response.headers.get("Retry-After"))
        if _once(request) or asked > _PATIENCE_SECONDS:
            return response
        outcome: Request | Response = super().process_response(request, response)
        if isinstance(outcome, Request):
            await self._wait(outcome, asked)
        return outcome

    async def process_exception(  # type: ignore[override]
        self, request: Request, exception: Exception
    ) -> Request | Response | None:
        if _once(request):
            return None
        outcome: Request | Response | None = super().process_exception(request, exception)
        if isinstance(outcome, Request):
            await self._wait(outcome, 0)
        return outcome

    async def _wait(self, again: Request, asked: float) -> None:
        await asyncio.sleep(max(asked, self._first * 2 ** (again.meta["retry_times"] - 1)))


def _once(request: Request) -> bool:
    """A robots.txt that cannot be had is taken for absent, as the page itself will tell soon enough."""
    return bool(request.meta.get("dont_obey_robotstxt"))


def _seconds(retry_after: bytes | None) -> float:
    return float(retry_after) if retry_after and retry_after.strip().isdigit() else 0.0


class Unpacking:
    """Undoes gzip, whole or not at all. Scrapy's own middleware hands on half a stream as if it were all."""

    def __init__(self, page_bytes: int) -> None:
        self._page_bytes = page_bytes

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Unpacking:
        return cls(crawler.settings.getint("DOWNLOAD_MAXSIZE"))

    def process_response(self, request: Request, response: Response) -> Response:
        told = b",".join(response.headers.getlist("Content-Encoding"))
        limit = request.meta.get("download_maxsize", self._page_bytes)
        body = unpacked(response.body, told, limit, request.url)
        return response if body is response.body else response.replace(body=body)
