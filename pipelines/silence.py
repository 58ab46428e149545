"""Was nothing new published for longer than can be expected of a list?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

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
