"""The rows of a sheet through expat: slow enough to read every sheet rightly, whatever program wrote it."""

from __future__ import annotations

from pipelines.parse.cells import Texts
from pipelines.parse.limits import Budget
from pipelines.parse.links import Links
from pipelines.parse.markup import feed, make_parser
from pipelines.parse.places import place_of
from pipelines.parse.workbook import is_true
from pipelines.values import Row


class SheetParser:
    """Feed it a sheet's XML, take the rows that are complete. Blank rows are counted but not made."""

    def __init__(self, part: str, texts: Texts, links: Links, budget: Budget) -> None:
        self.number = 0  # of the last row
        self._part = part
        self._texts = texts
        self._links = links
        self._budget = budget
        self._tally = texts.tally
        self._rows: list[Row] = []
        self._prefix = ""
        self._depth = 0
        self._in_data = False
        self._cells: list[str] = []
        self._column = -1
        self._stored = self._style = ""
        self._pieces: list[str] = []
        self._collecting = self._phonetic = self._formula = False
        self._read = 0
        self._parser = make_parser(part)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def feed(self, block: bytes, final: bool) -> list[Row]:
        feed(self._parser, block, self._part, final)
        rows, self._rows = self._rows, []
        return rows

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            self._prefix = tag[: tag.find(":") + 1]
        name = tag[len(self._prefix) :] if tag.startswith(self._prefix) else ""
        if not self._in_data:
            self._in_data = name == "sheetData"
        elif name == "c":
            self._start_cell(attributes)
        elif name in ("v", "t"):
            self._collecting = not self._phonetic
        elif name == "row":
            self._start_row(attributes)
        elif name == "f":
            self._formula = True
        elif name == "rPh":
            self._phonetic = True

    def _start_row(self, attributes: dict[str, str]) -> None:
        stated = attributes.get("r", "")
        number = int(stated) if stated.isdecimal() else self.number + 1
        if number <= self.number:
            self._tally.add("row-order", number)
        self.number = number
        self._cells = []
        self._column = -1
        self._read = 0
        if is_true(attributes.get("hidden")):
            self._tally.add("hidden-rows", number)

    def _start_cell(self, attributes: dict[str, str]) -> None:
        place = place_of(attributes.get("r", ""))
        if place is None:
            self._column += 1
        else:
            self._column = place[1]
            if place[0] != self.number:
                self._tally.add("out-of-place", self.number)
        self._budget.check_width(self._column + 1)
        self._stored = attributes.get("t", "")
        self._style = attributes.get("s", "")
        self._pieces = []
        self._formula = False
        self._read += 1

    def _text(self, piece: str) -> None:
        if self._collecting:
            self._pieces.append(piece)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if not self._in_data or not tag.startswith(self._prefix):
            return
        name = tag[len(self._prefix) :]
        if name in ("v", "t"):
            self._collecting = False
        elif name == "c":
            self._end_cell()
        elif name == "row":
            self._end_row()
        elif name == "rPh":
            self._phonetic = False
        elif name == "sheetData":
            self._ignore_the_rest()

    def _ignore_the_rest(self) -> None:
        """What stands after the rows has been read before them."""
        self._in_data = False
        self._parser.StartElementHandler = None
        self._parser.EndElementHandler = None
        self._parser.CharacterDataHandler = None

    def _end_cell(self) -> None:
        value = "".join(self._pieces)
        if self._formula:
            self._tally.add("formulas" if value else "formulas-without-value", self.number)
        if not value:
            return
        self._budget.check_text(len(value))
        text = self._texts.tolerant(self._stored, self._style, value, self.number)
        if self._column >= len(self._cells):
            self._cells += [""] * (self._column + 1 - len(self._cells))
        self._cells[self._column] = text

    def _end_row(self) -> None:
        self._budget.spend(1, self._read)
        if any(self._cells):
            cells = tuple(self._cells)
            links = self._links.aligned([self.number], max(len(cells), self._links.reach))[0]
            self._rows.append(Row(self.number, cells, links))
