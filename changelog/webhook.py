"""The signed webhook, and the one way out for it and the ping: to public addresses only, unless allowed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import httpcore
import httpx

from changelog.undelivered import NotSentError
from scraper.public import is_public
from scraper.settings import Settings

PATIENCE = 20.0  # seconds, or less where the settings have less
SIGNATURE = "Countersign-Signature"
NOTICE = "Countersign-Notice"


async def post(settings: Settings, key: str, at: datetime, data: Mapping[str, Any]) -> None:
    """Post one notice as JSON. Raises NotSentError unless the answer is 2xx.

    The body is the same each time it is tried, and so is its id: whoever saw that id before may ignore it.
    """
    assert settings.webhook_url is not None  # noqa: S101 - asked for by its channel alone
    assert settings.webhook_secret is not None  # noqa: S101 - demanded beside the address
    content = {"id": key, "at": f"{at:%Y-%m-%dT%H:%M:%SZ}", **data}
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        NOTICE: key,
        SIGNATURE: sign(settings.webhook_secret.get_secret_value(), body),
    }
    await reach(settings, "POST", settings.webhook_url, body, headers)


def sign(secret: str, body: bytes) -> str:
    """What a receiver computes again over the body it got, and compares."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


async def reach(
    settings: Settings,
    method: str,
    url: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> None:
    """One request, no redirects. Raises NotSentError, which never repeats the address: it may be a secret."""
    told = {"User-Agent": settings.user_agent, **(headers or {})}
    try:
        async with _client(settings) as client:
            answer = await client.request(method, url, content=body, headers=told)
    except PrivateAddressError as refusal:
        raise NotSentError(str(refusal)) from None
    except httpx.TimeoutException:
        raise NotSentError("The receiver did not answer in time.") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise NotSentError(f"The receiver could not be reached ({type(error).__name__}).") from None
    if not answer.is_success:
        raise NotSentError(f"The receiver answered {answer.status_code}.")


def _client(settings: Settings) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(verify=_tls(), trust_env=False)
    if not settings.webhook_private:
        transport._pool = httpcore.AsyncConnectionPool(ssl_context=_tls(), network_backend=PublicOnly())
    return httpx.AsyncClient(
        transport=transport,
        timeout=min(PATIENCE, settings.timeout_seconds),
        follow_redirects=False,
        trust_env=False,
    )


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Reading the certificates is most of what a request costs."""
    return httpx.create_ssl_context(trust_env=False)


class PrivateAddressError(Exception):
    """A name that leads into our own network was not asked."""


class PublicOnly(httpcore.AsyncNetworkBackend):
    """Connects to what was checked: a name that changes its address in between gets nowhere."""

    def __init__(self) -> None:
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError("no such host") from error
        addresses = [str(place[0]).partition("%")[0] for *_, place in found]
        for address in addresses:
            if not is_public(ipaddress.ip_address(address)):
                raise PrivateAddressError(
                    "The receiver's address is not public, so it was not asked. If it is meant to be, set "
                    "COUNTERSIGN_WEBHOOK_PRIVATE=true."
                )
        return await self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002 - httpcore's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        raise PrivateAddressError(f"A socket of this machine ({len(path)} letters) is no address.")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)
