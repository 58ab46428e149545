"""The whole web as files: the pages that `serve` shows, asked from the same application, their links made relative.

No page reads the clock: the application runs at the moment when the record was last written, so that the same record
gives the same bytes, built at once or step by step. A file is written beside its place and renamed; the index of all
files comes last, so that a build that is killed leaves an old page or a new one, never half of one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from starlette.types import Message, Receive, Scope, Send

from changelog.exports import export
from changelog.wording import change_json, iso
from pipelines.history.agencies import agency_life
from pipelines.history.agreements import last_written, publications_page
from pipelines.history.changes import ChangeFilter, StoredChange, read_baseline, read_changes
from pipelines.history.dump import snapshot
from pipelines.installation import Installation
from scraper.errors import StorageError, UsageError
from web.app import create_app
from web.rendering import FOLDER

INDEX = "site.json"
NOWHERE = "http://site.invalid"  # stands for the public address until a page's place is known
ALL = 1_000_000  # rows
ACCEPTED = ("recorded", "unchanged")
WEEKLY = ("json", "md")
_FORM = re.compile(r'<form\b(?![^>]*action="/search").*?</form>\s*', re.S)
_MENU = re.compile(r'\s*<li>(?:(?!<li>).)*?<a href="(/[^"]*)"(?:(?!<li>).)*?</li>', re.S)
_FIGURE = re.compile(
    r'<figure\b[^>]*>(?:(?!</figure>).)*?<img src="(/[^"]*)"(?:(?!</figure>).)*?</figure>', re.S
)
_ADDRESS = re.compile(r' (href|src|action)="(/(?!/)[^"]*)"')
_PAGES = re.compile(r'<nav class="pages".*?</nav>', re.S)
_HEAD = re.compile(r"</head>", re.I)
_PUBLIC = re.compile(
    r'<(?:link rel="(?:canonical|alternate)"|meta (?:property="og:|name="twitter:))[^>]*>\s*'
)
_ABSOLUTE = re.compile(re.escape(NOWHERE) + r"(/[^\s\"'<>\\]*)?")
_UNSAFE = re.compile(r"[^\w.-]+")


@dataclass(slots=True)
class Built:
    """What a build did, by the files' names. Pages whose entry vanished from the record are `removed`."""

    written: list[str] = field(default_factory=list)
    unchanged: int = 0
    removed: list[str] = field(default_factory=list)
    refused: list[tuple[str, int]] = field(default_factory=list)
    bytes: int = 0


def build(installation: Installation, folder: Path, *, check: bool = False) -> Built:
    """Write the site into `folder` (made if need be); with `check`, only say what would be written.

    Raises UsageError when nothing is recorded yet, StorageError when the folder cannot be written.
    """
    with snapshot(installation.engine) as connection:
        written_at = last_written(connection)
        if written_at is None:
            raise UsageError(
                "Nothing is recorded yet, so there is nothing to publish. Crawl or replay first."
            )
        settings = installation.settings.model_copy(update={"public_url": NOWHERE})
        still = replace(installation, settings=settings, now=lambda: written_at)
        plan = _Plan.of(connection, still, public=installation.settings.public_url is not None)
    try:
        return asyncio.run(
            _Build(still, plan, folder, installation.settings.public_url or "", check=check).run()
        )
    except OSError as error:
        raise StorageError(f"The site cannot be written to {folder}: {error.strerror}.") from error


def is_behind(installation: Installation, folder: Path) -> bool:
    """Whether the record says more than the site in `folder`."""
    with installation.engine.connect() as connection:
        written_at = last_written(connection)
    if written_at is None:
        return False
    try:
        told = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True
    return bool(told.get("as_of") != iso(written_at))


@dataclass(slots=True)
class _Plan:
    """Every address that becomes a file, and the file; what is made of the record itself besides."""

    files: dict[str, str] = field(default_factory=dict)
    made: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    search: list[list[str]] = field(default_factory=list)

    @classmethod
    def of(cls, connection: Connection, installation: Installation, *, public: bool) -> _Plan:
        plan = cls()
        for name in ("", "changes", "agencies", "states", "lists", "held", "method"):
            plan.files[f"/{name}"] = f"{name}/index.html" if name else "index.html"
        plan.files["/search"], plan.files["/search.js"] = "search.html", "search.js"
        for path in sorted((FOLDER / "static").iterdir()):
            plan.files[f"/static/{path.name}"] = f"static/{path.name}"
        changes = list(read_changes(connection, ChangeFilter()))
        plan._changes(installation, changes)
        plan._agencies(connection, installation, changes)
        for name in installation.lists:
            plan._list(connection, installation, name, [one for one in changes if one.list == name])
        if public:
            plan.files["/report.png"] = "card.png"
            for shape in ("atom", "json"):
                plan.files[f"/feeds/changes.{shape}"] = f"feeds/changes.{shape}"
                for name in installation.lists:
                    plan.files[f"/feeds/changes.{shape}?list={name}"] = f"feeds/changes-{name}.{shape}"
                    plan.files[f"/feeds/weeks.{shape}?list={name}"] = f"feeds/weeks-{name}.{shape}"
        return plan

    def _changes(self, installation: Installation, changes: Sequence[StoredChange]) -> None:
        for change in changes:
            self.files[f"/changes/{change.id}"] = f"changes/{change.id}.html"
            self.made[f"changes/{change.id}.json"] = _json(
                change_json(change, installation.lists.get(change.list))
            )

    def _agencies(
        self, connection: Connection, installation: Installation, changes: Sequence[StoredChange]
    ) -> None:
        listed = [one for name in installation.lists for one in read_baseline(connection, name)]
        states: set[str] = set()
        seen: set[str] = set()
        for agency_id in dict.fromkeys(one.agency_id for one in [*listed, *changes]):
            life = agency_life(connection, agency_id) if agency_id not in seen else None
            if life is None:
                continue
            first, *others = life.ids
            seen.update(life.ids)
            self.files[f"/agencies/{first}"] = f"agencies/{first}.html"
            self.files[f"/api/v1/agencies/{first}"] = f"agencies/{first}.json"
            for other in others:
                self.moved[f"agencies/{other}.html"] = f"{first}.html"
                self.files[f"/agencies/{other}"] = f"agencies/{first}.html"
            newest = life.held[-1].stored.agreement
            for state in {one.stored.agreement.state for one in life.held if one.stored.agreement.state}:
                states.add(state)
            names = {spelling.agency for spelling in life.spellings}
            self.search.append(
                [
                    newest.agency,
                    newest.state or "",
                    f"agencies/{first}.html",
                    *sorted(names - {newest.agency}),
                ]
            )
        for state in states:
            self.files[f"/states/{state}"] = f"states/{state}.html"

    def _list(
        self, connection: Connection, installation: Installation, name: str, changes: Sequence[StoredChange]
    ) -> None:
        rows = publications_page(connection, name, None, ALL)
        if not rows:
            return
        self.files[f"/lists/{name}"] = f"lists/{name}.html"
        self.files[f"/api/v1/agreements?list={name}"] = f"lists/{name}.json"
        self.files[f"/lists/{name}/publications"] = f"lists/{name}-publications.html"
        if installation.lists[name].has_places:
            self._maps(name)
        index = []
        by_file: dict[str, list[StoredChange]] = {}
        for change in changes:
            by_file.setdefault(change.sha256, []).append(change)
        zone = ZoneInfo(installation.lists[name].time_zone)
        for row in rows:
            self.files[f"/publications/{row.key}"] = f"publications/{row.key}.html"
            if row.state == "recorded":
                self.files[f"/raw/{row.sha256}"] = f"raw/{row.sha256[:16]}-{_safe(row.published_name)}"
                delta = f"deltas/{name}-{row.key}.ndjson"
                self.made[delta] = _lines(installation, by_file.get(row.sha256, ()))
                index.append({"list": name, "publication": row.key, "published_at": iso(row.published_at),
                              "changes": len(by_file.get(row.sha256, ())), "file": delta})  # fmt: skip
        for monday in sorted({_monday(row.published_at, zone) for row in rows if row.state in ACCEPTED}):
            week = f"{monday:%G-W%V}"
            self.files[_asked("/report", list=name, week=week)] = f"reports/{name}/{week}.html"
            for shape in WEEKLY:
                self.files[_asked(f"/report.{shape}", list=name, week=week)] = (
                    f"reports/{name}/{week}.{shape}"
                )
            since = datetime.combine(monday, time(), zone)
            until = datetime.combine(monday + timedelta(days=7), time(), zone)
            of_week = [one for one in changes if since <= one.published_at < until]
            if of_week:
                asked = _asked("/changes", list=name, since=monday.isoformat(),
                               until=(monday + timedelta(days=7)).isoformat())  # fmt: skip
                self.files[asked] = f"changes/{name}-{week}.html"
                delta = f"deltas/{name}-{week}.ndjson"
                self.made[delta] = _lines(installation, of_week)
                index.append({"list": name, "week": week, "changes": len(of_week), "file": delta})
        self.made[f"deltas/{name}.json"] = _json({"list": name, "deltas": index})

    def _maps(self, name: str) -> None:
        for by in ("level", "model", "year"):
            self.files[_asked("/map", list=name, by=by)] = f"maps/{name}-{by}.html"
            for shape in ("svg", "png"):
                self.files[_asked(f"/map.{shape}", list=name, by=by)] = f"maps/{name}-{by}.{shape}"
        self.files[_asked("/map", list=name)] = f"maps/{name}-level.html"


class _Build:
    """One build: asks the application for each page, rewrites its links, writes what is new."""

    def __init__(
        self, installation: Installation, plan: _Plan, folder: Path, public: str, *, check: bool
    ) -> None:
        self._installation = installation
        self._plan = plan
        self._folder = folder
        self._check = check
        self._public = public.rstrip("/")
        self._app = create_app(installation, hosts=["site.invalid"], site=True)
        self._before: dict[str, str] = _index(folder)
        self._hashes: dict[str, str] = {}
        self._done = Built()

    async def run(self) -> Built:
        for name, body in self._plan.made.items():
            self._put(name, body)
        self._put(
            "search.js", b"window.countersignIndex = " + _json(sorted(self._plan.search)).strip() + b";\n"
        )
        for address, name in self._plan.files.items():
            if name in self._hashes:
                continue
            status, kind, body = await _get(self._app, address)
            if status >= 500:
                raise StorageError(f"{address} was answered {status}; the site was left as it was.")
            if status == 200:
                self._put(name, self._localised(body, kind, name))
            else:
                self._done.refused.append((address, status))
        for name, target in self._plan.moved.items():
            self._put(name, _moved(target))
        self._put("robots.txt", self._robots())
        if self._public:
            self._put("sitemap.xml", self._sitemap())
        self._data()
        self._finish()
        return self._done

    def _localised(self, body: bytes, kind: str, name: str) -> bytes:
        if kind.startswith("text/html"):
            return self._page(body.decode(), name).encode()
        if kind.startswith(("application/atom", "application/feed", "application/json")):
            return _ABSOLUTE.sub(lambda found: self._absolute(found[1] or "/"), body.decode()).encode()
        return body

    def _page(self, html: str, name: str) -> str:
        """Forms need a server; links that lead nowhere are text; all others are relative."""
        html = _FORM.sub("", html)
        if name == "changes/index.html":
            html = _PAGES.sub(lambda _: self._weeks(), html, count=1)
        html = _MENU.sub(lambda found: found[0] if self._file(found[1]) else "", html)
        html = _FIGURE.sub(lambda found: found[0] if self._file(found[1]) else "", html)
        up = "../" * name.count("/")

        def relative(found: re.Match[str]) -> str:
            target = self._file(found[2])
            if target is None:
                return "" if found[1] == "href" else f' {found[1]}=""'
            return f' {found[1]}="{up}{target}{_fragment(found[2])}"'

        html = _ADDRESS.sub(relative, html)
        if not self._public:
            html = _PUBLIC.sub("", html)
        html = _ABSOLUTE.sub(lambda found: self._absolute(found[1] or "/"), html)
        return _HEAD.sub(lambda _: f"{self._head(name)}</head>", html, count=1)

    def _weeks(self) -> str:
        """The log week by week, newest first, in place of the cursors that a server follows."""
        shown = []
        for name, item in self._installation.lists.items():
            weeks = [
                f'<li><a href="{escape(address)}">{file[-13:-5]}</a></li>'
                for address, file in reversed(self._plan.files.items())
                if file.startswith(f"changes/{name}-20")
            ]
            if weeks:
                shown.append(
                    f'<h2>{escape(item.wording.title)}, by week</h2>\n<ul class="weeks">{" ".join(weeks)}</ul>'
                )
        return f'<nav class="pages" aria-label="Weeks">{"".join(shown)}</nav>'

    def _head(self, name: str) -> str:
        """On the first page what the data are, for search engines."""
        if not self._public or name != "index.html":
            return ""
        return f'<script type="application/ld+json">{_dataset(self._installation, self._public)}</script>\n'

    def _file(self, address: str) -> str | None:
        """The file of an address of ours, as written in a page (with &amp;), if it is part of the site."""
        parts = urlsplit(address.replace("&amp;", "&"))
        asked = dict(parse_qsl(parts.query))
        return self._plan.files.get(_asked(parts.path, **asked)) or self._plan.files.get(
            _by_week(parts.path, asked)
        )

    def _absolute(self, address: str) -> str:
        found = self._file(address)
        return f"{self._public}/{'' if found == 'index.html' else found or ''}"

    def _robots(self) -> bytes:
        where = f"Sitemap: {self._public}/sitemap.xml\n" if self._public else ""
        return f"User-agent: *\nAllow: /\n{where}".encode()

    def _sitemap(self) -> bytes:
        pages = sorted(
            name for name in self._hashes if name.endswith(".html") and name not in self._plan.moved
        )
        rows = "".join(f"<url><loc>{escape(f'{self._public}/{name}')}</loc></url>\n" for name in pages)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{rows}</urlset>\n'
        ).encode()

    def _data(self) -> None:
        """The data package, as `export` writes it."""
        import tempfile

        with tempfile.TemporaryDirectory() as place, snapshot(self._installation.engine) as connection:
            for path in export(connection, self._installation.lists, Path(place)):
                self._put(f"data/{path.name}", path.read_bytes())

    def _put(self, name: str, body: bytes) -> None:
        digest = hashlib.sha256(body).hexdigest()
        self._hashes[name] = digest
        self._done.bytes += len(body)
        path = self._folder / name
        if self._before.get(name) == digest and path.is_file():
            self._done.unchanged += 1
            return
        self._done.written.append(name)
        if not self._check:
            _write(path, body)

    def _finish(self) -> None:
        """What is no longer part of the site goes, and the index tells what is."""
        self._done.removed = sorted(self._before.keys() - self._hashes.keys())
        if self._check:
            return
        _write(
            self._folder / INDEX,
            _json({"as_of": iso(self._installation.now()), "files": dict(sorted(self._hashes.items()))}),
        )
        for name in self._done.removed:
            (self._folder / name).unlink(missing_ok=True)


async def _get(app: Any, address: str) -> tuple[int, str, bytes]:
    """One answer of the application, without a network."""
    parts = urlsplit(address)
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": parts.path, "raw_path": parts.path.encode(), "query_string": parts.query.encode(),
        "root_path": "", "headers": [(b"host", b"site.invalid")], "server": ("site.invalid", 80),
        "client": ("127.0.0.1", 1),
    }  # fmt: skip
    status, kind, body = 500, "", []

    asked = iter(({"type": "http.request", "body": b"", "more_body": False},))

    async def receive() -> Message:
        for message in asked:
            return message
        await asyncio.Event().wait()  # nobody hangs up
        raise AssertionError

    async def send(message: Message) -> None:
        nonlocal status, kind
        if message["type"] == "http.response.start":
            status = message["status"]
            kind = dict(message["headers"]).get(b"content-type", b"").decode()
        else:
            body.append(message.get("body", b""))

    receiving: Receive = receive
    sending: Send = send
    await app(scope, receiving, sending)
    return status, kind, b"".join(body)


def _asked(path: str, **asked: str) -> str:
    return f"{path}?{urlencode(sorted(asked.items()))}" if asked else path


def _by_week(path: str, asked: Mapping[str, str]) -> str:
    """A report's address names a week, or the days of one."""
    try:
        since, until = date.fromisoformat(asked["since"]), date.fromisoformat(asked["until"])
    except (KeyError, ValueError):
        return path if not asked else ""
    if since.weekday() or until - since != timedelta(days=7) or not path.startswith("/report"):
        return ""
    return _asked(path, list=asked.get("list", ""), week=f"{since:%G-W%V}")


def _monday(moment: datetime, zone: ZoneInfo) -> date:
    day = moment.astimezone(zone).date()
    return day - timedelta(days=day.weekday())


def _lines(installation: Installation, changes: Sequence[StoredChange]) -> bytes:
    lines = (
        json.dumps(change_json(one, installation.lists.get(one.list)), ensure_ascii=False) for one in changes
    )
    return "".join(f"{line}\n" for line in lines).encode()


def _json(told: Any) -> bytes:
    return (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name)[-80:]


def _fragment(address: str) -> str:
    return f"#{address.partition('#')[2]}" if "#" in address else ""


def _moved(target: str) -> bytes:
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Moved</title>'
        f'<meta http-equiv="refresh" content="0; url={target}"><link rel="canonical" href="{target}"></head>'
        f'<body><p>This agency is now at <a href="{target}">its other address</a>.</p></body></html>\n'
    ).encode()


def _dataset(installation: Installation, public: str) -> str:
    """schema.org's Dataset; "<" is escaped, so that no text can end the script."""
    told = {
        "@context": "https://schema.org",
        "@type": "Dataset",
        "name": "; ".join(item.wording.title for item in installation.lists.values()),
        "description": "Who newly signed, left or was corrected on published agreement lists, with evidence.",
        "url": f"{public}/",
        "isAccessibleForFree": True,
        "creator": {"@type": "Organization", "name": "Countersign"},
        "distribution": [
            {"@type": "DataDownload", "encodingFormat": kind, "contentUrl": f"{public}/data/{name}"}
            for name, kind in (
                ("changes.csv", "text/csv"), ("agreements.csv", "text/csv"), ("agencies.csv", "text/csv"),
                ("datapackage.json", "application/json"),
            )
        ],
    }  # fmt: skip
    return json.dumps(told, ensure_ascii=False).replace("<", "\\u003c")


def _index(folder: Path) -> dict[str, str]:
    try:
        files: dict[str, str] = json.loads((folder / INDEX).read_text(encoding="utf-8"))["files"]
        return files
    except (OSError, ValueError, KeyError):
        return {}


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(body)
    partial.replace(path)
