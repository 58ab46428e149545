"""Workbooks (Office Open XML): zip, then the links, then one pass over the rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from pathlib import Path

from pipelines.parse.package import OwnNames, Package, XmlParser
from pipelines.parse.table import LOOK_AHEAD, Fit, Limits, Reading, framed
from pipelines.parse.xlsx_cells import ESCAPED, Links, Texts, place_of
from pipelines.parse.xlsx_fast import WIDEST, FastRows, Repeated, read_pieces, widest
from pipelines.parse.xlsx_parts import (
    Blocks,
    choose_sheet,
    is_true,
    read_kinds,
    read_layout,
    read_modified,
    read_strings,
    read_targets,
    read_workbook,
)
from pipelines.values import Finding, Row, Table

# What stands after the rows has been read, and been found whole, when the links were read.
ROWS = Repeated(re.compile(rb"<sheetData>"), b"</row>", b"</sheetData", only=True)
PIECES_AHEAD = 8
MACROS = "vbaproject.bin"


def read(path: Path, options: Mapping[str, str], limits: Limits, quickly: bool = True) -> Table:
    """`options["sheet"]` names the sheet; without it the first visible one is read.

    Not `quickly` means that every row goes through expat; the table is the same.
    """
    reading = Reading(limits)
    package = Package(path, reading)
    workbook = read_workbook(package)
    sheet = choose_sheet(workbook, package, options.get("sheet", ""), reading.findings)
    if any(name.endswith(MACROS) for name in package.names):
        reading.findings.append(Finding("macros", "The workbook carries macros; they were not run"))
    strings = read_strings(
        package, workbook.related("sharedStrings", "xl/sharedStrings.xml", package), reading
    )
    kinds = read_kinds(package, workbook.related("styles", "xl/styles.xml", package))
    links = Links(read_targets(package, sheet.part, limits), limits)
    blocks = package.reader(sheet.part)
    read_layout(blocks, sheet.part, links, reading)
    rows = SheetRows(sheet.part, Texts(kinds, workbook.since_1904, strings, reading), links, reading, quickly)
    batches = reading.timed(rows.batches(blocks))

    def rest(fit: Fit) -> Iterator[Iterable[Row]]:
        rows.settle(fit.width)
        for batch in batches:
            yield fit.clean(batch) if rows.clean else fit.rows(batch)

    header, fitted = framed(_ahead(batches), lambda fit: chain.from_iterable(rest(fit)), reading)
    return Table(header, fitted, read_modified(package), reading.findings)


def last_edited(path: Path, limits: Limits) -> datetime | None:
    return read_modified(Package(path, Reading(limits)))


def _ahead(batches: Iterator[list[Row]]) -> list[Row]:
    """The first rows: enough of them, or what there is in the first pieces when most rows are blank."""
    ahead: list[Row] = []
    for place, batch in enumerate(batches):
        ahead += [row for row in batch if any(row.cells)]
        if len(ahead) >= LOOK_AHEAD or (ahead and place >= PIECES_AHEAD):
            break
    return ahead


class SheetRows:
    """Quickly wherever the XML has the common shape, else through expat."""

    def __init__(self, part: str, texts: Texts, links: Links, reading: Reading, quickly: bool) -> None:
        self.clean = False  # whether the last batch is as wide as the table and holds no odd characters
        self._texts = texts
        self._links = links
        self._reading = reading
        self._parser = SheetParser(part, texts, links, reading)
        self._quickly_too = quickly
        self._width: int | None = None  # of the table
        self._quick: FastRows | None = None

    def settle(self, width: int) -> None:
        """From here on the table's width is known."""
        self._width = width
        if self._quick and self._quick.width != width:
            self._quick = None

    def batches(self, blocks: Blocks) -> Iterator[list[Row]]:
        return read_pieces(blocks(), ROWS, self._slowly, self._quickly)

    def _slowly(self, piece: bytes, final: bool) -> list[Row]:
        self.clean = False
        return self._parser.feed(piece, final)

    def _quickly(self, xml: str) -> list[Row] | None:
        if not self._quickly_too:
            return None
        if self._quick is None:
            width = widest(xml) if self._width is None else self._width
            if width > WIDEST:
                return None
            self._quick = FastRows(width, self._texts, self._links, self._reading)
        rows = self._quick.read(xml, self._parser.number)
        if rows:
            self._parser.number = rows[-1].number
            self.clean = self._quick.clean
        return rows


class SheetParser:
    """Feed it a sheet's XML, take the rows that are complete. Blank rows are counted but not made."""

    def __init__(self, part: str, texts: Texts, links: Links, reading: Reading) -> None:
        self.number = 0  # of the last row
        self._texts = texts
        self._links = links
        self._reading = reading
        self._rows: list[Row] = []
        self._names = OwnNames()
        self._in_data = False
        self._cells: list[str] = []
        self._column = -1
        self._stored = self._style = ""
        self._pieces: list[str] = []
        self._length = 0
        self._collecting = self._phonetic = self._formula = False
        self._read = 0
        self._parser = XmlParser(part, self._start, self._end, self._text)

    def feed(self, block: bytes, final: bool) -> list[Row]:
        self._parser.feed(block, final)
        rows, self._rows = self._rows, []
        return rows

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = self._names[tag]
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
        number = int(stated) if stated.isdecimal() and len(stated) <= 9 else self.number + 1
        if number <= self.number:
            self._reading.note("row-order", number)
        self.number = number
        self._cells = []
        self._column = -1
        self._read = 0
        if is_true(attributes.get("hidden")):
            self._reading.note("hidden-rows", number)

    def _start_cell(self, attributes: dict[str, str]) -> None:
        place = place_of(attributes.get("r", ""))
        if place is None:
            self._column += 1
        else:
            self._column = place[1]
            if place[0] != self.number:
                self._reading.note("out-of-place", self.number)
        self._reading.check_width(self._column + 1)
        self._stored = attributes.get("t", "")
        self._style = attributes.get("s", "")
        self._pieces = []
        self._length = 0
        self._formula = False
        self._read += 1

    def _text(self, piece: str) -> None:
        if self._collecting:
            self._pieces.append(piece)
            self._length += len(piece)
            self._reading.check_text(self._length // ESCAPED)

    def _end(self, tag: str) -> None:
        if not self._in_data:
            return
        name = self._names[tag]
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
        self._parser.handle(None, None, None)

    def _end_cell(self) -> None:
        value = "".join(self._pieces)
        if self._formula:
            self._reading.note("formulas" if value else "formulas-without-value", self.number)
        if not value:
            return
        text = self._texts.tolerant(self._stored, self._style, value, self.number)
        if self._column >= len(self._cells):
            self._cells += [""] * (self._column + 1 - len(self._cells))
        self._cells[self._column] = text

    def _end_row(self) -> None:
        self._reading.spend(1, self._read)
        if any(self._cells):
            cells = tuple(self._cells)
            links = self._links.aligned([self.number], max(len(cells), self._links.reach))[0]
            self._rows.append(Row(self.number, cells, links))
