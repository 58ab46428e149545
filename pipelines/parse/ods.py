"""OpenDocument spreadsheets: the first sheet of content.xml, in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path

from pipelines.parse.package import Package, XmlParser, walk
from pipelines.parse.table import LOOK_AHEAD, Fit, Limits, Reading, framed, iso_text, number_text
from pipelines.values import Finding, Row, Table
from scraper.errors import UnreadableError

OFFICE, TABLE, TEXT = (
    f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0}}" for name in ("office", "table", "text")
)
LINK = "http://www.w3.org/1999/xlink}href"
DATE = "http://purl.org/dc/elements/1.1/}date"
CELLS = (f"{TABLE}table-cell", f"{TABLE}covered-table-cell")
NUMBERS = ("float", "percentage", "currency")
MOST_BLANKS = 1_000
CONTENT = "content.xml"
META = "meta.xml"
MANIFEST = "META-INF/manifest.xml"


def read(path: Path, options: Mapping[str, str], limits: Limits) -> Table:
    """`options["sheet"]` names the sheet; without it the first one is read."""
    reading = Reading(limits)
    package = Package(path, reading)
    if MANIFEST in package and b"encryption-data" in b"".join(package.blocks(MANIFEST)):
        raise UnreadableError("The file looks like an encrypted spreadsheet.")
    if any(name.startswith("basic/") for name in package.names):
        reading.findings.append(Finding("macros", "The spreadsheet carries macros; they were not run"))
    parser = SheetParser(options.get("sheet", ""), reading)
    rows = chain.from_iterable(reading.timed(_batches(package, parser)))
    ahead = list(islice(rows, LOOK_AHEAD))

    def rest(fit: Fit) -> Iterator[Row]:
        yield from fit.rows(rows)
        if parser.others:
            names = ", ".join(map(repr, parser.others))
            reading.findings.append(
                Finding("extra-sheets", f"Only one sheet was read; there is also {names}")
            )

    header, fit = framed(ahead, rest, reading)
    return Table(header, fit, _modified(package), reading.findings)


def _batches(package: Package, parser: SheetParser) -> Iterator[Iterator[Row]]:
    for block in package.blocks(CONTENT):
        yield parser.feed(block, False)
    yield parser.feed(b"", True)
    if not parser.found:
        raise UnreadableError("The spreadsheet has no sheet of that name, or none at all.")


def last_edited(path: Path, limits: Limits) -> datetime | None:
    return _modified(Package(path, Reading(limits)))


def _modified(package: Package) -> datetime | None:
    """The time of the last edit as the document states it; None when it states none or rubbish."""
    texts: list[str] = []
    inside = False

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal inside
        inside = tag == DATE

    def text(piece: str) -> None:
        if inside:
            texts.append(piece)

    def end(tag: str) -> None:
        nonlocal inside
        inside = inside and tag != DATE

    if META not in package:
        return None
    try:
        walk(package.blocks(META), META, start, end, text)
        moment = datetime.fromisoformat("".join(texts).strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (UnreadableError, ValueError, OverflowError):
        return None


def _times(attributes: dict[str, str], name: str) -> int:
    stated = attributes.get(name, "1")
    return max(1, int(stated[:9])) if stated.isdecimal() else 1


class SheetParser:
    """Feed it content.xml, take the rows of the wanted sheet that are complete. Blank rows are not made."""

    def __init__(self, wanted: str, reading: Reading) -> None:
        self.found = False
        self.others: list[str] = []
        self._wanted = wanted.casefold()
        self._reading = reading
        self._rows: list[tuple[Row, int]] = []
        self._tables = 0  # how deep in tables (a cell may hold one)
        self._inside = False
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
        self._parser = XmlParser(CONTENT, self._start, self._end, self._text)

    def feed(self, block: bytes, final: bool) -> Iterator[Row]:
        self._parser.feed(block, final)
        rows, self._rows = self._rows, []
        return _repeated(rows)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == f"{TABLE}table":
            self._start_table(attributes.get(f"{TABLE}name", ""))
        elif not self._inside or self._tables != 1:
            return
        elif tag in CELLS:
            self._start_cell(tag, attributes)
        elif tag == f"{TABLE}table-row":
            self._start_row(attributes)
        elif tag == f"{OFFICE}annotation":
            self._notes += 1
        elif not self._notes:
            self._start_text(tag, attributes)

    def _start_table(self, name: str) -> None:
        self._tables += 1
        if self._tables == 1:
            self._inside = not self.found and self._wanted in ("", name.casefold())
            self.found = self.found or self._inside
            if not self._inside:
                self.others.append(name)

    def _start_row(self, attributes: dict[str, str]) -> None:
        self._repeat_row = _times(attributes, f"{TABLE}number-rows-repeated")
        self._cells, self._links, self._blank = [], [], 0
        if attributes.get(f"{TABLE}visibility") in ("collapse", "filter"):
            self._reading.note("hidden-rows", self._number + 1, count=self._repeat_row)

    def _start_cell(self, tag: str, attributes: dict[str, str]) -> None:
        self._cell = attributes
        self._pieces, self._link, self._paragraphs = [], "", 0
        if f"{TABLE}formula" in attributes:
            self._reading.note("formulas", self._number + 1)
        spans = (
            attributes.get(f"{TABLE}number-columns-spanned"),
            attributes.get(f"{TABLE}number-rows-spanned"),
        )
        if tag == CELLS[0] and any(span not in (None, "1") for span in spans):
            self._reading.note("merged-cells")

    def _start_text(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == f"{TEXT}p":
            if self._paragraphs:
                self._pieces.append("\n")
            self._paragraphs += 1
            self._paragraph = True
        elif tag == f"{TEXT}a":
            self._link = self._link or attributes.get(LINK, "")
        elif tag == f"{TEXT}s":
            self._pieces.append(" " * min(_times(attributes, f"{TEXT}c"), MOST_BLANKS))
        elif tag == f"{TEXT}tab":
            self._pieces.append("\t")
        elif tag == f"{TEXT}line-break":
            self._pieces.append("\n")

    def _text(self, piece: str) -> None:
        if self._paragraph and not self._notes and self._tables == 1:
            self._pieces.append(piece)

    def _end(self, tag: str) -> None:
        if tag == f"{TABLE}table":
            self._tables -= 1
            self._inside = self._inside and self._tables > 0
        elif not self._inside or self._tables != 1:
            return
        elif tag == f"{OFFICE}annotation":
            self._notes -= 1
        elif tag == f"{TEXT}p" and not self._notes:
            self._paragraph = False
        elif tag in CELLS:
            self._end_cell()
        elif tag == f"{TABLE}table-row":
            self._end_row()

    def _end_cell(self) -> None:
        times = _times(self._cell, f"{TABLE}number-columns-repeated")
        text = self._value("".join(self._pieces))
        if not text and not self._link:
            self._blank += times
            return
        self._reading.check_text(len(text))
        self._reading.check_width(len(self._cells) + self._blank + times)
        self._cells += [""] * self._blank + [text] * times
        self._links += [""] * self._blank + [self._link] * times
        self._blank = 0

    def _value(self, printed: str) -> str:
        kind = self._cell.get(f"{OFFICE}value-type", "")
        try:
            if kind in NUMBERS:
                return number_text(self._cell.get(f"{OFFICE}value", ""))
            if kind == "date":
                return iso_text(self._cell.get(f"{OFFICE}date-value", ""))
        except ValueError:
            self._reading.note("odd-number" if kind in NUMBERS else "impossible-date", self._number + 1)
            return printed
        return printed.upper() if kind == "boolean" else printed

    def _end_row(self) -> None:
        times = self._repeat_row
        self._reading.spend(times if self._cells else 1, len(self._cells) * times)
        if self._cells:
            links = tuple(self._links) if any(self._links) else ()
            self._rows.append((Row(self._number + 1, tuple(self._cells), links), times))
        self._number += times


def _repeated(rows: list[tuple[Row, int]]) -> Iterator[Row]:
    """One after the other: a row that is repeated without end is refused before the end."""
    for row, times in rows:
        for extra in range(times):
            yield row._replace(number=row.number + extra)
