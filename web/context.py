"""What every page is made from: the installation, the templates, the keys, the look that is going on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from fastapi import Request, Response
from jinja2 import Environment

from pipelines.history.agreements import last_written, live_version, record_version
from pipelines.installation import Installation
from web.keys import COOKIE, Keys, Person

if TYPE_CHECKING:
    from web.runs import Crawls

KEPT = "kept"  # in a request's state: until when its answer is the same for everybody


@dataclass(frozen=True, slots=True)
class Versions:
    """Equal ones mean that equal questions have equal answers. `record` is None while lists are being taken in."""

    record: Hashable
    live: Hashable


@dataclass(slots=True)
class Context:
    installation: Installation
    templates: Environment
    keys: Keys
    crawls: Crawls
    site: bool = False
    opened: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def rows(self, usual: int) -> int:
        """How many rows a page shows; files have no next page to ask for."""
        return 100_000 if self.site else usual

    @property
    def pending_of(self) -> Mapping[str, str]:
        """Each list and the one where its agreements are applied for first."""
        return {
            name: item.pending_list for name, item in self.installation.lists.items() if item.pending_list
        }

    def last_modified(self) -> datetime | None:
        """When an answer made from the record alone could last have changed; None while it is changing."""
        with self.installation.engine.connect() as connection:
            written = last_written(connection)
        return max(written, self.opened) if written else None

    def versions(self) -> Versions:
        """Of what is shown: the record and the day, and besides how the lists are doing, to the minute."""
        now = self.installation.now()
        with self.installation.engine.connect() as connection:
            record, live = record_version(connection), live_version(connection)
        return Versions(record and (record, now.date()), (live, int(now.timestamp()) // 60))


@dataclass(frozen=True, slots=True)
class Visit:
    """When this browser read the log: before this visit, and last. A visit ends after half an hour of silence."""

    before: datetime | None
    last: datetime
    now: datetime

    PATH: ClassVar = "/changes"
    COOKIE: ClassVar = "countersign_visits"
    ENDS: ClassVar = timedelta(minutes=30)

    @classmethod
    def of(cls, request: Request) -> Visit:
        now = context_of(request).installation.now()
        try:
            before, last = (
                datetime.fromtimestamp(int(part), UTC) if part != "-" else None
                for part in request.cookies.get(cls.COOKIE, "").split(".")
            )
        except (ValueError, OverflowError, OSError):
            before, last = None, None
        if last is None or last > now:
            return cls(None, now, now)
        return cls(last if now - last > cls.ENDS else before, last, now)

    def cookie(self, request: Request) -> str:
        """As a Set-Cookie header, for a year."""
        before = int(self.before.timestamp()) if self.before else "-"
        carrier = Response()
        carrier.set_cookie(
            self.COOKIE, f"{before}.{int(self.now.timestamp())}", max_age=400 * 86_400, httponly=True,
            samesite="strict", secure=request.url.scheme == "https",
        )  # fmt: skip
        return carrier.headers["set-cookie"]


def context_of(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


def keep(request: Request, until: str = "record") -> None:
    """The answer is the same for everybody until the record changes, or ("live") how the lists are doing."""
    setattr(request.state, KEPT, until)


def person_of(request: Request) -> Person | None:
    """Who is signed in by cookie."""
    return context_of(request).keys.person(request.cookies.get(COOKIE))
