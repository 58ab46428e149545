"""Workbooks (Office Open XML): zip, then the links, then one pass over the rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from pipelines.parse.cells import Texts
from pipelines.parse.frame import LOOK_AHEAD, Fit, framed
from pipelines.parse.layout import Blocks, read_layout
from pipelines.parse.limits import Budget, Limits
from pipelines.parse.links import Links
from pipelines.parse.package import Package
from pipelines.parse.pieces import Repeated, read_pieces
from pipelines.parse.quick import WIDEST, QuickRows, widest
from pipelines.parse.relationships import read_targets
from pipelines.parse.sheet import SheetParser
from pipelines.parse.strings import read_strings
from pipelines.parse.styles import read_kinds
from pipelines.parse.tally import Tally
from pipelines.parse.workbook import choose_sheet, read_modified, read_workbook
from pipelines.values import Finding, Row, Table

# What stands after the rows has been read, and been found whole, when the links were read.
ROWS = Repeated(re.compile(rb"<sheetData\b[^>]*>"), b"</row>", b"</sheetData", only=True)
PIECES_AHEAD = 8
MACROS = "vbaproject.bin"


def read(path: Path, options: Mapping[str, str], limits: Limits, quickly: bool = True) -> Table:
    """`options["sheet"]` names the sheet; without it the first visible one is read.

    Not `quickly` means that every row goes through expat; the table is the same.
    """
    findings: list[Finding] = []
    tally = Tally()
    budget = Budget(limits)
    package = Package(path, limits)
    workbook = read_workbook(package)
    sheet = choose_sheet(workbook, package, options.get("sheet", ""), findings)
    if any(name.endswith(MACROS) for name in package.names):
        findings.append(Finding("macros", "The workbook carries macros; they were not run"))
    strings = read_strings(
        package, workbook.related("sharedStrings", "xl/sharedStrings.xml", package), budget
    )
    kinds = read_kinds(package, workbook.related("styles", "xl/styles.xml", package))
    links = Links(read_targets(package, sheet.part, limits), limits)
    blocks = package.reader(sheet.part)
    read_layout(blocks, sheet.part, links, tally)
    rows = SheetRows(sheet.part, Texts(kinds, workbook.since_1904, strings, tally), links, budget, quickly)
    batches = budget.timed(rows.batches(blocks))

    def rest(fit: Fit) -> Iterator[Iterable[Row]]:
        rows.settle(fit.width)
        for batch in batches:
            yield fit.clean(batch) if rows.clean else fit.rows(batch)

    header, fitted = framed(_ahead(batches), lambda fit: chain.from_iterable(rest(fit)), tally, findings)
    return Table(header, fitted, read_modified(package), findings)


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

    def __init__(self, part: str, texts: Texts, links: Links, budget: Budget, quickly: bool) -> None:
        self.clean = False  # whether the last batch is as wide as the table and holds no odd characters
        self._texts = texts
        self._links = links
        self._budget = budget
        self._parser = SheetParser(part, texts, links, budget)
        self._quickly_too = quickly
        self._width: int | None = None  # of the table
        self._quick: QuickRows | None = None

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
            self._quick = QuickRows(width, self._texts, self._links, self._budget)
        rows = self._quick.read(xml, self._parser.number)
        if rows:
            self._parser.number = rows[-1].number
            self.clean = self._quick.clean
        return rows
