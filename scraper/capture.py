"""What one look at one list brought home, and how we know."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Literal

LIVE = "crawl"  # what `by` says of a look at the live page
Found = Literal["fetched", "not modified", "absent"]

# Of a response's headers, those that say what was served and when.
KEPT_HEADERS = (
    "age",
    "content-disposition",
    "content-length",
    "content-type",
    "date",
    "etag",
    "last-modified",
)


@dataclass(frozen=True, slots=True)
class Validators:
    """What the server itself said of the copy we hold, to be echoed in the next conditional request.

    They belong to `url` alone: another address is another document.
    """

    url: str
    last_modified: str | None = None
    etag: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """One list, seen once. Times are aware; `sha256` is None when the list is absent.

    A "not modified" capture carries the hash of the copy that was confirmed. `headers` has lower-case names
    (KEPT_HEADERS). `page` is what the landing page said of itself. `by` says who saw it: "crawl", "replay",
    "backfill", or a third party of the past such as "archive". `requests` and `received` are what the look
    cost, the shared page included (bytes on the wire's body, before unpacking).
    """

    list: str
    url: str
    captured_at: datetime
    outcome: Found
    sha256: str | None = None
    bytes: int = 0
    published_name: str = ""
    final_url: str = ""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    requested_at: datetime | None = None
    page: Mapping[str, Any] = field(default_factory=dict)
    by: str = LIVE
    requests: int = 0
    received: int = 0

    @property
    def validators(self) -> Validators:
        return Validators(
            url=self.url,
            last_modified=self.headers.get("last-modified"),
            etag=self.headers.get("etag"),
            sha256=self.sha256,
        )

    def as_json(self) -> dict[str, Any]:
        """The fields of a journal entry, whose own time is when it was recorded: perhaps years later."""
        told = {name: getattr(self, name) for name in _NAMES}
        for name in _TIMES:
            if told[name]:
                told[name] = told[name].astimezone(UTC).isoformat()
        return {name: value for name, value in told.items() if value not in (None, "", {}, 0)}

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> Capture:
        """The capture that a journal entry of the kind "capture" tells of."""
        told = {"url": "", **{name: entry[name] for name in _NAMES if name in entry}}
        for name in _TIMES:
            if name in told:
                told[name] = datetime.fromisoformat(told[name])
        return cls(**told)


_NAMES = tuple(item.name for item in fields(Capture))
_TIMES = ("captured_at", "requested_at")


FIRST = "part-0001"
# Where the name of the first member stands in a zip archive, behind its local header.
_NAME_AT = 30
_SOME_DAY = (1980, 1, 1, 0, 0, 0)


def bundle(bodies: Sequence[bytes]) -> bytes:
    """One ZIP of several answers in their order; the same answers give the same bytes."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for number, body in enumerate(bodies, 1):
            archive.writestr(zipfile.ZipInfo(f"part-{number:04d}", _SOME_DAY), body)
    return packed.getvalue()


def is_bundle(head: bytes) -> bool:
    """Do a file's first bytes say that it is a list in parts?"""
    return head.startswith(b"PK\x03\x04") and head[_NAME_AT : _NAME_AT + len(FIRST)] == FIRST.encode()
