"""ETag, Last-Modified and 304 for everything that is answered whole, and HEAD for every GET."""

from __future__ import annotations

import hashlib
from email.utils import parsedate_to_datetime

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_WHOLE = (
    "text/html",
    "application/json",
    "application/xml",
    "application/atom",
    "application/feed",
    "image/svg",
    "text/markdown",
)


class Conditional:
    """The tag is the hash of the body: nothing that a reader could see changes without it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        answer = _Answer(Headers(scope=scope), scope["method"] == "HEAD", send)
        await self.app({**scope, "method": "GET"}, receive, answer.take)


class _Answer:
    """Gathers one answer until it is whole; what is streamed passes through."""

    def __init__(self, asked: Headers, head: bool, send: Send) -> None:
        self.asked = asked
        self.head = head
        self.send = send
        self.start: Message | None = None
        self.body: list[bytes] = []

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_whole(message):
            self.start = message
        elif self.start is not None and message["type"] == "http.response.body":
            self.body.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._give(self.start, b"".join(self.body))
        elif self.head and message["type"] == "http.response.body":
            await self.send({**message, "body": b""})
        else:
            await self.send(message)

    async def _give(self, start: Message, body: bytes) -> None:
        headers = MutableHeaders(scope=start)
        headers.setdefault("ETag", f'W/"{hashlib.sha256(body).hexdigest()[:24]}"')
        headers.setdefault("Cache-Control", "no-cache")
        if self._is_known(headers):
            for name in ("content-length", "content-type"):
                if name in headers:
                    del headers[name]
            start = {**start, "status": 304, "headers": headers.raw}
            body = b""
        await self.send(start)
        await self.send({"type": "http.response.body", "body": b"" if self.head else body})

    def _is_known(self, headers: Headers) -> bool:
        tags = self.asked.get("if-none-match")
        if tags is not None:
            offered = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
            return headers["etag"].removeprefix("W/") in offered or "*" in offered
        since, changed = self.asked.get("if-modified-since"), headers.get("last-modified")
        if since is None or changed is None:
            return False
        try:
            return parsedate_to_datetime(changed) <= parsedate_to_datetime(since)
        except (ValueError, TypeError):
            return False


def _is_whole(start: Message) -> bool:
    headers = Headers(raw=list(start["headers"]))
    tagged = "etag" in headers and "last-modified" not in headers
    return start["status"] == 200 and (tagged or headers.get("content-type", "").startswith(_WHOLE))
