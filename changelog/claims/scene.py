"""What a claim is held against: the lists as they stood on the day it speaks of, counted in every way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from changelog.claims.counts import Run, Series, Step, Way, evidence, read_series, read_ways
from changelog.claims.grammar import Figure
from changelog.reports import beginning
from changelog.wording import iso, long_day
from pipelines.history.figures import Totals, first_totals, totals_before, totals_between
from scraper.errors import UsageError
from scraper.lists import PublishedList

DAY = timedelta(days=1)

NEAR = timedelta(days=14)  # before the day of the claim: what a speaker may still have had in hand
HEADER_ROW = "the difference that a counted header row makes"


@dataclass(frozen=True, slots=True)
class Scene:
    """`end` is the end of the day of the claim, `base_day` the day whose list growth is counted from.

    Only a batch needs the additions one by one, so they are read when it asks.
    """

    declaration: PublishedList
    as_of: date
    end: datetime
    base_day: date
    series: Sequence[Series]
    read_ways: Callable[[], Sequence[Way]]
    published: Sequence[datetime]
    own: Totals | None
    pending: Totals | None
    pending_declaration: PublishedList | None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.declaration.time_zone)

    def day(self, moment: datetime) -> str:
        return long_day(moment.astimezone(self.zone).date())

    def end_of(self, day: date) -> datetime:
        """The first moment after it, in the list's time zone."""
        return beginning(day + DAY, self.declaration.time_zone)

    @property
    def days(self) -> tuple[date, date]:
        """The days of the first and of the last publication."""
        first, last = self.published[0], self.published[-1]
        return first.astimezone(self.zone).date(), last.astimezone(self.zone).date()


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to one figure: where it holds, what comes nearest, a paragraph, and a few words."""

    holds: Sequence[Mapping[str, Any]]
    nearest: Sequence[Mapping[str, Any]]
    text: str
    short: str


def read_scene(
    connection: Connection, lists: Mapping[str, PublishedList], list_name: str | None, as_of: date | None
) -> Scene:
    """Raises UsageError when nothing of the list is recorded."""
    declaration = _list(connection, lists, list_name)
    pending = lists.get(declaration.pending_list or "")
    zone = ZoneInfo(declaration.time_zone)
    newest, first = totals_before(connection, declaration.name), first_totals(connection, declaration.name)
    if newest is None or first is None:
        raise UsageError(f"Nothing of the list {declaration.name} is recorded.")
    day = as_of or newest.published_at.astimezone(zone).date()
    first_day = first.published_at.astimezone(zone).date()
    end = beginning(day + DAY, declaration.time_zone)
    series = read_series(connection, declaration, pending)
    both = [declaration.name, *([pending.name] if pending else [])]
    return Scene(
        declaration,
        day,
        end,
        max(declaration.baseline or first_day, first_day),
        series,
        cache(lambda: read_ways(connection, declaration, pending, series)),
        _published(connection, both, first),
        totals_before(connection, declaration.name, end),
        totals_before(connection, pending.name, end) if pending else None,
        pending,
    )


def _published(connection: Connection, lists: Sequence[str], first: Totals) -> list[datetime]:
    """When a list was published that changed something, of all lists, and the very first one."""
    return sorted(
        totals.published_at
        for name in lists
        for totals in totals_between(connection, name)
        if totals.counts or totals == first
    )


def _list(connection: Connection, lists: Mapping[str, PublishedList], list_name: str | None) -> PublishedList:
    """The list asked for, else the first one that has applications beside it, else the first one recorded."""
    if list_name is not None:
        if list_name not in lists:
            raise UsageError(f"No list is called {list_name}. Declared are: {', '.join(sorted(lists))}.")
        return lists[list_name]
    recorded = [item for item in lists.values() if first_totals(connection, item.name) is not None]
    if not recorded:
        raise UsageError("Nothing is recorded yet.")
    return next((item for item in recorded if item.pending_list), recorded[0])


def standing(scene: Scene) -> str:
    """What the lists of the day say, before anything is held against them."""
    day = long_day(scene.as_of)
    if scene.own is None:
        return f"On {day} no list was recorded yet; the first one is of {scene.day(scene.published[0])}."
    wording = scene.declaration.wording
    said = (
        f"On {day} the list of {wording.title}, published {scene.day(scene.own.published_at)}, had "
        f"{scene.own.agreements:,} {wording.added} {wording.nouns} with {scene.own.agencies:,} agencies "
        f"in {scene.own.states:,} states and territories"
    )
    if scene.pending is not None and scene.pending_declaration is not None:
        nouns = scene.pending_declaration.wording.nouns
        said += (
            f"; the list of {scene.pending_declaration.wording.title}, published "
            f"{scene.day(scene.pending.published_at)}, had {scene.pending.agreements:,} {nouns} with "
            f"{scene.pending.agencies:,} agencies ({scene.own.agreements:,} + {scene.pending.agreements:,} = "
            f"{scene.own.agreements + scene.pending.agreements:,} together)"
        )
    return f"{said}."


def fitting_series(scene: Scene, figure: Figure) -> list[Series]:
    """The ways of counting that a figure may mean, those that its words name first."""
    if figure.unit == "states":
        return [one for one in scene.series if one.unit == "states"]
    if figure.model is not None:
        return [one for one in scene.series if one.model == figure.model]
    plain = [one for one in scene.series if one.model is None and one.unit != "states"]
    if figure.pending == "only":
        return [one for one in plain if one.pending == "only"]
    plain = [one for one in plain if one.pending != "only"]
    return sorted(
        plain,
        key=lambda one: (
            (one.pending == "with") != (figure.pending == "with"),
            figure.unit not in ("either", one.unit),
        ),
    )


def step_json(series: Series, step: Step, value: float | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {"counted": series.counted, "value": step.value, "said": step.said}
    told["publications"] = evidence(step)
    if value is not None:
        told["difference"] = step.value - int(value)
    return told


def run_json(scene: Scene, run: Run) -> dict[str, Any]:
    """A stretch in which a figure holds; `as_of` tells whether the day of the claim lies in it."""
    return {
        "counted": run.series.counted,
        "value": run.first.value,
        "said": run.first.said,
        "last_value": run.last.value,
        "since": iso(run.first.at),
        "until": iso(run.until),
        "as_of": run.covers(scene.end - timedelta(seconds=1), scene.end),
        "publications": evidence(run.first),
    }


def listed(parts: Sequence[str]) -> str:
    """One, two and three."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def counts(items: Sequence[tuple[Series, Step]]) -> str:
    """The ways of counting with what each gives."""
    return listed([f"{one.counted} ({step.said})" for one, step in items])


def first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


CLOSE = 0.05  # "nearly" and "about" reach so far
UPWARD = ("more than", "at least")


def test_of(figure: Figure) -> Callable[[int], bool]:
    """Whether a counted value is what the figure says, by its own words."""
    said = figure.value
    match figure.bound:
        case "more than":
            return lambda value: value > said
        case "at least":
            return lambda value: value >= said
        case "fewer than":
            return lambda value: value < said
        case "at most":
            return lambda value: value <= said
        case "nearly":
            return lambda value: said * (1 - CLOSE) <= value <= said
        case "about":
            return lambda value: abs(value - said) <= max(1, said * CLOSE)
        case _:
            return lambda value: value == said
