"""Dates and moments as people type them, in a list's own time zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from scraper.errors import UsageError


def moment(text: str, time_zone: str = "UTC") -> datetime:
    """The beginning of a date, or an exact time; a time without a zone is in the list's own."""
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return datetime.combine(date.fromisoformat(text), time(), ZoneInfo(time_zone)).astimezone(UTC)
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a date. Write 2025-04-08 or 2025-04-08T16:00:00Z.") from None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=ZoneInfo(time_zone))).astimezone(UTC)


def end_of(text: str, time_zone: str = "UTC") -> datetime:
    """The moment until which something holds "as of" a date (its whole day) or an exact time (that second)."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        day = moment(text, time_zone).astimezone(ZoneInfo(time_zone)).date() + timedelta(days=1)
        return datetime.combine(day, time(), ZoneInfo(time_zone)).astimezone(UTC)
    return moment(text, time_zone) + timedelta(seconds=1)


def week(text: str) -> tuple[date, date]:
    """Monday of an ISO week and the Monday after it."""
    try:
        first = datetime.strptime(f"{text}-1", "%G-W%V-%u").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise UsageError(f"{text!r} is not an ISO week. Write 2025-W20.") from None
    return first, first + timedelta(days=7)
