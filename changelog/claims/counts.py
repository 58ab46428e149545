"""Counts by which a claim can be right: of a list on a day, of a week, of a batch."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from changelog.wording import MODELS, iso, long_day, model_name
from pipelines.history.figures import (
    Addition,
    Totals,
    additions,
    agencies_together,
    totals_between,
)
from scraper.lists import PublishedList


@dataclass(frozen=True, slots=True)
class Step:
    """A value from a publication on. `said` shows how it was added up, `totals` whose it is."""

    at: datetime
    value: int
    said: str
    totals: tuple[Totals, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One way of counting. `unit`, `pending` and `model` are matched with what a sentence says it counts."""

    counted: str
    unit: str
    steps: Sequence[Step]
    pending: str = ""
    model: str | None = None
    moments: Sequence[datetime] = field(default_factory=tuple)

    def at(self, before: datetime) -> Step | None:
        """What stood just before a moment."""
        index = bisect_left(self.moments, before)
        return self.steps[index - 1] if index else None


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of publications through which something held; `until` is when it held no longer."""

    series: Series
    first: Step
    last: Step
    until: datetime | None

    def covers(self, since: datetime, before: datetime) -> bool:
        """Whether it held at any moment from `since` on and before `before`."""
        return self.first.at < before and (self.until is None or self.until > since)


def read_series(
    connection: Connection, declaration: PublishedList, pending: PublishedList | None
) -> list[Series]:
    """The ways of counting a list, alone and with the list of those who applied."""
    own = totals_between(connection, declaration.name)
    nouns = f"{declaration.wording.added} {declaration.wording.nouns}"
    found = [
        _alone(nouns, "agreements", own, lambda t: t.agreements),
        _alone("agencies", "agencies", own, lambda t: t.agencies),
        _alone("states and territories", "states", own, lambda t: t.states),
    ]
    for model in MODELS:
        counted = f"{model_name(model)} {declaration.wording.nouns}"
        found.append(_alone(counted, "agreements", own, _of_model(model), "", model))
    waiting = totals_between(connection, pending.name) if pending else []
    if pending is not None and waiting:
        others = pending.wording.nouns
        found += [
            _alone(others, "agreements", waiting, lambda t: t.agreements, "only"),
            _alone(f"agencies with {others}", "agencies", waiting, lambda t: t.agencies, "only"),
            _added_up(f"{nouns} and {others} together", "agreements", own, waiting, lambda t: t.agreements),
            _either(connection, (declaration.name, pending.name), others, own, waiting),
        ]
    return [series for series in found if series.steps]


def _of_model(model: str) -> Callable[[Totals], int]:
    return lambda totals: totals.by_support_type.get(model, 0)


def _alone(
    counted: str,
    unit: str,
    totals: Sequence[Totals],
    value: Callable[[Totals], int],
    pending: str = "",
    model: str | None = None,
) -> Series:
    steps = _turns([Step(t.published_at, value(t), f"{value(t):,}", (t,)) for t in totals])
    return _series(counted, unit, steps, pending, model)


def _added_up(
    counted: str,
    unit: str,
    own: Sequence[Totals],
    waiting: Sequence[Totals],
    value: Callable[[Totals], int],
) -> Series:
    """Both lists as they stood side by side, from the first publication of the later one on."""
    steps: list[Step] = []
    for one, other in _side_by_side(own, waiting):
        a, b = value(one), value(other)
        at = max(one.published_at, other.published_at)
        steps.append(Step(at, a + b, f"{a:,} + {b:,} = {a + b:,}", (one, other)))
    return _series(counted, unit, _turns(steps), "with")


def _either(
    connection: Connection,
    lists: tuple[str, str],
    others: str,
    own: Sequence[Totals],
    waiting: Sequence[Totals],
) -> Series:
    """Agencies that stand on either list, each counted once."""
    counts = agencies_together(connection, lists)
    places = [place for place, _ in counts]
    steps = []
    for one, other in _side_by_side(own, waiting):
        place = max(one.place, other.place)
        index = bisect_left(places, f"{place}~")
        if index:
            value = counts[index - 1][1]
            at = max(one.published_at, other.published_at)
            steps.append(Step(at, value, f"{value:,}", (one, other)))
    return _series(f"agencies that signed or have {others}", "agencies", _turns(steps), "with")


def _side_by_side(own: Sequence[Totals], waiting: Sequence[Totals]) -> list[tuple[Totals, Totals]]:
    pairs = []
    current: dict[str, Totals] = {}
    for totals in sorted([*own, *waiting], key=lambda t: (t.place, t.list)):
        current[totals.list] = totals
        if len(current) > 1:
            pairs.append((current[own[0].list], current[waiting[0].list]))
    return pairs


def _series(
    counted: str, unit: str, steps: Sequence[Step], pending: str = "", model: str | None = None
) -> Series:
    return Series(counted, unit, steps, pending, model, [step.at for step in steps])


def _turns(steps: Sequence[Step]) -> list[Step]:
    """Only the steps at which the value turns."""
    return [step for n, step in enumerate(steps) if n == 0 or steps[n - 1].value != step.value]


def runs(series: Series, test: Callable[[int], bool]) -> list[Run]:
    """The stretches in which a way of counting passes a test, oldest first."""
    found: list[Run] = []
    first: Step | None = None
    for n, step in enumerate(series.steps):
        if test(step.value):
            first = first or step
        elif first is not None:
            found.append(Run(series, first, series.steps[n - 1], step.at))
            first = None
    if first is not None:
        found.append(Run(series, first, series.steps[-1], None))
    return found


def evidence(step: Step) -> list[dict[str, Any]]:
    """The publications behind a value."""
    return [
        {
            "list": totals.list,
            "published_at": iso(totals.published_at),
            "published_name": totals.published_name,
            "sha256": totals.sha256,
        }
        for totals in step.totals
    ]


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


Fit = Literal["rounded", "cut off", ""]


def growth(base: int, total: int) -> Fraction | None:
    """By how many per cent `total` is above `base`, exactly; None from nothing."""
    return Fraction((total - base) * 100, base) if base else None


def unit_of(percent: float) -> Fraction:
    """The last digit that a stated percentage shows: 1 for 609, a tenth for 609.6."""
    decimals = -int(Decimal(str(percent)).normalize().as_tuple().exponent)
    return Fraction(1, 10 ** max(decimals, 0))


def fit(percent: float, exact: Fraction) -> Fit:
    """How the stated percentage follows from the exact one: rounded, cut off, or not at all."""
    unit = unit_of(percent)
    stated = Fraction(str(percent))
    if math.floor(exact / unit + Fraction(1, 2)) * unit == stated:
        return "rounded"
    if math.floor(exact / unit) * unit == stated:
        return "cut off"
    return ""


def totals_that_round(percent: float, base: int) -> tuple[int, int] | None:
    """The lowest and the highest total whose growth from `base` rounds to the stated percentage."""
    unit = unit_of(percent)
    stated = Fraction(str(percent))
    lowest = math.ceil(base * (1 + (stated - unit / 2) / 100))
    highest = math.ceil(base * (1 + (stated + unit / 2) / 100)) - 1
    return (lowest, highest) if lowest <= highest else None


def said(exact: Fraction) -> str:
    """A percentage with two decimals and its sign."""
    value = Decimal(exact.numerator) / Decimal(exact.denominator)
    return f"{value.quantize(Decimal('0.01'), ROUND_HALF_UP):+,f} %"
