"""Every sensible way of counting a list over time: what stood, from which publication on, until which."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from changelog.wording import MODELS, iso, model_name
from pipelines.history.figures import Totals, agencies_together, totals_between
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
