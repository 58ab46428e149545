"""What time it is, and how the database keeps a time."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


def utc_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@lru_cache(maxsize=1 << 10)  # all rows that are written at once have the same times
def as_text(moment: datetime) -> str:
    """In UTC to the second, so that times sort as texts."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
