"""A small real web server that plays a publisher of lists: its page, its files, its manners and its rudeness.

It behaves as ICE's site does: Last-Modified is honoured, an ETag stands on /doclib/ files alone and
If-None-Match is ignored, files at /file-download/ have neither name nor extension in their address. A file
that was replaced or hidden stays where it was; only the page stops linking to it.
"""

from __future__ import annotations

import gzip
import hashlib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Literal, Self

from demo.page import PageLink, landing_page
from demo.rudeness import Rudeness
from scraper.lists import BUILT_IN, PublishedList

if TYPE_CHECKING:
    from demo.made import Week

UrlForm = Literal["doclib", "number"]
PAGE = "/identify-and-arrest/287g"
ROBOTS = "/robots.txt"
_FIRST_NUMBER = 141_000


@dataclass(frozen=True, slots=True)
class Served:
    """A file as the publisher serves it."""

    path: str
    body: bytes
    name: str
    last_modified: datetime | None
    content_type: str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    @property
    def headers(self) -> dict[str, str]:
        told = {"Content-Type": self.content_type}
        if self.last_modified:
            told["Last-Modified"] = format_datetime(self.last_modified.astimezone(UTC), usegmt=True)
        if self.path.startswith("/doclib/"):
            told["ETag"] = f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'
        else:
            told["Content-Disposition"] = f'attachment; filename="{self.name}"'
        return told


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    status: int


class Publisher:
    """Plays from `with Publisher() as publisher:` on, at `publisher.url`.

    `asked` holds every request since the last `forget()`. `wait` is set when the play ends, so that whoever
    sends slowly can stop.
    """

    def __init__(self, lists: Sequence[PublishedList] = BUILT_IN, tls: ssl.SSLContext | None = None) -> None:
        self._lists = {published.name: published for published in lists}
        self._files: dict[str, Served] = {}
        self._links: dict[str, PageLink] = {}
        self._rude: dict[str, tuple[Rudeness, int | None]] = {}
        self._page: dict[str, str] = {}
        self._numbers = 0
        self._lock = Lock()
        self.robots = "User-agent: *\nDisallow: /admin/\n"
        self.packs = False  # as nginx does: with gzip, and the ETag of what was packed is weak
        self.asked: list[Asked] = []
        self.wait = Event()
        self._server = _Server(self)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.wait.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def page_url(self) -> str:
        return self.url + PAGE

    def lists(self) -> list[PublishedList]:
        """The lists as they are declared for the real publisher, but for where they are."""
        return [
            replace(published, page=self.page_url, private_addresses=True, delay_seconds=0.0)
            for published in self._lists.values()
        ]

    def show(
        self,
        name: str,
        body: bytes,
        published_name: str,
        last_modified: datetime | None = None,
        url_form: UrlForm = "doclib",
        text: str | None = None,
    ) -> str:
        """Publish a file as the list `name` and link to it. Returns its address."""
        path = self._path(published_name, url_form)
        self._files[path] = Served(path, body, published_name, last_modified)
        self._links[name] = PageLink(path, text or f"View 287(g) {_words(name)}", f"287(g) {_words(name)}")
        return self.url + path

    def show_week(self, week: Week, pending_form: UrlForm = "doclib") -> None:
        """Publish both lists of a week of the demo."""
        self.show("participating", week.participating, week.participating_name, week.published_at)
        self.show("pending", week.pending, week.pending_name, week.published_at, pending_form)

    def hide(self, name: str) -> None:
        """Take the list's link from the page."""
        self._links.pop(name, None)

    def say(self, **words: str) -> None:
        """What the page says: `statement`, `counts`, `updated` (an ISO time), or all of it as `html`."""
        self._page = words

    def serve(self, path: str, body: bytes, content_type: str, last_modified: datetime | None = None) -> str:
        """Another document beside the lists. Returns its address."""
        self._files[path] = Served(path, body, path.rpartition("/")[2], last_modified, content_type)
        return self.url + path

    def take_away(self, path: str) -> None:
        """What stood at `path` is there no more."""
        self._files.pop(path, None)

    def be_rude(self, where: str, how: Rudeness, times: int | None = None) -> None:
        """Answer with `how` for "page", "robots", or a list's file; for ever, or the next `times`."""
        self._rude[where] = (how, times)

    def be_kind(self) -> None:
        self._rude.clear()

    def forget(self) -> None:
        self.asked.clear()

    def rudeness(self, path: str) -> Rudeness | None:
        with self._lock:
            where = self._where(path)
            how, times = self._rude.get(where, (None, None))
            if how and times is not None:
                if times == 0:
                    return None
                self._rude[where] = (how, times - 1)
            return how

    def page(self) -> bytes:
        if "html" in self._page:
            return self._page["html"].encode()
        return landing_page(list(self._links.values()), **self._page).encode()

    def file(self, path: str) -> Served | None:
        return self._files.get(path)

    def _where(self, path: str) -> str:
        fixed = {PAGE: "page", ROBOTS: "robots"}
        return fixed.get(path) or next(
            (name for name, link in self._links.items() if link.path == path), path
        )

    def _path(self, published_name: str, form: UrlForm) -> str:
        if form == "doclib":
            return f"/doclib/about/offices/ero/287g/{published_name}"
        self._numbers += 1
        return f"/file-download/download/public/{_FIRST_NUMBER + self._numbers}"


def _words(name: str) -> str:
    return f"{name.capitalize()} Agencies"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        super().__init__(("127.0.0.1", 0), _Answer)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up on us is no news here."""


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        publisher = self.server.publisher
        rude = publisher.rudeness(self.path)
        if rude:
            self.close_connection = True
            self._note(rude.status)
            rude.answer(self, publisher.file(self.path), publisher.wait)
        elif self.path == PAGE:
            self._answer(200, publisher.page(), {"Content-Type": "text/html; charset=UTF-8"})
        elif self.path == ROBOTS:
            self._answer(200, publisher.robots.encode(), {"Content-Type": "text/plain"})
        else:
            self._serve(publisher.file(self.path))

    def _serve(self, file: Served | None) -> None:
        if file is None:
            self._answer(404, b"<h1>Page not found</h1>", {"Content-Type": "text/html"})
        elif _unchanged(file, self.headers.get("If-Modified-Since")):
            self._answer(304, b"", file.headers)
        elif self.server.publisher.packs:
            told = {name: f"W/{value}" if name == "ETag" else value for name, value in file.headers.items()}
            self._answer(200, gzip.compress(file.body), {**told, "Content-Encoding": "gzip"})
        else:
            self._answer(200, file.body, file.headers)

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self._note(status)
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Date: {self.date_time_string()}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if status != HTTPStatus.NOT_MODIFIED:
            lines.append(f"Content-Length: {len(body)}")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def _note(self, status: int) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.publisher.asked.append(Asked(self.command, self.path, headers, status))

    def log_message(self, *_: object) -> None:
        """The log is `Publisher.asked`."""


def _unchanged(file: Served, since: str | None) -> bool:
    if file.last_modified is None or since is None:
        return False
    try:
        told = parsedate_to_datetime(since)
        # A zone of -0000 is UTC, as Python knows it a time without a zone.
        return file.last_modified.replace(microsecond=0) <= (
            told if told.tzinfo else told.replace(tzinfo=UTC)
        )
    except ValueError:
        return False
