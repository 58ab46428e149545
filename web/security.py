"""What every request must pass and every answer must carry, before and after any page is asked."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from typing import Annotated
from urllib.parse import unquote_to_bytes, urlsplit

from pydantic import AfterValidator
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
READING = ("GET", "HEAD", "OPTIONS")
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FOR_EVERY_SITE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-None-Match, If-Modified-Since",
    "Access-Control-Expose-Headers": "ETag, Content-Disposition",
    "Access-Control-Max-Age": "86400",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
DATA = re.compile(r"/api/v1/.*|/feeds/.*|/.*\.(csv|xlsx|json|md|svg|png)")
BROKEN = "Something broke inside countersign. The log of the server says what.\n"
LOG = logging.getLogger("countersign.web")
# Neither pages nor feeds nor databases can hold these; blanks, tabs and ends of lines stand in every long text.
NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+?)\.?(?::\d{1,5})?")


class Guard:
    """Refuses hosts that are not ours (DNS rebinding) and actions that another site asks for.

    With `cors`, scripts of other sites may read what anybody may: never with a cookie or the token of who asks.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], cors: bool = True) -> None:
        self.app = app
        self.cors = cors
        self.hosts = frozenset(host.lower() for host in (*LOOPBACK_HOSTS, *hosts))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        begun = False

        async def dressed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                answer = MutableHeaders(scope=message)
                if shared:
                    answer.update(FOR_EVERY_SITE)
                for name, value in HEADERS.items():
                    answer.setdefault(name, value)
            await send(message)

        shared = self.cors and scope["method"] in READING and _is_data(scope["path"])
        refusal = self._refusal(scope, headers)
        if shared and refusal is None and scope["method"] == "OPTIONS":
            refusal = PlainTextResponse("", 204)
        try:
            await (refusal or self.app)(scope, receive, dressed)
        except Exception:
            # The last boundary: the log has the bug, the reader a sentence, and both the headers above.
            LOG.exception("A page broke: %s", scope["path"])
            if begun:
                raise
            await PlainTextResponse(BROKEN, 500)(scope, receive, dressed)

    def _refusal(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        if not self._is_ours(headers.get("host", "")):
            return PlainTextResponse("This is not a host that is served here.\n", 421)
        if not _is_text(scope.get("raw_path") or b"") or not _is_text(scope["query_string"]):
            return PlainTextResponse("The address holds characters that are no text.\n", 400)
        if scope["method"] not in READING and not _from_here(headers):
            return PlainTextResponse("Actions are taken from these pages only, not from another site.\n", 403)
        return None

    def _is_ours(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        return found is not None and found[1].lower() in self.hosts


def _is_data(path: str) -> bool:
    return DATA.fullmatch(path) is not None


def only_text(value: str) -> str:
    """What somebody wrote, unless it holds what is no text."""
    if NO_TEXT.search(value):
        raise ValueError("it holds characters that are no text")
    return value


Text = Annotated[str, AfterValidator(only_text)]


def _is_text(quoted: bytes) -> bool:
    try:
        return NO_TEXT.search(unquote_to_bytes(quoted).decode()) is None
    except UnicodeDecodeError:
        return False


def _from_here(headers: Headers) -> bool:
    """A browser says where a request comes from; a client that is no browser shows the token itself."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    return "authorization" in headers
