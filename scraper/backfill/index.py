"""The archive's index (its CDX API): which captures of an address there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import urlencode

from scraper.errors import UnreadableError

FIELDS = ("timestamp", "original", "statuscode", "mimetype", "digest")
AT_ONCE = 5_000
_STAMP = re.compile(r"\d{14}")
_HOPEFUL = re.compile(r"2\d\d|3\d\d|-")  # "-" is a capture that is the same as an earlier one


@dataclass(frozen=True, slots=True, order=True)
class Indexed:
    """One capture as the index has it. `digest` is that of its body: equal ones need be fetched once."""

    timestamp: str
    original: str
    status: str = "200"
    digest: str = ""

    @property
    def captured_at(self) -> datetime:
        return moment(self.timestamp)


def moment(timestamp: str) -> datetime:
    """UTC, of the Wayback Machine's timestamp (20250512174040)."""
    return datetime.strptime(timestamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def question(base: str, url: str, since: date, until: date, after: str = "") -> str:
    """The address to ask; `after` is the key with which the archive ended its last answer."""
    asked = {
        "url": url,
        "output": "json",
        "fl": ",".join(FIELDS),
        "from": f"{since:%Y%m%d}",
        "to": f"{until:%Y%m%d}",
        "limit": str(AT_ONCE),
        "showResumeKey": "true",
    }
    return f"{base}/cdx/search/cdx?{urlencode(asked | ({'resumeKey': after} if after else {}))}"


def answer(body: bytes) -> tuple[list[Indexed], str]:
    """The captures of one answer, and the key to go on with ("" when that was all)."""
    if not body.strip():
        return [], ""
    try:
        rows = json.loads(body)
        resume = rows[-1][0] if len(rows) > 1 and len(rows[-1]) == 1 else ""
        named = [dict(zip(rows[0], row, strict=False)) for row in rows[1:] if len(row) == len(rows[0])]
    except (ValueError, TypeError, IndexError, KeyError) as error:
        raise UnreadableError("The archive's index cannot be read. Try again later.") from error
    return [
        Indexed(
            row["timestamp"], row["original"], str(row.get("statuscode", "-")), str(row.get("digest", ""))
        )
        for row in named
        if _STAMP.fullmatch(str(row.get("timestamp"))) and row.get("original")
    ], str(resume)


def worth_asking(found: Iterable[Indexed]) -> Iterator[Indexed]:
    """In order of time and once each; of a run of the same body the first."""
    last = ""
    for one in sorted(set(found)):
        if not _HOPEFUL.fullmatch(one.status) or (one.digest and one.digest == last):
            continue
        last = one.digest
        yield one
