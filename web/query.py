"""What an address asks for: filters, cursors, dates. Nonsense is answered with a sentence, never a crash."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import QueryParams

from changelog.wording import end_of, moment
from pipelines.history.changes import ChangeFilter, Cursor
from pipelines.history.paged import Mark
from pipelines.house import House
from pipelines.values import KINDS
from scraper.errors import UsageError

REVIEWED = {"no": False, "yes": True}
GROUPS = ("publication", "week")
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """The change log as its address asks for it. `older` and `newer` are cursors, at most one is set."""

    wanted: ChangeFilter
    group: str
    older: Cursor | None
    newer: Cursor | None
    from_the_end: bool
    fresh_since: datetime | None


def log_question(house: House, asked: QueryParams) -> LogQuestion:
    """What an address asks of the log. Raises UsageError for what the log does not know."""
    names = _several(asked, "list")
    house.chosen(names)
    zone = house.lists[names[0]].time_zone if len(names) == 1 else "UTC"
    kinds = _several(asked, "kind")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise UsageError(f"There is no kind {unknown[0][:40]!r}. Kinds are: {', '.join(KINDS)}.")
    group = asked.get("group") or "publication"
    if group not in GROUPS:
        raise UsageError(f"Changes are grouped by {' or '.join(GROUPS)}.")
    fresh = moment(asked["fresh"]) if asked.get("fresh") else None
    wanted = ChangeFilter(
        lists=names,
        since=moment(asked["since"], zone) if asked.get("since") else None,
        until=_end(asked, zone),
        kinds=kinds,
        states=[state.upper() for state in _several(asked, "state")],
        support_types=_several(asked, "model"),
        agency=asked.get("q", "")[:LONGEST_TEXT].strip() or None,
        agency_id=asked.get("agency") or None,
        sha256=asked.get("sha256") or None,
        reviewed=REVIEWED.get(asked.get("reviewed", "")),
        recorded_since=fresh,
    )
    return LogQuestion(
        wanted,
        group,
        _cursor(asked.get("older")),
        _cursor(asked.get("newer")),
        asked.get("from") == "end",
        fresh,
    )


def _end(asked: QueryParams, zone: str) -> datetime | None:
    """`through` is a day that is seen whole; `until` ends before its day begins, as on the command line."""
    if asked.get("through"):
        return end_of(asked["through"], zone)
    return moment(asked["until"], zone) if asked.get("until") else None


def _several(asked: QueryParams, name: str) -> Sequence[str]:
    return [part.strip() for text in asked.getlist(name) for part in text.split(",") if part.strip()]


def coded(mark: Sequence[Any] | None) -> str | None:
    """A place in a long answer, fit for an address."""
    if mark is None:
        return None
    return base64.urlsafe_b64encode(json.dumps(list(mark)).encode()).decode().rstrip("=")


def _decoded(text: str, kinds: tuple[type, ...]) -> tuple[Any, ...]:
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    fits = isinstance(found, list) and [type(part) for part in found] == list(kinds)
    if not fits or any(isinstance(part, int) and abs(part) >= 2**63 for part in found):
        raise UsageError("This is not the address of a page. Begin again with the first one.")
    return tuple(found)


def _cursor(text: str | None) -> Cursor | None:
    return _decoded(text, (str, str, int)) if text else None


def cursor(text: str | None) -> Cursor | None:
    """Of a page's `before` or `after`; None without one. Raises UsageError for what is none."""
    return _cursor(text)


def mark(text: str | None) -> Mark | None:
    return _decoded(text, (str, str, str, int)) if text else None


def since_recorded(wanted: ChangeFilter, earliest: datetime | None) -> ChangeFilter:
    """What was recorded lately was published no earlier than `earliest`: so much less to look through."""
    if earliest is None:
        return wanted
    return replace(wanted, since=max(earliest, wanted.since or datetime.min.replace(tzinfo=UTC)))
