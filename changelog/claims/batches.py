"""Every sensible way of counting a batch: what is counted, and over which stretch of time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from changelog.claims.counts import Series
from changelog.wording import long_day
from pipelines.history.figures import Addition, additions
from scraper.lists import PublishedList

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
LOOK_BACK = {"day": 3, "week": 7, "month": 31}


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time: `start` on, before `end`."""

    name: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Way:
    """What is counted in a window."""

    counted: str
    unit: str
    count: Callable[[Window], int]
    pending: str = ""


def read_ways(
    connection: Connection,
    declaration: PublishedList,
    pending: PublishedList | None,
    series: Sequence[Series],
) -> list[Way]:
    """The ways of counting what was added, and how far the totals grew."""
    own = additions(connection, declaration.name)
    newly = [a for a in own if a.newly_signed]
    wording = declaration.wording
    ways = [
        Way(f"{wording.nouns} added", "agreements", _counter(own)),
        Way(f"{wording.nouns} newly {wording.added}", "agreements", _counter(newly)),
        Way(f"agencies with {wording.nouns} added", "agencies", _distinct(own)),
        Way("agencies new to the list", "agencies", _distinct([a for a in own if a.new_agency])),
    ]
    if pending is not None:
        waiting = additions(connection, pending.name)
        others = pending.wording.nouns
        both = sorted([*own, *waiting], key=lambda a: a.published_at)
        ways += [
            Way(f"{others} added", "agreements", _counter(waiting), "only"),
            Way(f"{wording.nouns} and {others} added together", "agreements", _counter(both), "with"),
        ]
    ways += [
        Way(f"net growth of {one.counted}", one.unit, _net(one), one.pending)
        for one in series
        if one.unit in ("agreements", "agencies") and one.model is None and one.pending != "only"
    ]
    return ways


def _counter(found: Sequence[Addition]) -> Callable[[Window], int]:
    moments = [a.published_at for a in found]
    return lambda window: bisect_left(moments, window.end) - bisect_left(moments, window.start)


def _distinct(found: Sequence[Addition]) -> Callable[[Window], int]:
    moments = [a.published_at for a in found]

    def count(window: Window) -> int:
        part = found[bisect_left(moments, window.start) : bisect_left(moments, window.end)]
        return len({a.agency_id for a in part})

    return count


def _net(series: Series) -> Callable[[Window], int]:
    def count(window: Window) -> int:
        before, after = series.at(window.start), series.at(window.end)
        return after.value - before.value if before and after else 0

    return count


def windows(
    period: str | None, as_of: date, zone: ZoneInfo, published: Sequence[datetime], since: date | None
) -> Iterator[Window]:
    """The stretches that a period may mean to someone who speaks on the day `as_of`, likeliest first."""
    if period == "since" and since is not None:
        yield Window(
            f"from {long_day(since)} to {long_day(as_of)}", _start(since, zone), _start(as_of + DAY, zone)
        )
        return
    if period == "month":
        first = as_of.replace(day=1)
        yield _month(first, zone)
        yield _month((first - DAY).replace(day=1), zone)
        yield _days(30, as_of, zone)
        return
    if period == "day":
        yield from (_days(1, as_of - n * DAY, zone) for n in range(2))
    else:
        monday = as_of - as_of.weekday() * DAY
        yield _week(monday, zone)
        yield _week(monday - WEEK, zone)
        yield from (_days(7, as_of - n * DAY, zone) for n in range(8))
    yield from _publications(as_of, LOOK_BACK[period or "week"], zone, published)


def every_window(period: str | None, first: date, last: date, zone: ZoneInfo) -> Iterator[Window]:
    """All calendar weeks (months, when the sentence speaks of one) from the first list to the last."""
    if period == "month":
        month = first.replace(day=1)
        while month <= last:
            yield _month(month, zone)
            month = (month + 32 * DAY).replace(day=1)
        return
    monday = first - first.weekday() * DAY
    while monday <= last:
        yield _week(monday, zone)
        monday += WEEK


def _publications(as_of: date, back: int, zone: ZoneInfo, published: Sequence[datetime]) -> Iterator[Window]:
    start, end = _start(as_of - back * DAY, zone), _start(as_of + DAY, zone)
    for moment in reversed(published):
        if start <= moment < end:
            day = moment.astimezone(zone)
            yield Window(
                f"by the list of {long_day(day)}, {day:%H:%M}", moment, moment + timedelta(seconds=1)
            )


def _week(monday: date, zone: ZoneInfo) -> Window:
    year, week, _ = monday.isocalendar()
    name = f"in the week of {long_day(monday)} ({year}-W{week:02d})"
    return Window(name, _start(monday, zone), _start(monday + WEEK, zone))


def _month(first: date, zone: ZoneInfo) -> Window:
    following = (first + 32 * DAY).replace(day=1)
    return Window(f"in {first:%B %Y}", _start(first, zone), _start(following, zone))


def _days(count: int, last: date, zone: ZoneInfo) -> Window:
    name = f"on {long_day(last)}" if count == 1 else f"in the {count} days to {long_day(last)}"
    return Window(name, _start(last - (count - 1) * DAY, zone), _start(last + DAY, zone))


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
