"""A table in the making: what may be read of a stranger's file, what is odd about it, and which row is the header."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TypeVar

from pipelines.values import Finding, Row
from scraper.errors import UnreadableError

T = TypeVar("T")
# The encodings in which lists are published. Others are refused: Python knows some that are no way to write text.
ENCODINGS = frozenset(
    {"utf-8", "utf8", "utf-16", "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252", "cp1252"}
)
# How many rows are looked at before the header is settled: columns that only later rows fill are reported.
LOOK_AHEAD = 400
TITLE_ROWS = 6
# Control characters (not tab and line ends), C1 controls, zero-width and direction-changing characters, and
# the code points that no XML document may hold.
ODD = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff]"
)
CONTROL = bytes({*range(32)} - {9, 10, 13})
WHOLE = re.compile(r"0|-?[1-9][0-9]{0,14}")
ODDITIES = {
    "formulas": "{count} cells hold formulas; the values stored with them were read",
    "formulas-without-value": "{count} cells hold formulas whose value was never stored; they read as blank",
    "hidden-rows": "{count} rows are hidden; they were read",
    "hidden-columns": "{count} columns are hidden; they were read",
    "merged-cells": "{count} areas of merged cells; only the first cell of each has a value",
    "beyond-header": "{count} rows have text to the right of the last header; it was left out",
    "unnamed-column": "{count} rows have text in a column without a header",
    "short-rows": "{count} rows have fewer cells than the header",
    "odd-characters": "{count} rows hold control, invisible or direction-changing characters: {what}",
    "impossible-date": "{count} cells are formatted as dates that cannot be; their number was kept",
    "odd-number": "{count} cells hold something that is no number where a number belongs; its text was kept",
    "many-lines": "{count} records go over more than 20 lines, as after a quotation mark never closed",
    "hidden-cells": "{count} cells are hidden on the page; they were read",
    "several-links": "{count} cells hold more than one link; the first was read",
    "row-order": "{count} rows are out of order",
    "out-of-place": "{count} cells say that they belong to another row than the one they stand in",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_ratio` is unpacked to packed bytes of one member; `max_seconds` is of the reader's own CPU.

    `max_bytes_held` is the size of a file that has to be held whole (HTML, JSON, PDF), `max_items_held` how
    many elements or values it may have, `max_bytes_helper` the memory of the process that reads it. What a
    row may hold (`max_row_characters`) and all rows together (`max_characters`) counts a text as often as it
    is repeated. A cell may hold what a spreadsheet's cell can.
    """

    max_bytes_unpacked: int = 1_000_000_000
    max_bytes_held: int = 30_000_000
    max_items_held: int = 1_000_000
    max_bytes_helper: int = 280_000_000
    max_entries: int = 5_000
    max_ratio: int = 200
    max_rows: int = 2_000_000
    max_cells: int = 50_000_000
    max_columns: int = 2_000
    max_cell_characters: int = 32_767
    max_row_characters: int = 2_000_000
    max_characters: int = 1_000_000_000
    max_links: int = 1_000_000
    max_strings: int = 5_000_000
    max_seconds: float = 120.0
    max_seconds_pdf: float = 55.0


DEFAULT = Limits()


def check_size(path: Path, most: int) -> None:
    """Raises UnreadableError for a file of more than `most` bytes."""
    if path.stat().st_size > most:
        raise UnreadableError(f"The file has more than {most:,} bytes.")


def check_items(items: int, limits: Limits) -> None:
    if items > limits.max_items_held:
        raise UnreadableError(f"The document has more than {limits.max_items_held:,} elements or values.")


class Reading:
    """What has been read of a file so far, held against the limits, and what was odd about it.

    Its clock counts CPU, since a busy machine makes no document worse; it runs from the start, and stands
    still while `timed` waits for whoever uses the rows. `findings` is
    complete after `end`: oddities are counted while rows pass, and told once.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._rows = 0
        self._cells = 0
        self._characters = 0
        self._left = limits.max_seconds
        self._since = time.thread_time()
        self.findings: list[Finding] = []
        self._counts: dict[str, int] = {}
        self._first: dict[str, int | None] = {}
        self._what: dict[str, set[str]] = {}

    def spend(self, rows: int, cells: int) -> None:
        """Raises UnreadableError as soon as all that was read is too much, or took too long."""
        self._rows += rows
        self._cells += cells
        if self._rows > self.limits.max_rows:
            raise UnreadableError(f"The table has more than {self.limits.max_rows:,} rows.")
        if self._cells > self.limits.max_cells:
            raise UnreadableError(f"The table has more than {self.limits.max_cells:,} cells.")
        self.ask()

    def spend_text(self, characters: int) -> None:
        """Of one row: its cells and links, each as often as it is repeated."""
        if characters > self.limits.max_row_characters:
            raise UnreadableError(f"A row holds more than {self.limits.max_row_characters:,} characters.")
        self._characters += characters
        if self._characters > self.limits.max_characters:
            raise UnreadableError(f"The table holds more than {self.limits.max_characters:,} characters.")

    def check_row(self, row: Row, text: str) -> None:
        """`text` is that of all its cells."""
        characters = len(text)
        if characters > self.limits.max_cell_characters:
            self.check_text(max(map(len, row.cells)))
        self.spend_text(characters + len("".join(row.links)) if row.links else characters)

    def check_rows(self, rows: Sequence[Row]) -> None:
        """Of rows whose cells are known to be short enough."""
        characters = len("".join(chain.from_iterable([row.cells for row in rows])))
        characters += len("".join(chain.from_iterable([row.links for row in rows])))
        if characters <= self.limits.max_row_characters:
            self.spend_text(characters)
            return
        for row in rows:
            self.check_row(row, "".join(row.cells))

    def ask(self) -> None:
        """Raises UnreadableError when the time is over."""
        if time.thread_time() - self._since > self._left:
            raise UnreadableError(f"Reading took longer than {self.limits.max_seconds:g} seconds.")

    def check_width(self, columns: int) -> None:
        if columns > self.limits.max_columns:
            raise UnreadableError(f"The table has more than {self.limits.max_columns:,} columns.")

    def check_text(self, characters: int) -> None:
        if characters > self.limits.max_cell_characters:
            raise UnreadableError(f"A cell holds more than {self.limits.max_cell_characters:,} characters.")

    def check_strings(self, strings: int) -> None:
        if strings > self.limits.max_strings:
            raise UnreadableError(f"The workbook has more than {self.limits.max_strings:,} shared texts.")

    def timed(self, steps: Iterator[T]) -> Iterator[T]:
        """The same steps; the time that they take (not that of whoever uses them) is limited."""
        while True:
            try:
                step = next(steps)
            except StopIteration:
                return
            self.ask()
            self._left -= time.thread_time() - self._since
            yield step
            self._since = time.thread_time()

    def note(self, name: str, row: int | None = None, what: str | None = None, count: int = 1) -> None:
        """Count an oddity; where it came first is kept, and of what."""
        self._counts[name] = self._counts.get(name, 0) + count
        self._first.setdefault(name, row)
        if what is not None:
            self._what.setdefault(name, set()).add(what)

    def end(self) -> None:
        for name, count in self._counts.items():
            what = ", ".join(sorted(self._what.get(name, ())))
            text = ODDITIES[name].format(count=f"{count:,}", what=what)
            self.findings.append(Finding(name, text, self._first[name]))


def number_text(raw: str) -> str:
    """A whole number has no decimal point; text that is no number raises ValueError."""
    if WHOLE.fullmatch(raw):
        return raw
    number = float(raw)
    if not math.isfinite(number):
        raise ValueError(raw)
    return str(int(number)) if number.is_integer() and abs(number) < 1e21 else repr(number)


def iso_text(raw: str) -> str:
    """An ISO date cell; midnight is not printed."""
    moment = datetime.fromisoformat(raw)
    return moment.isoformat(timespec="seconds").removesuffix("T00:00:00")


def is_odd(text: str, legal: bool = False) -> bool:
    """Whether it holds a character that is told of; `legal` says that XML allows all that it holds."""
    if text.isascii():
        # Deleting and counting is the quickest way; a single character is found quicker still.
        return "\x7f" in text or not (legal or len(text.encode().translate(None, CONTROL)) == len(text))
    return not text.isprintable() and ODD.search(text) is not None


def is_blank(cells: Sequence[str]) -> bool:
    text = "".join(cells)
    return not text or text.isspace()


def framed(
    ahead: Iterable[Row],
    rest: Callable[[Fit], Iterable[Row]],
    reading: Reading,
    ragged: bool = False,
    named: bool = True,
) -> tuple[tuple[str, ...], Iterator[Row]]:
    """The header and the rows below it, each as wide as the header; blank rows are left out.

    `ahead` are the first rows (as many as there are, up to LOOK_AHEAD); `rest` gives the others, fitted, once
    the header is known. The findings are complete after the last row. `ragged` says that a row with fewer cells
    than the header is worth telling. Without `named` the columns have no header and are called by their numbers.
    """
    first = [row for row in ahead if not is_blank(row.cells)]
    if first and not named:
        first.insert(0, Row(0, tuple(map(str, range(1, 1 + max(len(row.cells) for row in first))))))
    if not first:
        raise UnreadableError("The table is empty: there is no header and no row.")
    top = _header_index(first)
    for row in first[: top + 1]:
        reading.check_row(row, "".join(row.cells))
    if top:
        titles = "; ".join(" ".join(filter(str.strip, row.cells)) for row in first[:top])
        reading.findings.append(Finding("title-rows", f"Above the header stands: {titles}", first[0].number))
    header = _header(first[top].cells, first[top + 1 :], reading.findings, first[top].number)
    fit = Fit(header, reading, ragged)
    return header, ended(chain(fit.rows(first[top + 1 :]), rest(fit)), reading)


def ended(rows: Iterable[Row], reading: Reading) -> Iterator[Row]:
    """The same rows; after the last one the findings are complete. (No function of ours stands between each row.)"""
    return chain(rows, _end(reading))


def _end(reading: Reading) -> Iterator[Row]:
    reading.end()
    yield from ()


def _filled(cells: Sequence[str]) -> int:
    return sum(1 for cell in cells if cell.strip())


def _header_index(rows: Sequence[Row]) -> int:
    """The first row, unless it is a title: one filled cell above a row of three or more."""
    for index, row in enumerate(rows[:TITLE_ROWS]):
        filled = _filled(row.cells)
        if filled >= 3:
            return index
        if filled == 2:
            break
    return 0


def _header(
    printed: Sequence[str], below: Sequence[Row], findings: list[Finding], number: int
) -> tuple[str, ...]:
    header = [cell if cell.strip() else "" for cell in printed]
    # Only a column that the header does not name is looked through.
    named = len(header) if all(header) else 0
    filled = {
        index
        for row in below
        if len(row.cells) > named
        for index, cell in enumerate(row.cells)
        if cell.strip()
    }
    header += [""] * (max(filled, default=-1) + 1 - len(header))
    for index in sorted(filled):
        if not header[index]:
            header[index] = f"column {index + 1}"
            text = f"Column {index + 1} has text but no header; it is called 'column {index + 1}'"
            findings.append(Finding("no-header", text, number))
    while header and not header[-1]:
        header.pop()
    return tuple(header)


class Fit:
    """Makes rows as wide as the header."""

    def __init__(self, header: tuple[str, ...], reading: Reading, ragged: bool = False) -> None:
        self.width = len(header)
        self._unnamed = [index for index, name in enumerate(header) if not name]
        self._reading = reading
        self._ragged = ragged

    def clean(self, rows: list[Row]) -> Iterable[Row]:
        """Of rows that are as wide as the header and hold no odd characters, those that are not blank."""
        if self._unnamed or not all(map(str.strip, [row.cells[0] for row in rows])):
            return self.rows(rows)
        self._reading.check_rows(rows)
        return rows

    def rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        width, check_row = self.width, self._reading.check_row
        for row in rows:
            number, cells, links = row
            text = "".join(cells)
            if not text or text.isspace():
                continue
            check_row(row, text)
            if not text.isprintable():
                _note_odd_characters(text, number, self._reading)
            if len(cells) != width or len(links) not in (0, width):
                self._note_width(row)
                cells = _wide(cells, width)
                if is_blank(cells):
                    continue
                row = Row(number, cells, _wide(links, width) if any(links[:width]) else ())
            if self._unnamed and not is_blank([cells[index] for index in self._unnamed]):
                self._reading.note("unnamed-column", number)
            yield row

    def _note_width(self, row: Row) -> None:
        if self._ragged and len(row.cells) < self.width:
            self._reading.note("short-rows", row.number)
        if not is_blank(row.cells[self.width :]):
            self._reading.note("beyond-header", row.number)


def _note_odd_characters(text: str, number: int, reading: Reading) -> None:
    found = ODD.findall(text)
    for character in set(found):
        reading.note("odd-characters", number, f"U+{ord(character):04X}", 0)
    if found:
        reading.note("odd-characters", number)


def _wide(cells: tuple[str, ...], width: int) -> tuple[str, ...]:
    return cells[:width] + ("",) * (width - len(cells))
