"""Was nothing new published for longer than can be expected of a list?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from scraper.cadence import is_overdue
from scraper.lists import PublishedList

# A pause is unlikely when it is half again as long as the longest of the last pauses. To be merely longer than
# 20 others has a chance of 1 in 21; the half on top keeps a slow drift from being news.
PAUSES = 100
FEWEST_PAUSES = 20
UNLIKELY = 1.5


def silence(published: Sequence[datetime], now: datetime) -> str:
    """The sentence that says so, or "". `published` are the times of the last lists that differ, in order."""
    pauses = [later - earlier for earlier, later in pairwise(published[-PAUSES - 1 :])]
    if len(pauses) < FEWEST_PAUSES:
        return ""
    longest, silent = max(pauses), now - published[-1]
    if silent <= longest * UNLIKELY:
        return ""
    return (
        f"Nothing new was published for {duration(silent)}; the longest of the last {len(pauses)} "
        f"pauses was {duration(longest)}."
    )


def duration(span: timedelta) -> str:
    """The two largest units that matter: "3 days 4 hours", "25 minutes"."""
    minutes = max(0, round(span.total_seconds() / 60))
    parts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    said = [f"{count} {unit}{'s' if count != 1 else ''}" for count, unit in parts if count]
    return " ".join(said[:2]) or "less than a minute"


KINDS = ("failing", "absent", "held", "overdue", "silent")
REMINDERS = (
    timedelta(hours=6),
    timedelta(hours=24),
    timedelta(days=3),
    timedelta(days=7),
    timedelta(days=14),
    timedelta(days=28),
)
REOPENS_WITHIN = timedelta(hours=6)  # trouble that comes back so soon is the same trouble


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a list. `outcome` is None when nobody looked; `held` are reasons of held lists, `broken` what
    bugs said that were in the way of others. `published` are the publication times of its last accepted lists that
    differ, in order.
    """

    outcome: str | None
    reason: str
    held: Sequence[str]
    last_success: datetime | None
    published: Sequence[datetime]
    broken: Sequence[str] = ()


def troubles(
    declaration: PublishedList, facts: Facts, standing: Mapping[str, str], now: datetime
) -> dict[str, str]:
    """Kind and sentence of everything that is wrong; `standing` are the incidents that were open until now.

    One cause is one incident: a list that fails is not called overdue, and one that is not there not silent.
    """
    found: dict[str, str] = {}
    if facts.outcome == "failed":
        found["failing"] = facts.reason
    elif facts.broken:
        found["failing"] = "; ".join(facts.broken)
    elif facts.outcome is None and "failing" in standing:
        found["failing"] = standing["failing"]
    if facts.outcome == "absent":
        found["absent"] = facts.reason
    elif facts.outcome in (None, "failed") and "absent" in standing:
        found["absent"] = standing["absent"]
    if facts.held:
        found["held"] = "; ".join(facts.held)
    seen = facts.last_success
    if seen and "failing" not in found and is_overdue(declaration.cadence, seen, now):
        found["overdue"] = (
            f"It was last seen on {seen:%-d %B %Y at %H:%M} UTC, longer ago than its cadence promises."
        )
    if not found and (silent := silence(facts.published, now)):
        found["silent"] = silent
    return found


def notice_due(
    told: str | None, noticed_at: datetime | None, notices: int, closed: bool, now: datetime
) -> str | None:
    """Which notice is owed for an incident: "opened", "reminder", "closed", or none.

    `told` is what the last notice said. One that closes and opens again is mentioned no sooner than its next
    reminder would have been, however often it does so.
    """
    if closed:
        return "closed" if told == "open" else None
    if told is None or noticed_at is None:
        return "opened"
    if now - noticed_at < REMINDERS[min(max(notices, 1), len(REMINDERS)) - 1]:
        return None
    return "reminder" if told == "open" else "opened"
