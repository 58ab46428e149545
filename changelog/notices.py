"""The signed webhook, and the one way out for it and the ping: to public addresses only, unless allowed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpcore
import httpx
from sqlalchemy import Row

from changelog.notice_texts import GoneError, NotSentError
from pipelines.announce import WEBHOOK, apprise_channel
from pipelines.history.operations import deliverable
from pipelines.installation import Installation, writing
from pipelines.logs import get_log, hush_libraries
from pipelines.maintenance import anything_owed
from pipelines.processes import is_alive, process_name
from pipelines.record.notices import drop_notice, note_not_sent, note_sent
from pipelines.record.runs import free_leases_of_the_dead, give_lease_back, renew_leases, take_lease
from scraper.http import is_public
from scraper.settings import Settings

if TYPE_CHECKING:
    from changelog.notice_texts import Message
    from pipelines.fetch_runs import RunResult


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


NOT_GOOD = ("failed", "busy")


async def report_runs(installation: Installation, results: Sequence[RunResult]) -> None:
    """Deliver what is owed after runs, and ping when all of them were good."""
    await deliver(installation)
    if results and not any(result.outcome in NOT_GOOD for result in results):
        await ping(installation)


OUTBOX = "outbox"
_PATIENCE = 60  # seconds for one Apprise address; some of its services wait long


@dataclass(slots=True)
class Delivered:
    """How many went out, how many could not and wait, how many never will."""

    sent: int = 0
    waiting: int = 0
    dropped: int = 0


async def deliver(installation: Installation) -> Delivered:
    """Send all that is due. One process delivers at a time; another one that asks leaves it to that one.

    A notice is noted as sent right after its receiver took it. A crash between the two sends it once more,
    under the same id, by which a webhook's receiver knows it.
    """
    result = Delivered()
    if not await asyncio.to_thread(anything_owed, installation):
        return result
    holder = f"{process_name()}/{uuid4().hex[:8]}"
    if not await asyncio.to_thread(_take, installation, holder):
        return result
    hush_libraries()
    try:
        while rows := await asyncio.to_thread(_due, installation):
            await asyncio.to_thread(_renew, installation, holder)
            await _by_channel(installation, rows, result)
    finally:
        await asyncio.to_thread(_give_back, installation, holder)
    return result


async def _by_channel(installation: Installation, rows: list[Row[Any]], result: Delivered) -> None:
    """Channels do not wait for each other; the notices of one go out one after another."""
    channels: dict[str, list[Row[Any]]] = {}
    for row in rows:
        channels.setdefault(row.channel, []).append(row)

    async def one_channel(waiting: list[Row[Any]]) -> None:
        for row in waiting:
            await _deliver_one(installation, row, result)

    await asyncio.gather(*(one_channel(waiting) for waiting in channels.values()))


async def _deliver_one(installation: Installation, row: Row[Any], result: Delivered) -> None:
    # Words and ways out are heavy, and most looks have nothing to tell.
    from changelog.notice_texts import message

    log = get_log(notice=row.key, channel=row.channel)
    now = installation.now
    try:
        send = _sender(installation, row)
        told = await asyncio.to_thread(message, installation, row.payload)
        await send(told)
    except GoneError as gone:
        await _note(installation, drop_notice, row.id, str(gone), now())
        log.warning("notice dropped", reason=str(gone))
        result.dropped += 1
    except Exception as failure:
        # A bug, too, must neither lose this notice nor keep the others.
        why = str(failure) if isinstance(failure, NotSentError) else f"A bug: {type(failure).__name__}."
        await _note(installation, note_not_sent, row.id, row.attempts, why, now())
        log.warning("notice not sent; it will be tried again", reason=why, attempt=row.attempts + 1)
        result.waiting += 1
    else:
        await _note(installation, note_sent, row.id, now())
        log.info("notice sent")
        result.sent += 1


def _sender(installation: Installation, row: Row[Any]) -> Callable[[Message], Any]:
    """Raises GoneError when the channel is not set up any more."""

    if row.channel == WEBHOOK and installation.settings.webhook_url:
        return lambda told: post(installation.settings, row.key, row.created_at, told.data)
    for address in installation.settings.notify:
        if apprise_channel(address) == row.channel:
            return lambda told: _apprise(address, told)
    raise GoneError("This channel is not set up any more.")


async def _apprise(address: str, told: Message) -> None:
    import apprise

    service = apprise.Apprise()
    if not service.add(address):
        raise NotSentError("Apprise does not know what to make of this address.")
    try:
        async with asyncio.timeout(_PATIENCE):
            taken = await service.async_notify(title=told.title, body=told.text)
    except TimeoutError:
        raise NotSentError(f"No answer within {_PATIENCE} seconds.") from None
    except Exception as error:
        # A plugin's own words may repeat the address.
        raise NotSentError(f"The service failed with {type(error).__name__}.") from None
    if not taken:
        raise NotSentError("The service did not take it.")


async def ping(installation: Installation) -> None:
    """Tell a dead man's switch that a round was good. Not to be heard is no failure of the round."""
    if installation.settings.ping_url:
        try:
            await reach(installation.settings, "GET", installation.settings.ping_url)
        except NotSentError as failure:
            get_log().warning("the ping was not heard", reason=str(failure))


def _due(installation: Installation) -> list[Row[Any]]:
    with installation.engine.connect() as connection:
        return list(deliverable(connection, installation.now()))


def _take(installation: Installation, holder: str) -> bool:
    with writing(installation) as connection:
        free_leases_of_the_dead(connection, is_alive)
        return take_lease(connection, OUTBOX, holder, installation.now())


def _renew(installation: Installation, holder: str) -> None:
    with writing(installation) as connection:
        renew_leases(connection, holder, installation.now())


def _give_back(installation: Installation, holder: str) -> None:
    with writing(installation) as connection:
        give_lease_back(connection, OUTBOX, holder)


async def _note(installation: Installation, write: Callable[..., None], *values: Any) -> None:
    def noted() -> None:
        with writing(installation) as connection:
            write(connection, *values)

    await asyncio.shield(asyncio.to_thread(noted))
