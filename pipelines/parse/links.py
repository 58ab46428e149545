"""The hyperlinks of a sheet, by column and row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import NamedTuple

from pipelines.parse.attributes import columns_of
from pipelines.parse.limits import Limits
from pipelines.parse.pieces import is_legal, is_plain
from pipelines.parse.places import column_index, place_of
from scraper.errors import UnreadableError

# Areas up to this many cells are spread out cell by cell; larger ones are kept as areas.
SMALL = 1_000
MAX_AREAS = 1_000
FARTHEST = 64
COLUMN = re.compile("[A-Z]{1,3}")
DIGITS = "0123456789"
ELEMENT = re.compile(
    r'<hyperlink ref="([A-Z]{1,3})([1-9][0-9]{0,8})" r:id="([^"&<]+)"'
    r'(?: tooltip="[^"<]*")?(?: display="[^"<]*")?(?: xr:uid="[^"<]*")?/>'
)


def _rows_of(references: Sequence[str], column: str) -> list[int] | None:
    """Row numbers; None when one of the references is an area or of another column."""
    before, *rows = f",{','.join(references)}".split(f",{column}")
    digits = "".join(rows)
    if before or "" in rows or not (digits.isascii() and digits.isdecimal()) or max(map(len, rows)) > 9:
        return None
    return list(map(int, rows))


class Area(NamedTuple):
    """The cells that one link covers: sheet rows from 1 and columns from 0, both ends included."""

    top: int
    bottom: int
    left: int
    right: int
    target: str


class Links:
    """`columns` is column index to row number to address.

    `reach` is how many columns there are up to the last one with a link, as far as that matters before the
    table's width is known: a link may stand behind a blank cell to the right of all text.
    """

    def __init__(self, targets: Mapping[str, str], limits: Limits) -> None:
        self.columns: dict[int, dict[int, str]] = {}
        self.areas: list[Area] = []
        self.reach = 0
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
        if columns is None:
            return self._quick_each(text)
        if "r:id" not in columns or "ref" not in columns or "location" in columns:
            return None
        references, targets = columns["ref"], list(map(self._targets.get, columns["r:id"], repeat("")))
        column = references[0].rstrip(DIGITS)
        rows = _rows_of(references, column)
        if rows is None or not all(targets) or not COLUMN.fullmatch(column):
            return None
        self._add_count(len(rows))
        place = column_index(column)
        self.columns.setdefault(place, {}).update(zip(rows, targets, strict=True))
        self._extend(place)
        return []

    def _quick_each(self, text: str) -> list[None] | None:
        """The same of elements that are not alike, in the order in which the usual programs write attributes."""
        if ELEMENT.sub("", text).strip(" ") or not (is_plain(text) and is_legal(text)):
            return None
        columns: dict[str, dict[int, str]] = {}
        found = ELEMENT.findall(text)
        for column, row, identifier in found:
            target = self._targets.get(identifier)
            if not target:
                return None
            columns.setdefault(column, {})[int(row)] = target
        self._add_count(len(found))
        for column, rows in columns.items():
            place = column_index(column)
            self.columns.setdefault(place, {}).update(rows)
            self._extend(place)
        return []

    def _extend(self, column: int) -> None:
        self.reach = max(self.reach, min(column + 1, FARTHEST))

    def _add_count(self, count: int) -> None:
        self._count += count
        if self._count > self._limits.max_links:
            raise UnreadableError(f"The sheet has more than {self._limits.max_links:,} links.")

    def _spread(self, area: Area) -> None:
        size = (area.bottom - area.top + 1) * (area.right - area.left + 1)
        self._extend(area.right)
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
        linked = {
            column: list(map(rows.get, numbers, repeat("")))
            for column, rows in self.columns.items()
            if column < width
        }
        if not any(map(any, linked.values())):
            return [()] * len(numbers)
        beside = [linked.get(column, repeat("")) for column in range(width)]
        if any(map(all, linked.values())):
            return list(zip(*beside, strict=False))
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
