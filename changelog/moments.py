"""Dates and moments as people type them, in a list's own time zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from scraper.errors import UsageError

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_YEARS = range(1900, 3000)


def moment(text: str, time_zone: str = "UTC") -> datetime:
    """The beginning of a date, or an exact time; a time without a zone is in the list's own."""
    try:
        if _DAY.fullmatch(text):
            parsed = datetime.combine(date.fromisoformat(text), time(), ZoneInfo(time_zone))
        else:
            parsed = datetime.fromisoformat(text)
    except ValueError:
        raise _not_a_date(text) from None
    if parsed.year not in _YEARS:
        raise _not_a_date(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=ZoneInfo(time_zone))).astimezone(UTC)


def _not_a_date(text: str) -> UsageError:
    return UsageError(f"{text[:40]!r} is not a date. Write 2025-04-08 or 2025-04-08T16:00:00Z.")


def end_of(text: str, time_zone: str = "UTC") -> datetime:
    """Until when something holds "as of" a date (its whole day) or an exact time (that second)."""
    if _DAY.fullmatch(text):
        day = moment(text, time_zone).astimezone(ZoneInfo(time_zone)).date() + timedelta(days=1)
        return datetime.combine(day, time(), ZoneInfo(time_zone)).astimezone(UTC)
    return moment(text, time_zone) + timedelta(seconds=1)


def week(text: str) -> tuple[date, date]:
    """Monday of an ISO week and the Monday after it."""
    try:
        first = datetime.strptime(f"{text}-1", "%G-W%V-%u").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise UsageError(f"{text[:40]!r} is not an ISO week. Write 2025-W20.") from None
    return first, first + timedelta(days=7)
