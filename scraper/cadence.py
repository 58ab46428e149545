"""When a list is due. Pure: the moments come from a cadence alone, so they need not be stored anywhere.

A cadence is made of cron expressions in a time zone, or of intervals ("every 45 minutes"). Where clocks
change, Vixie cron's rule holds: an expression that names its hours is due once, moved behind the hour that is
left out; one whose hour field begins with a star follows real time: it skips that hour or repeats the doubled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from scraper.errors import ListError
from scraper.lists import Cadence

MISFIRE = timedelta(minutes=5)  # a look that begins later than this is not late, it was missed
OVERDUE = timedelta(minutes=90)  # one failed hour is no cause for alarm, a second one in a row is
_FARTHEST = timedelta(days=366 * 8 + 2)  # 29 February comes back within eight years
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_EVERY = re.compile(r"every\s+(\d+)\s*(m|h|d)[a-z]*", re.IGNORECASE)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Cron:
    """Five fields, spelled out. Days of the week count from Sunday, as in cron."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool  # both day fields are given: cron is due when one of them matches
    real_time: bool  # the hour field begins with a star

    def falls_on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_date, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_date or by_weekday if self.either_day else by_date and by_weekday


def next_due(cadence: Cadence, after: datetime) -> datetime | None:
    """The first due moment later than `after`; None when there never is one."""
    moments = (_first(_moments(rule, cadence.time_zone, after, 1), after, 1) for rule in cadence.crons)
    return min((moment for moment in moments if moment), default=None)


def last_due(cadence: Cadence, at: datetime) -> datetime | None:
    """The last due moment that is not later than `at`."""
    later = at + timedelta(microseconds=1)
    moments = (_first(_moments(rule, cadence.time_zone, later, -1), later, -1) for rule in cadence.crons)
    return max((moment for moment in moments if moment), default=None)


def is_due(
    cadence: Cadence, last_look: datetime | None, now: datetime, grace: timedelta = timedelta()
) -> bool:
    """Has a due moment passed, `grace` ago or more, without a look? A look in the future never was."""
    if last_look is None or last_look > now + MISFIRE:
        return True
    due = last_due(cadence, now - grace)
    return due is not None and due > last_look


def is_overdue(cadence: Cadence, last_success: datetime | None, now: datetime) -> bool:
    """Is what we know older than the cadence promises? A list never seen is overdue from the start."""
    return is_due(cadence, last_success, now, OVERDUE + timedelta(seconds=cadence.jitter_seconds))


@lru_cache(maxsize=256)
def parse(expression: str) -> Cron | timedelta:
    """Raises ValueError, with advice, for what is neither five fields, nor a name like @daily, nor "every N hours"."""
    text = expression.strip().lower()
    every = _EVERY.fullmatch(text)
    fields = _SHORT.get(text, text).split()
    try:
        if every:
            return _interval(int(every[1]), _UNITS[every[2]])
        if len(fields) != 5:
            raise ValueError("it has not five fields")
        weekdays = _numbers(fields[4], 0, 7, _DAYS)
        return Cron(
            _numbers(fields[0], 0, 59),
            _numbers(fields[1], 0, 23),
            _numbers(fields[2], 1, 31),
            _numbers(fields[3], 1, 12, _MONTHS, first=1),
            frozenset(number % 7 for number in weekdays),
            either_day=not fields[2].startswith("*") and not fields[4].startswith("*"),
            real_time=fields[1].startswith("*"),
        )
    except ValueError as wrong:
        raise ValueError(
            f"is no cadence: {wrong}; write minute hour day month weekday ('0 9-17 * * mon-fri') or 'every 6 hours'"
        ) from None


def _interval(number: int, unit: timedelta) -> timedelta:
    if number > _FARTHEST / unit:
        raise ValueError("that is too rarely")
    return max(1, number) * unit


def _numbers(field: str, low: int, high: int, names: tuple[str, ...] = (), first: int = 0) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        if slash and not (step.isdecimal() and int(step)):
            raise ValueError(f"the step in {part!r} must be a number from 1")
        begin, dash, end = span.partition("-")
        if span == "*":
            bounds = (low, high)
        else:
            start = _number(begin, names, first)
            bounds = (start, _number(end, names, first) if dash else high if slash else start)
        if not low <= bounds[0] <= bounds[1] <= high:
            raise ValueError(f"{part!r} must lie between {low} and {high}, and not run backwards")
        found.update(range(bounds[0], bounds[1] + 1, int(step) if slash else 1))
    return frozenset(found)


def _number(text: str, names: tuple[str, ...], first: int) -> int:
    if text in names:
        return names.index(text) + first
    if not text.isdecimal():
        raise ValueError(f"{text!r} is not understood")
    return int(text)


def _moments(rule: str, zone_name: str, start: datetime, direction: int) -> Iterator[datetime]:
    """Due moments from around `start` on (or back), in order; the first may lie on its wrong side."""
    try:
        parsed = parse(rule)
    except ValueError as wrong:
        raise ListError(f"{rule!r} {wrong}.") from None
    if isinstance(parsed, timedelta):
        turn = (start - _EPOCH) // parsed - direction
        while True:
            yield _EPOCH + turn * parsed
            turn += direction
    local = zone(zone_name)
    # A day that ends in a moved moment may reach into the next, so begin one day early.
    day = start.astimezone(local).date() - timedelta(days=direction)
    last = day + direction * _FARTHEST
    while day != last:
        if parsed.falls_on(day):
            yield from _on(parsed, local, day)[::direction]
        day += timedelta(days=direction)


def _first(moments: Iterator[datetime], bound: datetime, direction: int) -> datetime | None:
    right: Callable[[datetime], bool] = (
        (lambda moment: moment > bound) if direction > 0 else (lambda moment: moment < bound)
    )
    return next((moment for moment in moments if right(moment)), None)


@lru_cache(maxsize=1024)
def _on(cron: Cron, zone: ZoneInfo, day: date) -> tuple[datetime, ...]:
    """The due moments of one local day, in UTC."""
    found: set[datetime] = set()
    for hour in cron.hours:
        for minute in cron.minutes:
            local = datetime.combine(day, time(hour, minute), zone)
            once, again = local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)
            left_out = once.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None)
            if not (left_out and cron.real_time):
                found.add(once)
            if cron.real_time and not left_out:
                found.add(again)
    return tuple(sorted(found))


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ListError(f"There is no time zone {name!r}. Write one like America/New_York.") from None
