"""Delimited text as records: where each ends in the file, and its cells once somebody asks for them.

Most lines of a list are those of the list before, and to know that much they need not be cut into cells.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, count, islice
from pathlib import Path

from pipelines.parse.frame import Fit
from pipelines.parse.limits import Budget
from pipelines.parse.tally import Tally
from pipelines.values import Row, Uncut
from scraper.errors import UnreadableError

BATCH = 1_000
MANY_LINES = 20
LINE_ENDS = re.compile(r"\r\n?|\n")
_LONE_RETURN = re.compile(rb"\r(?!\n)")
Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is written, and what is counted while it is read."""

    encoding: str
    delimiter: str
    budget: Budget
    tally: Tally

    @property
    def errors(self) -> str:
        return "replace" if self.encoding == "cp1252" else "strict"

    def decode(self, line: bytes) -> str:
        return line.decode("utf-8" if self.encoding == "utf-8-sig" else self.encoding, self.errors)

    def cells(self, lines: Iterable[str]) -> Iterator[list[str]]:
        try:
            yield from csv.reader(lines, delimiter=self.delimiter)
        except UnicodeDecodeError as error:
            raise UnreadableError(f"The text is not {self.encoding} throughout: {error.reason}.") from error
        except csv.Error as error:
            raise UnreadableError(f"The text cannot be read as CSV: {error}.") from error

    def spend(self, records: Sequence[Cells]) -> None:
        widths = [*map(len, records)]
        self.budget.spend(0, sum(widths))
        self.budget.check_width(max(widths, default=0))


@dataclass(frozen=True, slots=True)
class Records:
    """Records that follow one another, from the `first` of the file on: as they stand there, as their cells, or
    both. Of records without cells each is one line, in which nothing is quoted."""

    reading: Reading
    first: int
    prints: Sequence[bytes] = ()
    cells: Sequence[Cells] = ()
    odd: set[int] = field(default_factory=set)

    def part(self, start: int, end: int | None = None) -> Records:
        return Records(self.reading, self.first + start, self.prints[start:end], self.cells[start:end])

    def rows(self) -> Iterator[Row]:
        return map(Row, count(self.first), self._cells_at(range(len(self.prints or self.cells))))

    def fitted(self, fit: Fit, *, cut: bool = False) -> Sequence[Row] | Uncut:
        if cut or not self.prints:
            return [*_fitted([*self.rows()], fit)]
        return Uncut(self.prints, partial(self._cut, fit), self.odd)

    def _cut(self, fit: Fit, wanted: Sequence[int]) -> Iterator[tuple[int, Row]]:
        cells = self._cells_at(wanted)
        rows = [Row(self.first + place, here) for place, here in zip(wanted, cells, strict=True)]
        if not _plain(rows, fit):
            self.odd.update(row.number - self.first for row in rows if not _plain([row], fit))
        for row in _fitted(rows, fit):
            yield row.number - self.first, row

    def _cells_at(self, places: Sequence[int]) -> Sequence[Cells]:
        if self.cells:
            return [self.cells[place] for place in places]
        lines = [self.reading.decode(self.prints[place]) for place in places]
        found = [*map(tuple, self.reading.cells(lines))]
        self.reading.spend(found)
        return found


def _plain(rows: Sequence[Row], fit: Fit) -> bool:
    """Whether nothing is to be told of them: as wide as the header, and nothing odd in them."""
    text = "".join(chain.from_iterable([row.cells for row in rows]))
    return text.isprintable() and all(len(row.cells) == fit.width for row in rows)


def _fitted(rows: list[Row], fit: Fit) -> Iterable[Row]:
    """Rows are looked at one by one only where there is something odd among them."""
    return fit.clean(rows) if _plain(rows, fit) else fit.rows(rows)


def in_lines(path: Path, encoding: str) -> bool:
    """Whether the file's lines can be told by their bytes: not in UTF-16, nor where a return alone ends one."""
    if encoding == "utf-16":
        return False
    carried = b""
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            whole = carried + block
            carried = b"\r" if whole.endswith(b"\r") else b""
            if b"\r" in whole and _LONE_RETURN.search(whole.removesuffix(carried)):
                return False
    return not carried


def printed(path: Path, reading: Reading) -> Iterator[Records]:
    """Of a file in lines: its records as they stand there, with their cells only where something is quoted."""
    first = 1
    with path.open("rb") as stream:
        if reading.encoding == "utf-8-sig":
            stream.seek(3)
        while lines := list(islice(stream, BATCH)):
            if b'"' in b"".join(lines):
                records = _quoted(lines, stream, first, reading)
            else:
                records = Records(reading, first, lines)
            reading.budget.spend(len(records.prints), 0)
            yield records
            first += len(records.prints)


def _quoted(lines: Sequence[bytes], stream: Iterable[bytes], first: int, reading: Reading) -> Records:
    """A quoted cell may go over many lines, so these, and as many more as the last of them needs, are cut."""
    prints: list[bytes] = []
    cells: list[Cells] = []
    taken: list[bytes] = []
    left = len(lines)

    def feed() -> Iterator[str]:
        for line in chain(lines, stream):
            taken.append(line)
            yield reading.decode(line)

    for record in reading.cells(feed()):
        left -= len(taken)
        if len(taken) > 1:
            _tell_many_lines(record, first + len(prints), reading.tally)
        prints.append(b"".join(taken))
        cells.append(tuple(record))
        taken.clear()
        if left <= 0:
            break
    reading.spend(cells)
    return Records(reading, first, prints, cells)


def texts(path: Path, reading: Reading) -> Iterator[Records]:
    """Of any file: its records as their cells."""
    number, more_lines = 1, 0
    with path.open(encoding=reading.encoding, errors=reading.errors, newline="") as stream:
        lines = _Counted(stream)
        records = reading.cells(lines)
        while found := [*map(tuple, islice(records, BATCH))]:
            reading.budget.spend(len(found), 0)
            reading.spend(found)
            if lines.count != number + len(found) - 1 + more_lines:
                more_lines = lines.count - (number + len(found) - 1)
                for place, record in enumerate(found):
                    _tell_many_lines(record, number + place, reading.tally)
            yield Records(reading, number, cells=found)
            number += len(found)


class _Counted:
    """Lines, and how many of them were asked for."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.count += 1
        return line


def _tell_many_lines(record: Sequence[str], number: int, tally: Tally) -> None:
    if len(LINE_ENDS.findall("".join(record))) >= MANY_LINES:
        tally.add("many-lines", number)
