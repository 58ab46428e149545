"""What stands between the spiders and the wire, beside Scrapy's own robots.txt, redirects and time-outs.

No request goes to a private address, whoever names it: a page's link, a redirect, or a name server that lies. The
check stands where the socket is made, after the name was resolved and for every hop, so that neither an odd notation
(127.1, 0x7f000001, [::ffff:7f00:1]) nor a name that changes its address between check and use gets past it. The
origins (host and port) that a list's own declaration names may be private where it says `private_addresses`; a
redirect or a link to another port may not.
"""

from __future__ import annotations

import asyncio
import ssl
from copy import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import ClassVar
from urllib.parse import urlsplit

import aiohttp
from scrapy import Request
from scrapy.core.downloader.handlers._aiohttp import AiohttpDownloadHandler, _ClientResponse
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import RetryMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.settings import BaseSettings, Settings
from scrapy.utils.ssl import _make_ssl_context

from scraper.errors import ForbiddenAddressError
from scraper.http import public_socket, unpacked
from scraper.settings import origin

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


# Sent when nobody waits for answers any more: Scrapy itself would wait for every one of them.
giving_up = object()


class _Handler(AiohttpDownloadHandler):
    """Scrapy's handler as it is. Its warning against production is answered in scraper.crawl."""

    experimental: ClassVar[bool] = False

    def __init__(self, crawler: Crawler) -> None:
        # Its own beginning is passed over: it reads every certificate again, most of what a quiet look costs.
        super(AiohttpDownloadHandler, self).__init__(crawler)
        self._ssl_context = _tls(datetime.now(UTC).date())
        self._session = _session(aiohttp.TCPConnector())


@lru_cache(maxsize=1)
def _tls(_day: date) -> ssl.SSLContext:
    """Read once a day, so that a process of years learns of new certificates."""
    return _make_ssl_context(Settings({"DOWNLOAD_VERIFY_CERTIFICATES": True}))


class GuardedHandler(BaseDownloadHandler):
    """Scrapy's handler twice: for the origins that may be private, and for all others with guarded sockets."""

    lazy = True

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._declared_origins = frozenset(crawler.settings.getlist("PRIVATE_ORIGINS"))
        self._declared = _Handler(crawler)
        self._guarded = copy(self._declared)
        self._guarded._session = _session(
            aiohttp.TCPConnector(socket_factory=public_socket, happy_eyeballs_delay=None)
        )
        self._running: set[asyncio.Task[Response]] = set()
        self._given_up = False
        crawler.signals.connect(self._give_up, giving_up)

    async def download_request(self, request: Request) -> Response:
        task = asyncio.create_task(self._ask(request))
        self._running.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if self._given_up:
                raise IgnoreRequest("given up") from None
            raise
        finally:
            self._running.discard(task)

    async def _ask(self, request: Request) -> Response:
        if self._may_be_private(request):
            return await self._declared.download_request(request)
        try:
            return await self._guarded.download_request(request)
        except ForbiddenAddressError as refusal:
            raise ForbiddenAddressError(f"{request.url} leads to {refusal}") from None

    def _may_be_private(self, request: Request) -> bool:
        """Of the origins that the list's own declaration names. Scrapy's question for robots.txt does not say for
        which list it asks, so it may go to an origin that any list of the round names, but nowhere else there."""
        parts = urlsplit(request.url)
        if not request.meta.get("dont_obey_robotstxt"):
            return _named(request.url, request.meta["private"])
        plain = parts.path == "/robots.txt" and not request.meta.get("redirect_times")
        return plain and _named(request.url, self._declared_origins)

    def _give_up(self) -> None:
        self._given_up = True
        for task in self._running:
            task.cancel()

    async def close(self) -> None:
        await self._guarded.close()
        await self._declared.close()


def _named(url: str, private: frozenset[str]) -> bool:
    return origin(url) in private or urlsplit(url).hostname in private


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    """As Scrapy's handler makes it, but for the sockets. It must not undo gzip or add headers of its own."""
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        response_class=_ClientResponse,
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
    )
