"""A small real web server that plays a web archive: its index (CDX), its captures (`id_`), and its moods."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Self
from urllib.parse import parse_qs, urlsplit

_CAPTURE = re.compile(r"/web/(\d{14})id_/(.+)", re.DOTALL)
_PAGE_SIZE = 7  # so that even a small index has to be asked for page by page


@dataclass(frozen=True, slots=True)
class Held:
    """A capture. `leads_to` is the (timestamp, address) to which the archive redirects instead."""

    timestamp: str
    url: str
    body: bytes = b""
    status: str = "200"
    headers: Mapping[str, str] = field(default_factory=dict)
    leads_to: tuple[str, str] | None = None
    lost: bool = False

    @property
    def digest(self) -> str:
        return base64.b32encode(hashlib.sha1(self.body, usedforsecurity=False).digest()).decode()


class WebArchive:
    """Plays from `with WebArchive() as archive:` on, at `archive.url`.

    `answered` counts what was answered with something else than trouble, by path. `trouble` is asked before
    every answer, with the request's number, and may return a status, or 0 for a connection that breaks off.
    """

    def __init__(self) -> None:
        self._held: list[Held] = []
        self._lock = Lock()
        self.asked = 0
        self.answered: Counter[str] = Counter()
        self.trouble: Callable[[int], int | None] = lambda _number: None
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def hold(
        self,
        url: str,
        at: datetime,
        body: bytes = b"",
        *,
        status: str = "200",
        headers: Mapping[str, str] | None = None,
        leads_to: tuple[datetime, str] | None = None,
        lost: bool = False,
    ) -> None:
        """A capture of `url`. One that is `lost` stands in the index only."""
        target = (stamp(leads_to[0]), leads_to[1]) if leads_to else None
        self._held.append(Held(stamp(at), url, body, status, headers or {}, target, lost))

    def index(self, query: str) -> bytes:
        """As the real one answers: JSON rows, the first one names; here out of order, with a resume key."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        fields = asked["fl"].split(",")
        found = [
            one
            for one in self._held
            if one.url == asked["url"] and asked["from"] <= one.timestamp[:8] <= asked["to"]
        ]
        found = found[::2] + found[1::2]
        begin = int(asked.get("resumeKey", "0"))
        rows = [[_told(one)[name] for name in fields] for one in found[begin : begin + _PAGE_SIZE]]
        if not rows:
            return b"[]"
        more = [[], [str(begin + _PAGE_SIZE)]] if begin + _PAGE_SIZE < len(found) else []
        return json.dumps([fields, *rows, *more]).encode()

    def capture(self, timestamp: str, url: str) -> Held | None:
        return next((one for one in self._held if (one.timestamp, one.url) == (timestamp, url)), None)

    def mood(self) -> int | None:
        with self._lock:
            self.asked += 1
            return self.trouble(self.asked)


def stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%d%H%M%S}"


def _told(one: Held) -> dict[str, str]:
    return {
        "timestamp": one.timestamp,
        "original": one.url,
        "statuscode": one.status,
        "mimetype": "unk",
        "digest": one.digest,
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, archive: WebArchive) -> None:
        self.archive = archive
        super().__init__(("127.0.0.1", 0), _Answer)

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that breaks off is no news here."""


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        archive = self.server.archive
        mood = archive.mood()
        if mood == 0:
            self.close_connection = True
            self.connection.close()
            return
        if mood is not None:
            self._answer(mood, b"try later", {"Retry-After": "1"} if mood == 429 else {})
            return
        archive.answered[self.path] += 1
        found = _CAPTURE.fullmatch(self.path)
        if self.path.startswith("/cdx/search/cdx?"):
            self._answer(200, archive.index(urlsplit(self.path).query), {"Content-Type": "application/json"})
        elif found:
            self._capture(archive.capture(found[1], found[2]))
        else:
            self._answer(404, b"no such place", {})

    def _capture(self, held: Held | None) -> None:
        if held is None or held.lost:
            self._answer(404, b"not archived", {})
        elif held.leads_to:
            timestamp, url = held.leads_to
            self._answer(302, b"", {"Location": f"/web/{timestamp}id_/{url}"})
        else:
            original = {f"x-archive-orig-{name}": value for name, value in held.headers.items()}
            self._answer(int(held.status), held.body, original)

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """What was asked is in `WebArchive.answered`."""
