"""The hyperlinks of a sheet, by row and column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pipelines.parse.limits import Limits
from pipelines.parse.places import place_of
from pipelines.parse.workbook import Relationship
from scraper.errors import UnreadableError

# Areas up to this many cells are spread out cell by cell; larger ones are kept as areas.
SMALL = 1_000
MAX_AREAS = 1_000


class Area(NamedTuple):
    top: int
    bottom: int
    left: int
    right: int
    target: str


class Links:
    """`cells` is row number to column index to address."""

    def __init__(self, relationships: Mapping[str, Relationship], limits: Limits) -> None:
        self.cells: dict[int, dict[int, str]] = {}
        self.areas: list[Area] = []
        self._relationships = relationships
        self._limits = limits
        self._count = 0

    def add(self, attributes: Mapping[str, str]) -> None:
        """One hyperlink element: its area, and a relationship or a place in the workbook. The last one wins."""
        identifier = next((value for key, value in attributes.items() if key.endswith(":id")), "")
        link = self._relationships.get(identifier)
        location = attributes.get("location", "")
        target = (link.target if link else "") + (f"#{location}" if location else "")
        if not target:
            return
        for reference in attributes.get("ref", "").split():
            first, _, last = reference.partition(":")
            start, end = place_of(first), place_of(last or first)
            if start and end:
                self._spread(Area(*sorted((start[0], end[0])), *sorted((start[1], end[1])), target))

    def _spread(self, area: Area) -> None:
        size = (area.bottom - area.top + 1) * (area.right - area.left + 1)
        if size > SMALL:
            self.areas.append(area)
            if len(self.areas) > MAX_AREAS:
                raise UnreadableError(f"The sheet has more than {MAX_AREAS:,} links over large areas.")
            return
        self._count += size
        if self._count > self._limits.max_links:
            raise UnreadableError(f"The sheet has more than {self._limits.max_links:,} links.")
        for row in range(area.top, area.bottom + 1):
            columns = self.cells.setdefault(row, {})
            for column in range(area.left, area.right + 1):
                columns[column] = area.target

    def aligned(self, row: int, width: int) -> tuple[str, ...]:
        """The links of one row, beside its first `width` cells; () when none of them has one."""
        columns = self.cells.get(row)
        if columns is None and not self.areas:
            return ()
        links = [""] * width
        for area in self.areas:
            if area.top <= row <= area.bottom:
                for column in range(area.left, min(area.right + 1, width)):
                    links[column] = area.target
        for column, target in (columns or {}).items():
            if column < width:
                links[column] = target
        return tuple(links) if any(links) else ()
