"""The rows of an OpenDocument sheet. Prefixes are those that every program writes."""

from __future__ import annotations

from pipelines.parse.cells import iso_text, number_text
from pipelines.parse.limits import Budget
from pipelines.parse.markup import feed, make_parser
from pipelines.parse.tally import Tally
from pipelines.values import Row

CONTENT = "content.xml"
CELLS = ("table:table-cell", "table:covered-table-cell")
NUMBERS = ("float", "percentage", "currency")
MOST_BLANKS = 1_000


def _times(attributes: dict[str, str], name: str) -> int:
    stated = attributes.get(name, "1")
    return max(1, int(stated[:9])) if stated.isdecimal() else 1


class SheetParser:
    """Feed it content.xml, take the rows of the wanted sheet that are complete. Blank rows are not made."""

    def __init__(self, wanted: str, budget: Budget, tally: Tally) -> None:
        self.found = False
        self.others: list[str] = []
        self._wanted = wanted.casefold()
        self._budget = budget
        self._tally = tally
        self._rows: list[Row] = []
        self._tables = 0  # how deep in tables (a cell may hold one)
        self._reading = False
        self._number = 0
        self._repeat_row = self._repeat_cell = 1
        self._cells: list[str] = []
        self._links: list[str] = []
        self._blank = 0  # blank cells not yet written, so that a repeated blank tail costs nothing
        self._cell: dict[str, str] = {}
        self._pieces: list[str] = []
        self._link = ""
        self._paragraphs = 0
        self._paragraph = False
        self._notes = 0  # how deep in annotations, whose text is not the cell's
        self._parser = make_parser(CONTENT)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def feed(self, block: bytes, final: bool) -> list[Row]:
        feed(self._parser, block, CONTENT, final)
        rows, self._rows = self._rows, []
        return rows

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table":
            self._start_table(attributes.get("table:name", ""))
        elif not self._reading or self._tables != 1:
            return
        elif tag in CELLS:
            self._start_cell(tag, attributes)
        elif tag == "table:table-row":
            self._start_row(attributes)
        elif tag == "office:annotation":
            self._notes += 1
        elif not self._notes:
            self._start_text(tag, attributes)

    def _start_table(self, name: str) -> None:
        self._tables += 1
        if self._tables == 1:
            self._reading = not self.found and self._wanted in ("", name.casefold())
            self.found = self.found or self._reading
            if not self._reading:
                self.others.append(name)

    def _start_row(self, attributes: dict[str, str]) -> None:
        self._repeat_row = _times(attributes, "table:number-rows-repeated")
        self._cells, self._links, self._blank = [], [], 0
        if attributes.get("table:visibility") in ("collapse", "filter"):
            self._tally.add("hidden-rows", self._number + 1, count=self._repeat_row)

    def _start_cell(self, tag: str, attributes: dict[str, str]) -> None:
        self._cell = attributes
        self._pieces, self._link, self._paragraphs = [], "", 0
        if "table:formula" in attributes:
            self._tally.add("formulas", self._number + 1)
        spans = (attributes.get("table:number-columns-spanned"), attributes.get("table:number-rows-spanned"))
        if tag == CELLS[0] and any(span not in (None, "1") for span in spans):
            self._tally.add("merged-cells")

    def _start_text(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "text:p":
            if self._paragraphs:
                self._pieces.append("\n")
            self._paragraphs += 1
            self._paragraph = True
        elif tag == "text:a":
            self._link = self._link or attributes.get("xlink:href", "")
        elif tag == "text:s":
            self._pieces.append(" " * min(_times(attributes, "text:c"), MOST_BLANKS))
        elif tag == "text:tab":
            self._pieces.append("\t")
        elif tag == "text:line-break":
            self._pieces.append("\n")

    def _text(self, piece: str) -> None:
        if self._paragraph and not self._notes and self._tables == 1:
            self._pieces.append(piece)

    def _end(self, tag: str) -> None:
        if tag == "table:table":
            self._tables -= 1
            self._reading = self._reading and self._tables > 0
        elif not self._reading or self._tables != 1:
            return
        elif tag == "office:annotation":
            self._notes -= 1
        elif tag == "text:p" and not self._notes:
            self._paragraph = False
        elif tag in CELLS:
            self._end_cell()
        elif tag == "table:table-row":
            self._end_row()

    def _end_cell(self) -> None:
        times = _times(self._cell, "table:number-columns-repeated")
        text = self._value("".join(self._pieces))
        if not text and not self._link:
            self._blank += times
            return
        self._budget.check_text(len(text))
        self._budget.check_width(len(self._cells) + self._blank + times)
        self._cells += [""] * self._blank + [text] * times
        self._links += [""] * self._blank + [self._link] * times
        self._blank = 0

    def _value(self, printed: str) -> str:
        kind = self._cell.get("office:value-type", "")
        try:
            if kind in NUMBERS:
                return number_text(self._cell.get("office:value", ""))
            if kind == "date":
                return iso_text(self._cell.get("office:date-value", ""))
        except ValueError:
            self._tally.add("odd-number" if kind in NUMBERS else "impossible-date", self._number + 1)
            return printed
        return printed.upper() if kind == "boolean" else printed

    def _end_row(self) -> None:
        times = self._repeat_row
        self._budget.spend(times if self._cells else 1, len(self._cells) * times)
        if self._cells:
            cells = tuple(self._cells)
            links = tuple(self._links) if any(self._links) else ()
            self._rows += [Row(self._number + 1 + extra, cells, links) for extra in range(times)]
        self._number += times
