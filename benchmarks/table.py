"""What every benchmark returns: one line of the table, its goal beside what was measured in this run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Point(NamedTuple):
    """Of a line that grows: what was done, on how many rows, in how many seconds."""

    work: str
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Line:
    """`reached` is None where there is no goal, or where the peer could not be run (then `note` says so)."""

    work: str
    goal: str
    measured: str
    reached: bool | None = None
    note: str = ""
    points: tuple[Point, ...] = ()


def medians(works: dict[str, Callable[[], object]], times: int = 5) -> dict[str, float]:
    """Seconds of each, at the median. They take turns, so that a busy moment meets all of them alike."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(times):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}
