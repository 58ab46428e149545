"""Figures about places in a claim: counties, people, one in so many sheriffs; held against coverage day by day."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from changelog.wording import iso, long_day
from pipelines.history.figures import totals_between
from pipelines.history.places import stretches
from pipelines.places.coverage import Placed, coverage
from pipelines.registers import Registers
from scraper.lists import PublishedList

_BOUND = (
    r"(?P<bound>more than|over|above|at least|fewer than|less than|under|nearly|almost|close to|about|around"
    r"|approximately|roughly|some)?\s*"
)
_NUMBER = r"(?P<number>\d[\d,]*(?:\.\d+)?)\s*(?P<scale>thousand|million)?\s+"
_COUNTIES = re.compile(rf"{_BOUND}{_NUMBER}(?:U\.?S\.? |American |different )?counties\b", re.I)
_PEOPLE = re.compile(rf"{_BOUND}{_NUMBER}(?:people|residents|americans|inhabitants)\b", re.I)
_WORDS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_SHARE = re.compile(
    rf"{_BOUND}(?:one|1)\s+(?:in|of|out of)\s+(?:every\s+)?(?P<number>\d+|{'|'.join(_WORDS)})\s+"
    r"(?:of\s+)?(?:all\s+|the\s+|american\s+|u\.?s\.?\s+)*(?P<noun>sheriffs?|police departments?|counties)",
    re.I,
)
_CLOSE = 0.05


@dataclass(frozen=True, slots=True)
class PlaceFigure:
    phrase: str
    unit: str
    value: float
    bound: str


def place_figures(text: str) -> tuple[list[PlaceFigure], str]:
    """The figures about places, and the text without them."""
    found: list[tuple[int, PlaceFigure]] = []
    for unit, pattern in (("share", _SHARE), ("counties", _COUNTIES), ("people", _PEOPLE)):
        for match in pattern.finditer(text):
            if any(abs(match.start() - at) < 2 for at, _ in found):
                continue
            found.append((match.start(), _figure(unit, match)))
            text = text[: match.start()] + " " * len(match[0]) + text[match.end() :]
    return [figure for _, figure in sorted(found, key=lambda item: item[0])], text


def _figure(unit: str, match: re.Match[str]) -> PlaceFigure:
    bound = re.sub(r"\s+", " ", (match["bound"] or "exactly").casefold())
    if unit == "share":
        number = _WORDS.get(match["number"].casefold()) or int(match["number"])
        noun = match["noun"].casefold()
        kind = (
            "sheriffs"
            if noun.startswith("sheriff")
            else "police"
            if noun.startswith("police")
            else "counties"
        )
        return PlaceFigure(match[0].strip(), f"share of {kind}", 1 / max(1, number), bound)
    value = float(match["number"].replace(",", "")) * {"thousand": 1e3, "million": 1e6}.get(
        (match["scale"] or "").casefold(), 1
    )
    return PlaceFigure(match[0].strip(), unit, value, bound)


def fits(figure: PlaceFigure, counted: float) -> bool:
    said, bound = figure.value, figure.bound
    if bound in ("more than", "over", "above"):
        return counted > said
    if bound == "at least":
        return counted >= said
    if bound in ("fewer than", "less than", "under"):
        return counted < said
    if bound in ("nearly", "almost", "close to"):
        return said * (1 - _CLOSE) <= counted <= said
    rounded = figure.unit.startswith("share") or figure.value >= 1e5
    close = _CLOSE if bound != "exactly" or rounded else 0
    return abs(counted - said) <= said * close


def counts_of(told: dict[str, Any], unit: str) -> list[tuple[str, float]]:
    """What the figure may have counted, each with its words."""
    if unit == "counties":
        return [
            ("counties with an agreement of any level", told["counties"]["count"]),
            ("counties with one of the county's own", told["by_level"].get("county", 0)),
        ]
    if unit == "people":
        people = told["people"]
        return [
            ("people in counties with one of the county's own", people["in_counties"]),
            ("these and people in towns with one outside them", people["count"]),
            ("people in towns with one outside such counties", people["in_towns"]),
        ]
    kind = unit.removeprefix("share of ")
    noun = {"police": "police departments"}.get(kind, kind)
    return [(f"{noun} with one, of all in the register", told[kind]["share"] or 0)]


def answer_places(
    connection: Connection,
    item: PublishedList,
    figures: Sequence[PlaceFigure],
    end: datetime,
    known: Registers,
) -> list[dict[str, Any]]:
    """Each figure on the day of the claim, else when it held, else what comes nearest on that day."""
    if not figures or not item.has_places:
        return []
    course = [one for one in totals_between(connection, item.name, None, end) if one.counts]
    found = stretches(connection, item.name)
    kept: dict[str, dict[str, Any]] = {}

    def at(place: str) -> dict[str, Any]:
        if place not in kept:
            kept[place] = coverage(_standing(found, place), known)
        return kept[place]

    return [_answer(figure, course, at) for figure in figures] if course else []


def _standing(found: Sequence[tuple[Placed, str, str | None]], place: str) -> Iterator[Placed]:
    return (placed for placed, since, until in found if since <= place and (until is None or until > place))


def _answer(
    figure: PlaceFigure, course: Sequence[Any], at: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    newest = course[-1]
    now = counts_of(at(newest.place), figure.unit)
    holds = [(words, value, newest) for words, value in now if fits(figure, value)]
    earlier = [] if holds else _earlier(figure, course, at)
    day = long_day(newest.published_at.date())
    said = "; ".join(f"{_shown(value, figure)} {words}" for words, value in now)
    if holds:
        fitting = f"{holds[0][0]} ({_shown(holds[0][1], figure)})"
        text = f"On {day} “{figure.phrase}” holds for {fitting}. All counts: {said}."
    elif earlier:
        words, value, when = earlier[0]
        then = long_day(when.published_at.date())
        text = f"It does not hold on {day} ({said}), and did on {then} for {words} ({_shown(value, figure)})."
    else:
        text = f"It holds on no list until {day}. That day's counts: {said}."
    text += f" {at(newest.place)['without_county']:,} agreements had no county."
    return {
        "phrase": figure.phrase,
        "kind": "count",
        "value": round(figure.value, 4),
        "bound": figure.bound,
        "unit": figure.unit,
        "holds": [_told(*one, as_of=bool(holds)) for one in holds or earlier],
        "nearest": [] if holds else [_told(words, value, newest) for words, value in now],
        "verdict": f"True as: {holds[0][0]}."
        if holds
        else "True at another time."
        if earlier
        else "Not by any count.",
        "answer": text,
    }


def _earlier(
    figure: PlaceFigure, course: Sequence[Any], at: Callable[[str], dict[str, Any]]
) -> list[tuple[str, float, Any]]:
    for one in reversed(course[:-1]):
        if fitting := [pair for pair in counts_of(at(one.place), figure.unit) if fits(figure, pair[1])]:
            return [(*fitting[0], one)]
    return []


def _shown(value: float, figure: PlaceFigure) -> str:
    return f"{100 * value:.1f} %" if figure.unit.startswith("share") else f"{value:,.0f}"


def _told(words: str, value: float, when: Any, *, as_of: bool = False) -> dict[str, Any]:
    return {
        "counted": words,
        "value": value,
        "as_of": as_of,
        "since": iso(when.published_at),
        "until": None,
        "said": f"{value:,.4g}" if value < 1 else f"{value:,.0f}",
        "publications": [
            {
                "list": when.list,
                "published_at": iso(when.published_at),
                "published_name": when.published_name,
                "sha256": when.sha256,
            }
        ],
    }
