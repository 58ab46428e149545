"""One polite visitor of one host, for the plain case: a good answer, and nothing else.

It asks as Scrapy would (the same agent, headers, delay, size caps, guarded sockets, one question at a time over
one connection), and knows no way around trouble. Whatever is not plain ends in NotPlainError, and Scrapy, with all
its patience and explanations, looks instead.
"""

from __future__ import annotations

import asyncio
import random
import re
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

import h11

from scraper.answers import Answer
from scraper.errors import CountersignError
from scraper.public import public_socket
from scraper.settings import Settings, headers_of

_BLOCK = 65_536
_PLAIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?/[!$-;=@-\[\]_a-z~?]*")
_TROUBLE = (
    OSError,
    TimeoutError,
    ValueError,
    h11.ProtocolError,
    CountersignError,
    asyncio.IncompleteReadError,
)


class NotPlainError(Exception):
    """The answer is not had, or not plain enough to be judged without Scrapy."""


class Visitor:
    """Asks one host after another's delay; `private` are the hosts that may have private addresses."""

    def __init__(self, settings: Settings, private: frozenset[str], delay: float) -> None:
        self._headers = headers_of(settings) | {"User-Agent": settings.user_agent}
        self._patience = settings.timeout_seconds
        self._private = private
        self._delay = delay
        self._asked_at: float | None = None
        self._line: _Line | None = None

    async def get(self, url: str, headers: Mapping[str, str], most: int) -> Answer:
        """The answer to one question, its body packed as it came and of `most` bytes at most."""
        if not _PLAIN.fullmatch(url):
            raise NotPlainError(url)
        await self.wait()
        try:
            async with asyncio.timeout(self._patience):
                return await self._asked(urlsplit(url), url, self._headers | dict(headers), most)
        except _TROUBLE as trouble:
            raise NotPlainError(url) from trouble
        finally:
            self._asked_at = asyncio.get_running_loop().time()

    async def wait(self) -> None:
        """Until the host may be asked again; as Scrapy does, half as long again or half as long."""
        if self._asked_at is not None and self._delay:
            pause = self._delay * random.uniform(0.5, 1.5)  # noqa: S311 - politeness, not secrecy
            await asyncio.sleep(self._asked_at + pause - asyncio.get_running_loop().time())

    async def _asked(self, parts: SplitResult, url: str, headers: Mapping[str, str], most: int) -> Answer:
        line = self._line
        if line is not None and line.place == (parts.scheme, parts.netloc) and line.open:
            # A server may hang up on a line that was quiet, just as we ask.
            with suppress(ConnectionError, h11.RemoteProtocolError):
                return await line.ask(url, headers, most)
        self.hang_up()
        self._line = await _Line.dialled(parts, self._private)
        return await self._line.ask(url, headers, most)

    def hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


class _Line:
    """One connection, for as long as the server keeps it open."""

    def __init__(
        self, place: tuple[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.place = place
        self._reader = reader
        self._writer = writer
        self._talk = h11.Connection(h11.CLIENT)

    @classmethod
    async def dialled(cls, parts: SplitResult, private: frozenset[str]) -> _Line:
        host, tls = parts.hostname or "", parts.scheme == "https"
        found = await _addresses(host, parts.port or (443 if tls else 80))
        trouble: OSError | None = None
        for info in found:
            made = socket.socket(*info[:3]) if host in private else public_socket(info)
            made.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(made, info[4])
            except OSError as error:
                made.close()
                trouble = error
                continue
            except BaseException:
                made.close()
                raise
            secure = {"ssl": _tls(datetime.now(UTC).date()), "server_hostname": host} if tls else {}
            reader, writer = await asyncio.open_connection(sock=made, **secure)  # type: ignore[arg-type]
            return cls((parts.scheme, parts.netloc), reader, writer)
        raise trouble or NotPlainError(host)

    @property
    def open(self) -> bool:
        return self._talk.our_state is h11.IDLE and not self._reader.at_eof()

    async def ask(self, url: str, headers: Mapping[str, str], most: int) -> Answer:
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        asked = h11.Request(method="GET", target=target, headers=[("Host", parts.netloc), *headers.items()])
        self._writer.write((self._talk.send(asked) or b"") + (self._talk.send(h11.EndOfMessage()) or b""))
        await self._writer.drain()
        said, pieces, size = None, [], 0
        while True:
            event = await self._next_event()
            if isinstance(event, h11.Response):
                said = event
                if int(dict(event.headers).get(b"content-length", 0)) > most:
                    raise NotPlainError(url)
            elif isinstance(event, h11.Data):
                pieces.append(bytes(event.data))
                size += len(event.data)
                if size > most:
                    raise NotPlainError(url)
            elif isinstance(event, h11.EndOfMessage):
                break
            elif not isinstance(event, h11.InformationalResponse):
                raise NotPlainError(url)
        if self._talk.trailing_data[0]:
            raise NotPlainError(url)  # more than the server promised: which of it is the body?
        if self._talk.our_state is h11.DONE and self._talk.their_state is h11.DONE:
            self._talk.start_next_cycle()
        assert said is not None  # noqa: S101 - h11 ends no message that has not begun
        return Answer(url, said.status_code, list(said.headers.raw_items()), b"".join(pieces))

    async def _next_event(self) -> Any:
        while (event := self._talk.next_event()) is h11.NEED_DATA:
            self._talk.receive_data(await self._reader.read(_BLOCK))
        return event

    def close(self) -> None:
        self._writer.close()


async def _addresses(host: str, port: int) -> list[Any]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


@lru_cache(maxsize=1)
def _tls(_day: date) -> ssl.SSLContext:
    """Read once a day, so that a process of years learns of new certificates."""
    return ssl.create_default_context()
