"""What the cells of a workbook's sheet hold: the text that a reader of the sheet sees, and the links behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import repeat
from typing import Literal, NamedTuple

from pipelines.parse.table import Limits, Reading, iso_text, number_text
from scraper.errors import UnreadableError

Kind = Literal["number", "date", "duration"]
DAY = 86_400
EPOCH_1900 = datetime(1899, 12, 30)  # noqa: DTZ001  a sheet's dates have no zone
EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
# Day 60 of the 1900 system is a 29 February 1900 that never was; the days before it count from the 31st.
PHANTOM_DAY = 60
ESCAPED = 7  # characters that stand for one
ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
REFERENCE = re.compile(r"\$?([A-Za-z]{1,5})\$?([0-9]{1,9})")
# Areas up to this many cells are spread out cell by cell; larger ones are kept as areas.
SMALL = 1_000
MAX_AREAS = 1_000
FARTHEST = 64
# How the name of the attribute ends that refers to a relationship, in either version of the standard.
RELATED = "relationships}id"


@lru_cache(maxsize=4096)
def column_index(letters: str) -> int:
    index = 0
    for letter in letters.upper():
        index = index * 26 + ord(letter) - 64
    return index - 1


def column_letters(index: int) -> str:
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def place_of(reference: str) -> tuple[int, int] | None:
    """Row number and column index, or None when it is no cell reference."""
    found = REFERENCE.fullmatch(reference)
    return (int(found[2]), column_index(found[1])) if found else None


def moment_text(serial: float, since_1904: bool) -> str:
    """A date, a date with its time, or a time alone (below one day).

    ValueError or OverflowError when there is no such day.
    """
    seconds = round(serial * DAY)
    days, rest = divmod(seconds, DAY)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    if since_1904:
        epoch = EPOCH_1904
    else:
        if 0 <= serial < 1 and days == 0:
            return clock
        if days == PHANTOM_DAY:
            raise ValueError(serial)
        epoch = EPOCH_1900 + timedelta(days=1) if days < PHANTOM_DAY else EPOCH_1900
    if days < 0:
        raise ValueError(serial)
    day = (epoch + timedelta(days=days)).date().isoformat()
    return f"{day}T{clock}" if rest else day


def duration_text(serial: float) -> str:
    """Hours, minutes and seconds ("26:03:00") of a serial number of days."""
    seconds = round(abs(serial) * DAY)
    sign = "-" if serial < 0 and seconds else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def unescape(text: str) -> str:
    """Undo the escapes that workbooks use for characters which XML cannot hold (_x000D_)."""
    return ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


class OddValueError(ValueError):
    """A stored value is not what its cell's type and format say."""

    def __init__(self, finding: str = "odd-number", kept: str = "") -> None:
        super().__init__(finding)
        self.finding = finding
        self.kept = kept


class Texts:
    """Stored type, style and value to text. The same three always give the same text."""

    def __init__(
        self, kinds: Sequence[Kind], since_1904: bool, strings: Sequence[str], reading: Reading
    ) -> None:
        self.kinds = kinds
        self.since_1904 = since_1904
        self.strings = strings
        self.reading = reading

    def tolerant(self, stored: str, style: str, value: str, row: int) -> str:
        """The text; of an odd value, the text that is kept, and the oddity is tallied."""
        if stored == "s":
            return self._shared(value.strip(), row)
        try:
            return self.text(stored, style, value)
        except OddValueError as odd:
            self.reading.note(odd.finding, row)
            return odd.kept

    def text(self, stored: str, style: str, value: str) -> str:
        """The text of a value that is not shared; OddValueError when there is something to tell about it."""
        if not value:
            return ""
        if stored in ("", "n"):
            return self._number(style, value)
        if stored == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(value, value)
        if stored == "d":
            try:
                return iso_text(value)
            except ValueError:
                raise OddValueError("impossible-date", value) from None
        return unescape(value) if stored in ("str", "inlineStr") else value

    def kind(self, style: str) -> Kind:
        place = int(style) if style.isdecimal() and len(style) <= 9 else 0
        return self.kinds[place] if place < len(self.kinds) else "number"

    def _shared(self, value: str, row: int) -> str:
        if not value:
            return ""
        if not value.isdecimal() or len(value) > 9 or int(value) >= len(self.strings):
            raise UnreadableError(
                f"Row {row} refers to shared text {value[:20]!r}; the workbook has {len(self.strings):,}."
            )
        return self.strings[int(value)]

    def _number(self, style: str, value: str) -> str:
        kind = self.kind(style)
        try:
            plain = number_text(value.strip())
        except ValueError:
            raise OddValueError("odd-number", value) from None
        if kind == "number":
            return plain
        try:
            serial = float(value)
            return moment_text(serial, self.since_1904) if kind == "date" else duration_text(serial)
        except (ValueError, OverflowError):
            raise OddValueError("impossible-date", plain) from None


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
        self.targets = targets
        self._limits = limits
        self._count = 0

    def add(self, attributes: Mapping[str, str]) -> None:
        """One hyperlink element: its area, and an address or a place in the workbook. The last one wins."""
        identifier = next((value for key, value in attributes.items() if key.endswith(RELATED)), "")
        location = attributes.get("location", "")
        target = self.targets.get(identifier, "") + (f"#{location}" if location else "")
        if not target:
            return
        for reference in attributes.get("ref", "").split():
            first, _, last = reference.partition(":")
            start, end = place_of(first), place_of(last or first)
            if start and end:
                top, bottom = sorted((start[0], end[0]))
                left, right = sorted((start[1], end[1]))
                self._spread(Area(top, bottom, left, right, target))

    def extend(self, column: int) -> None:
        self.reach = max(self.reach, min(column + 1, FARTHEST))

    def add_count(self, count: int) -> None:
        self._count += count
        if self._count > self._limits.max_links:
            raise UnreadableError(f"The sheet has more than {self._limits.max_links:,} links.")

    def _spread(self, area: Area) -> None:
        size = (area.bottom - area.top + 1) * (area.right - area.left + 1)
        self.extend(area.right)
        if size > SMALL:
            self.areas.append(area)
            if len(self.areas) > MAX_AREAS:
                raise UnreadableError(f"The sheet has more than {MAX_AREAS:,} links over large areas.")
            return
        self.add_count(size)
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
