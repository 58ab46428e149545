"""The hyperlinks of a sheet, by column and row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import NamedTuple

from pipelines.parse.attributes import columns_of
from pipelines.parse.limits import Limits
from pipelines.parse.places import column_index, place_of
from scraper.errors import UnreadableError

# Areas up to this many cells are spread out cell by cell; larger ones are kept as areas.
SMALL = 1_000
MAX_AREAS = 1_000
COLUMN = re.compile("[A-Z]{1,3}")
DIGITS = "0123456789"


class Area(NamedTuple):
    top: int
    bottom: int
    left: int
    right: int
    target: str


class Links:
    """`columns` is column index to row number to address."""

    def __init__(self, targets: Mapping[str, str], limits: Limits) -> None:
        self.columns: dict[int, dict[int, str]] = {}
        self.areas: list[Area] = []
        self._targets = targets
        self._limits = limits
        self._count = 0

    def add(self, attributes: Mapping[str, str]) -> None:
        """One hyperlink element: its area, and an address or a place in the workbook. The last one wins."""
        identifier = next((value for key, value in attributes.items() if key.endswith(":id")), "")
        location = attributes.get("location", "")
        target = self._targets.get(identifier, "") + (f"#{location}" if location else "")
        if not target:
            return
        for reference in attributes.get("ref", "").split():
            first, _, last = reference.partition(":")
            start, end = place_of(first), place_of(last or first)
            if start and end:
                top, bottom = sorted((start[0], end[0]))
                left, right = sorted((start[1], end[1]))
                self._spread(Area(top, bottom, left, right, target))

    def quick(self, text: str) -> list[None] | None:
        """Many hyperlink elements at once, when all are written alike and each has one cell and one address."""
        columns = columns_of(text, "hyperlink")
        if columns is None or "r:id" not in columns or "ref" not in columns or "location" in columns:
            return None
        references, targets = columns["ref"], [self._targets.get(key, "") for key in columns["r:id"]]
        letters = {reference.rstrip(DIGITS) for reference in references}
        if len(letters) > 1 or not all(targets) or not COLUMN.fullmatch(column := letters.pop()):
            return None
        start = len(column)
        try:
            rows = [int(reference[start:]) for reference in references]
        except ValueError:
            return None
        self._add_count(len(rows))
        self.columns.setdefault(column_index(column), {}).update(zip(rows, targets, strict=True))
        return []

    def _add_count(self, count: int) -> None:
        self._count += count
        if self._count > self._limits.max_links:
            raise UnreadableError(f"The sheet has more than {self._limits.max_links:,} links.")

    def _spread(self, area: Area) -> None:
        size = (area.bottom - area.top + 1) * (area.right - area.left + 1)
        if size > SMALL:
            self.areas.append(area)
            if len(self.areas) > MAX_AREAS:
                raise UnreadableError(f"The sheet has more than {MAX_AREAS:,} links over large areas.")
            return
        self._add_count(size)
        for column in range(area.left, area.right + 1):
            rows = self.columns.setdefault(column, {})
            for row in range(area.top, area.bottom + 1):
                rows[row] = area.target

    def aligned(self, numbers: Sequence[int], width: int) -> list[tuple[str, ...]]:
        """For each row its links beside its first `width` cells; () when none of them has one."""
        if self.areas:
            return [self._with_areas(number, width) for number in numbers]
        if not any(column < width for column in self.columns):
            return [()] * len(numbers)
        beside = [
            map(self.columns[column].get, numbers, repeat("")) if column in self.columns else repeat("")
            for column in range(width)
        ]
        return [links if any(links) else () for links in zip(*beside, strict=False)]

    def _with_areas(self, row: int, width: int) -> tuple[str, ...]:
        links = [""] * width
        for area in self.areas:
            if area.top <= row <= area.bottom:
                for column in range(area.left, min(area.right + 1, width)):
                    links[column] = area.target
        for column, rows in self.columns.items():
            if column < width and row in rows:
                links[column] = rows[row]
        return tuple(links) if any(links) else ()
