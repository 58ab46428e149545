"""No request to a private address, whoever names it: a page's link, a redirect, or a name server that lies.

The check stands where the socket is made, after the name was resolved and for every hop, so that neither an
odd notation (127.1, 0x7f000001, [::ffff:7f00:1]) nor a name that changes its address between check and use
gets past it. The hosts that a list's own declaration names may be private where it says `private_addresses`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from copy import copy
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, ClassVar
from urllib.parse import urlsplit

import aiohttp
from scrapy import Request
from scrapy.core.downloader.handlers._aiohttp import AiohttpDownloadHandler, _ClientResponse
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.settings import Settings
from scrapy.utils.ssl import _make_ssl_context

from scraper.errors import ForbiddenAddressError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Sent when nobody waits for answers any more: Scrapy itself would wait for every one of them.
giving_up = object()
_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Does the address lead to the open internet, and so does the one it may carry inside?"""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    inner = address.ipv4_mapped or address.sixtofour
    if inner:
        return is_public(inner)
    return address.is_global and address in _UNICAST


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
    """Scrapy's handler twice: for the hosts that may be private, and for all others with guarded sockets."""

    lazy = True

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._hosts = frozenset(crawler.settings.getlist("PRIVATE_HOSTS"))
        self._declared = _Handler(crawler)
        self._guarded = copy(self._declared)
        self._guarded._session = _session(
            aiohttp.TCPConnector(socket_factory=_public_socket, happy_eyeballs_delay=None)
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
        if urlsplit(request.url).hostname in self._hosts:
            return await self._declared.download_request(request)
        try:
            return await self._guarded.download_request(request)
        except ForbiddenAddressError as refusal:
            raise ForbiddenAddressError(f"{request.url} leads to {refusal}") from None

    def _give_up(self) -> None:
        self._given_up = True
        for task in self._running:
            task.cancel()

    async def close(self) -> None:
        await self._guarded.close()
        await self._declared.close()


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    """As Scrapy's handler makes it, but for the sockets. It must not undo gzip or add headers of its own."""
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        response_class=_ClientResponse,
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
    )


def _public_socket(info: tuple[int, int, int, str, tuple[Any, ...]]) -> socket.socket:
    family, kind, protocol, _, place = info
    address = ipaddress.ip_address(place[0].partition("%")[0])
    if not is_public(address):
        raise ForbiddenAddressError(
            f"{address}, which is not a public address, so it was not asked. If this list is published in a "
            "network of your own, declare it with private_addresses = true."
        )
    return socket.socket(family, kind, protocol)
