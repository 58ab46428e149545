"""Answers that are whole: tagged, compressed, not sent to whoever has them, and made once while nothing changes.

What is kept is what a reader without a token gets: an address, its answer, and the version of the record that it was
made from. An answer is given again only while that version stands. While lists are being taken in, the version
changes many times a second; then an answer may be a second old, and a hundred readers cost one page a second.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scraper.errors import DatabaseError
from web.context import KEPT, Versions, Visit
from web.keys import COOKIE

WHOLE = (
    "text/html",
    "application/json",
    "application/xml",
    "application/atom",
    "application/feed",
    "image/svg",
    "text/markdown",
)
WORTH_PACKING = 1_024
LARGEST = 4_000_000
KEPT_BYTES = 64_000_000
MOVING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """`until` is "record" or "live" for what may be given again, None for what may not."""

    start: Message
    body: bytes
    packed: bytes | None
    until: str | None
    versions: Versions | None
    made: float

    @property
    def size(self) -> int:
        return len(self.body) + len(self.packed or b"")


class Answers:
    """HEAD for every GET, ETag and 304 for all that is whole, and what `Answer` says of keeping."""

    def __init__(
        self, app: ASGIApp, versions: Callable[[], Versions], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.app = app
        self.clock = clock
        self._read_versions = versions
        self._reading = asyncio.Lock()
        self._versions: Versions | None = None
        self._came = self._served = 0
        self._kept: OrderedDict[Hashable, Answer] = OrderedDict()
        self._size = 0
        self._making: dict[Hashable, asyncio.Future[Answer | None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        visit = Visit.of(request) if scope["path"] == Visit.PATH else None
        # Whoever shows a token sees more than others do, and is given nothing that was made for them.
        public = (
            f"{COOKIE}=" not in request.headers.get("cookie", "") and "authorization" not in request.headers
        )
        versions = await self._now() if public else None
        if versions is None:
            answer = await self._made(scope, receive, send, None)
        else:
            key = (str(request.url), visit.before if visit else None)
            answer = await self._kept_or_made(key, versions, scope, receive, send)
        if answer is not None:
            await _give(
                answer,
                request.headers,
                scope["method"] == "HEAD",
                visit.cookie(request) if visit else None,
                send,
            )

    async def _now(self) -> Versions | None:
        """The versions as they are: read once for all who came before the reading began. None without a database."""
        self._came += 1
        came = self._came
        async with self._reading:
            if self._served < came:
                self._served = self._came
                try:
                    self._versions = await asyncio.to_thread(self._read_versions)
                except (DatabaseError, SQLAlchemyError):
                    self._versions = None
            return self._versions

    async def _kept_or_made(
        self, key: Hashable, versions: Versions, scope: Scope, receive: Receive, send: Send
    ) -> Answer | None:
        while True:
            answer = self._kept.get(key)
            if answer is not None and self._stands(answer, versions):
                self._kept.move_to_end(key)
                return answer
            making = self._making.get(key)
            if making is None:
                return await self._made_for_all(key, versions, scope, receive, send)
            if await making is None:  # it is none that can be kept
                return await self._made(scope, receive, send, versions)

    def _stands(self, answer: Answer, versions: Versions) -> bool:
        if versions.record is None:
            return self.clock() - answer.made < MOVING_SECONDS
        return answer.versions is not None and (
            answer.versions == versions
            if answer.until == "live"
            else answer.versions.record == versions.record
        )

    async def _made_for_all(
        self, key: Hashable, versions: Versions, scope: Scope, receive: Receive, send: Send
    ) -> Answer | None:
        self._making[key] = future = asyncio.get_running_loop().create_future()

        def let_go() -> None:
            if self._making.get(key) is future:
                del self._making[key]
                future.set_result(None)

        try:
            answer = await self._made(scope, receive, send, versions, let_go)
            if answer is not None and answer.until and answer.size <= LARGEST:
                self._keep(key, answer)
                if self._making.pop(key, None) is future:
                    future.set_result(answer)
            return answer
        finally:
            let_go()

    def _keep(self, key: Hashable, answer: Answer) -> None:
        before = self._kept.pop(key, None)
        self._size += answer.size - (before.size if before else 0)
        self._kept[key] = answer
        while self._size > KEPT_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self._size -= oldest.size

    async def _made(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        versions: Versions | None,
        let_go: Callable[[], None] = lambda: None,
    ) -> Answer | None:
        """The application's answer; None when it was no whole one and has been sent on as it came."""
        state = scope.setdefault("state", {})
        head = scope["method"] == "HEAD"
        began = self.clock()
        start: Message | None = None
        parts: list[bytes] = []

        async def take(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_whole(message):
                start = message
            elif start is not None and message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
            else:
                let_go()
                await send({**message, "body": b""} if head and "body" in message else message)

        await self.app({**scope, "method": "GET"}, receive, take)
        if start is None:
            return None
        body, until = b"".join(parts), state.get(KEPT) if versions else None
        headers = MutableHeaders(scope=start)
        headers.setdefault("ETag", f'W/"{hashlib.sha256(body).hexdigest()[:24]}"')
        headers.setdefault("Cache-Control", "no-cache")
        packed = None
        if until and "set-cookie" not in headers and len(body) >= WORTH_PACKING:
            packed = await asyncio.to_thread(gzip.compress, body, 5, mtime=0)
            headers.add_vary_header("Accept-Encoding")
        return Answer(start, body, packed, until, versions, began)


async def _give(answer: Answer, asked: Headers, head: bool, cookie: str | None, send: Send) -> None:
    body = answer.body
    headers = MutableHeaders(raw=list(answer.start["headers"]))
    if cookie:
        headers.append("set-cookie", cookie)
    status = answer.start["status"]
    if _is_known(headers, asked):
        status, body = 304, b""
        for name in ("content-length", "content-type"):
            if name in headers:
                del headers[name]
    elif answer.packed is not None and "gzip" in asked.get("accept-encoding", ""):
        body = answer.packed
        headers["Content-Encoding"], headers["Content-Length"] = "gzip", str(len(body))
    await send({**answer.start, "status": status, "headers": headers.raw})
    await send({"type": "http.response.body", "body": b"" if head else body})


def _is_known(headers: Headers, asked: Headers) -> bool:
    tags = asked.get("if-none-match")
    if tags is not None:
        offered = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return headers["etag"].removeprefix("W/") in offered or "*" in offered
    since, changed = asked.get("if-modified-since"), headers.get("last-modified")
    if since is None or changed is None:
        return False
    try:
        return parsedate_to_datetime(changed) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False


def _is_whole(start: Message) -> bool:
    headers = Headers(raw=list(start["headers"]))
    if "content-length" not in headers:  # it is sent while it is made
        return False
    tagged = "etag" in headers and "last-modified" not in headers
    return start["status"] == 200 and (tagged or headers.get("content-type", "").startswith(WHOLE))
