"""A curve over time as the few numbers that a template needs to draw it as SVG in the page's own colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 26


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Curve:
    """`line` and `area` are path data; `text` says in words what the curve shows."""

    line: str
    area: str
    across: Sequence[Tick]
    up: Sequence[Tick]
    end: tuple[float, float]
    text: str
    width: int = WIDTH
    height: int = HEIGHT


def curve(points: Sequence[tuple[str, float]], what: str, until: str | None = None) -> Curve | None:
    """Steps through (ISO date, number): a number holds until the next one is published."""
    if not points:
        return None
    days = [date.fromisoformat(day[:10]) for day, _ in points]
    last = max(days[-1], date.fromisoformat(until[:10]) if until else days[-1])
    span = max((last - days[0]).days, 1)
    most = max(number for _, number in points) or 1
    top, step = _scale(most)

    def x(day: date) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (day - days[0]).days / span, 1)

    def y(number: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * number / top, 1)

    path = [f"M{x(days[0])} {y(points[0][1])}"]
    for day, (_, number) in zip(days[1:], points[1:], strict=True):
        path.append(f"H{x(day)}V{y(number)}")
    path.append(f"H{x(last)}")
    line = "".join(path)
    return Curve(
        line,
        f"{line}V{y(0)}H{x(days[0])}Z",
        [Tick(x(day), text) for day, text in _dates(days[0], last)],
        [Tick(y(value), f"{value:,.0f}") for value in _steps(top, step)],
        (x(last), y(points[-1][1])),
        f"{what}: {points[0][1]:,.0f} on {days[0]:%-d %B %Y}, {points[-1][1]:,.0f} on {last:%-d %B %Y}, "
        f"at most {most:,.0f}.",
    )


def _scale(most: float) -> tuple[float, float]:
    """A round top for the axis, and the step between its lines."""
    step = 1.0
    while most / step > 4:
        step *= 2.5 if str(step).startswith("2") else 2
    return max(step * -(-most // step), step), step


def _steps(top: float, step: float) -> list[float]:
    return [step * n for n in range(round(top / step) + 1)]


def _dates(first: date, last: date) -> list[tuple[date, str]]:
    years = (last - first).days / 365
    if years > 2:
        return [(date(year, 1, 1), str(year)) for year in range(first.year + 1, last.year + 1)]
    apart = 1 if years < 0.5 else 2 if years < 1 else 3
    found = []
    year, month = first.year, first.month
    while (year, month) < (last.year, last.month):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        if (month - 1) % apart == 0:
            found.append(
                (date(year, month, 1), date(year, month, 1).strftime("%b" if month > 1 else "%b %Y"))
            )
    return found
