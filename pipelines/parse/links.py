"""The hyperlinks of a sheet, by column and row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import NamedTuple

from pipelines.parse.limits import Limits
from pipelines.parse.pieces import is_plain
from pipelines.parse.places import column_index, place_of
from scraper.errors import UnreadableError

# Areas up to this many cells are spread out cell by cell; larger ones are kept as areas.
SMALL = 1_000
MAX_AREAS = 1_000
MOST_LETTERS, MOST_DIGITS = 3, 9
# The order of attributes in which nearly every program writes them, for a link of one cell to an address.
COMMON = re.compile(
    '<hyperlink ref="([A-Z]++)([0-9]++)" r:id="([^"]*+)"(?: (?:display|tooltip|xr:uid)="[^"]*+")*+ ?/>'
)


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
        """Many hyperlink elements at once, when all have the common shape (one cell, one address)."""
        found: list[tuple[str, str, str]] = COMMON.findall(text)
        if not found or len(found) != text.count("<") or not is_plain(text) or "&" in text:
            return None
        letters, digits, identifiers = zip(*found, strict=True)
        if max(map(len, letters)) > MOST_LETTERS or max(map(len, digits)) > MOST_DIGITS:
            return None
        self._add_count(len(found))
        places = list(zip(letters, map(int, digits), map(self._targets.get, identifiers), strict=True))
        for column in set(letters):
            self.columns.setdefault(column_index(column), {}).update(
                {row: target for letter, row, target in places if letter == column and target}
            )
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
