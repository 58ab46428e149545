"""From loose rows to a table: which row is the header, and every row as wide as it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from pipelines.parse.tally import Tally
from pipelines.values import Finding, Row
from scraper.errors import UnreadableError

# How many rows are looked at before the header is settled: columns that only later rows fill are reported.
LOOK_AHEAD = 400
TITLE_ROWS = 6
# Control characters (not tab and line ends), C1 controls, zero-width and direction-changing characters, and
# the code points that no XML document may hold.
ODD = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff]"
)
CONTROL = bytes({*range(32)} - {9, 10, 13})


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
    tally: Tally,
    findings: list[Finding],
    ragged: bool = False,
    named: bool = True,
) -> tuple[tuple[str, ...], Iterator[Row]]:
    """The header and the rows below it, each as wide as the header; blank rows are left out.

    `ahead` are the first rows (as many as there are, up to LOOK_AHEAD); `rest` gives the others, fitted, once
    the header is known. `findings` is completed from `tally` after the last row. `ragged` says that a row
    with fewer cells than the header is worth telling. Without `named` the columns have no header and are called
    by their numbers.
    """
    first = [row for row in ahead if not is_blank(row.cells)]
    if first and not named:
        first.insert(0, Row(0, tuple(map(str, range(1, 1 + max(len(row.cells) for row in first))))))
    if not first:
        raise UnreadableError("The table is empty: there is no header and no row.")
    top = _header_index(first)
    if top:
        titles = "; ".join(" ".join(filter(str.strip, row.cells)) for row in first[:top])
        findings.append(Finding("title-rows", f"Above the header stands: {titles}", first[0].number))
    header = _header(first[top].cells, first[top + 1 :], findings, first[top].number)
    fit = Fit(header, tally, ragged)
    return header, told(chain(fit.rows(first[top + 1 :]), rest(fit)), tally, findings)


def told(rows: Iterable[Row], tally: Tally, findings: list[Finding]) -> Iterator[Row]:
    """The same rows; after the last one the findings are complete."""
    return chain(rows, _tell(tally, findings))


def _tell(tally: Tally, findings: list[Finding]) -> Iterator[Row]:
    findings.extend(tally.findings())
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

    def __init__(self, header: tuple[str, ...], tally: Tally, ragged: bool = False) -> None:
        self.width = len(header)
        self._unnamed = [index for index, name in enumerate(header) if not name]
        self._tally = tally
        self._ragged = ragged

    def clean(self, rows: list[Row]) -> Iterable[Row]:
        """Of rows that are as wide as the header and hold no odd characters, those that are not blank."""
        if self._unnamed or not all(map(str.strip, [row.cells[0] for row in rows])):
            return self.rows(rows)
        return rows

    def rows(self, rows: Iterable[Row]) -> Iterator[Row]:
        width = self.width
        for row in rows:
            number, cells, links = row
            text = "".join(cells)
            if not text or text.isspace():
                continue
            if not text.isprintable():
                _tell_odd_characters(text, number, self._tally)
            if len(cells) != width or len(links) not in (0, width):
                self._tell_width(row)
                cells = _wide(cells, width)
                if is_blank(cells):
                    continue
                row = Row(number, cells, _wide(links, width) if any(links[:width]) else ())
            if self._unnamed and not is_blank([cells[index] for index in self._unnamed]):
                self._tally.add("unnamed-column", number)
            yield row

    def _tell_width(self, row: Row) -> None:
        if self._ragged and len(row.cells) < self.width:
            self._tally.add("short-rows", row.number)
        if not is_blank(row.cells[self.width :]):
            self._tally.add("beyond-header", row.number)


def _tell_odd_characters(text: str, number: int, tally: Tally) -> None:
    found = ODD.findall(text)
    for character in set(found):
        tally.add("odd-characters", number, f"U+{ord(character):04X}", 0)
    if found:
        tally.add("odd-characters", number)


def _wide(cells: tuple[str, ...], width: int) -> tuple[str, ...]:
    return cells[:width] + ("",) * (width - len(cells))
