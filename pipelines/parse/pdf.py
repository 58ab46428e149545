"""The tables of PDF documents, and their text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipelines.parse.table import Limits, Reading, check_size, framed
from pipelines.values import Finding, Row, Table
from scraper.errors import UnreadableError

PAGES = 40  # of which the text is read
MOST_TEXT = 2_000_000
Box = tuple[float, float, float, float]
# For each row the texts and the links of its cells.
PrintedTable = list[tuple[list[str], list[str]]]


def read(path: Path, options: Mapping[str, str], limits: Limits) -> Table:
    """The tables of all pages as one, where their headers agree. It takes no options."""
    del options
    check_size(path, limits.max_bytes_held)
    reading = Reading(limits)
    header, fitted = framed(_joined(_tables(path), reading), lambda _: (), reading)
    return Table(header, fitted, None, reading.findings)


def _tables(path: Path) -> Iterator[PrintedTable]:
    """In the order of the pages."""
    import pdfplumber  # here, so that whoever reads no PDF never waits for it

    try:
        with pdfplumber.open(path) as document:
            for page in document.pages:
                yield from _tables_of(page)
                page.close()
    except (UnreadableError, MemoryError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise UnreadableError(f"The PDF document cannot be read: {reason}.") from error


def _tables_of(page: Any) -> Iterator[PrintedTable]:
    links = [(_box(link), link["uri"]) for link in page.hyperlinks if link.get("uri")]
    for table in page.find_tables():
        rows = [
            ([text or "" for text in cells], [_link_in(box, links) for box in row.cells])
            for cells, row in zip(table.extract(), table.rows, strict=True)
        ]
        if rows:
            yield rows


def _box(thing: dict[str, Any]) -> Box:
    return (thing["x0"], thing["top"], thing["x1"], thing["bottom"])


def _link_in(cell: Box | None, links: list[tuple[Box, str]]) -> str:
    """The address whose clickable box has its middle in the cell."""
    if cell is None:
        return ""
    for (left, top, right, bottom), address in links:
        across, down = (left + right) / 2, (top + bottom) / 2
        if cell[0] <= across <= cell[2] and cell[1] <= down <= cell[3]:
            return address
    return ""


def _joined(tables: Iterator[PrintedTable], reading: Reading) -> list[Row]:
    """One list of rows: a header that is printed again on every page is left out."""
    header: list[str] | None = None
    rows: list[Row] = []
    others = 0
    for table in tables:
        first = [" ".join(cell.split()).casefold() for cell in table[0][0]]
        if header is None:
            header = first
        elif first == header:
            table = table[1:]
        elif len(first) != len(header):
            others += 1
            continue
        for cells, links in table:
            reading.spend(1, len(cells))
            reading.check_width(len(cells))
            texts = tuple(" ".join(cell.split()) for cell in cells)
            rows.append(Row(len(rows) + 1, texts, tuple(links) if any(links) else ()))
    if header is None:
        raise UnreadableError("The PDF document has no table.")
    if others:
        reading.findings.append(Finding("extra-tables", f"{others} tables of another width were not read"))
    return rows


def print_text(path: Path) -> Iterator[int | str]:
    """In the helper: how many pages a document has, and the text of the first PAGES of them."""
    from pypdf import PdfReader

    try:
        pages = PdfReader(path).pages
        text = "\n".join(page.extract_text() or "" for page in pages[:PAGES])
    except MemoryError:
        raise
    except Exception as error:
        raise UnreadableError(f"{type(error).__name__}: {error}") from error
    yield len(pages)
    yield text[:MOST_TEXT]
