"""Tables of web pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urljoin

import lxml.html
from lxml import etree

from pipelines.parse.table import ENCODINGS, Limits, Reading, check_items, check_size, framed
from pipelines.values import Finding, Row, Table
from scraper.errors import UnreadableError

DECLARED = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
UNSEEN = ("script", "style", "template", "noscript", "table")
# What the standard for web pages allows.
MOST_COLUMNS, MOST_ROWS = 1_000, 65_534


def read(path: Path, options: Mapping[str, str], limits: Limits) -> Table:
    """`options["table"]` is a text of the wanted table's header or its place on the page (1 is the first);
    without it the table with most rows is read. `options["base_url"]` makes links absolute.
    """
    check_size(path, limits.max_bytes_held)
    reading = Reading(limits)
    body = path.read_bytes()
    check_items(body.count(b"<"), limits)
    page = _page(body, reading.findings)
    base = urljoin(options.get("base_url", ""), next(iter(page.xpath("//base/@href")), ""))
    tables = [(table, _own_rows(table)) for table in page.iter("table")]
    table = _choose(tables, options.get("table", ""))
    header, fitted = framed(_grid(table, base, reading), lambda _: (), reading, ragged=True)
    return Table(header, fitted, None, reading.findings)


def _page(body: bytes, findings: list[Finding]) -> lxml.html.HtmlElement:
    parser = lxml.html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        page = lxml.html.document_fromstring(_decoded(body, findings).encode(), parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise UnreadableError(f"The web page cannot be read: {error}.") from error
    return page


def _decoded(body: bytes, findings: list[Finding]) -> str:
    """By byte order mark, else UTF-8 when every byte agrees, else as declared, else Windows-1252."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    declared = DECLARED.search(body[:4096])
    name = declared[1].decode("ascii", "replace") if declared else "none"
    if declared and name.lower() not in ENCODINGS:
        raise UnreadableError(f"The page is written in {name[:40]!r}, which is no encoding of lists.")
    try:
        return body.decode(name if name.lower() not in ("utf-8", "utf8") else "none")
    except (LookupError, UnicodeDecodeError):
        text = (
            f"The page is not UTF-8 and its declared encoding ({name}) is wrong; it was read as Windows-1252"
        )
        findings.append(Finding("encoding", text))
        return body.decode("cp1252", "replace")


def _own_rows(table: lxml.html.HtmlElement) -> list[lxml.html.HtmlElement]:
    """The rows of the table itself, not of tables inside it."""
    return table.xpath("./tr | ./thead/tr | ./tbody/tr | ./tfoot/tr")  # type: ignore[no-any-return]


Rows = list[lxml.html.HtmlElement]


def _choose(tables: list[tuple[lxml.html.HtmlElement, Rows]], wanted: str) -> Rows:
    if not tables:
        raise UnreadableError("The web page has no table.")
    if wanted.isdecimal():
        if not 1 <= int(wanted) <= len(tables):
            raise UnreadableError(f"The web page has {len(tables)} tables; there is no table {wanted}.")
        return tables[int(wanted) - 1][1]
    if wanted:
        looked_for = " ".join(wanted.split()).casefold()
        tables = [pair for pair in tables if pair[1] and looked_for in _words(pair[1][0]).casefold()]
        if not tables:
            raise UnreadableError(f"No table of the web page has {wanted!r} in its header.")
    return max((rows for _, rows in tables), key=len)


def _grid(rows: Rows, base: str, reading: Reading) -> Iterator[Row]:
    """Rows with spans undone: a cell that spans rows stands in each, one that spans columns in the first."""
    hanging: dict[int, tuple[int, str, str]] = {}
    for number, element in enumerate(rows, 1):
        cells: dict[int, str] = {}
        links: dict[int, str] = {}
        for column, (_, text, link) in hanging.items():
            cells[column], links[column] = text, link
        after = {column: (left - 1, *rest) for column, (left, *rest) in hanging.items() if left > 1}
        column = 0
        for cell in element.iterchildren("td", "th"):
            while column in cells:
                column += 1
            text, link = _words(cell), _link(cell, base, number, reading)
            reading.check_text(len(text))
            wide, high = _span(cell, "colspan", MOST_COLUMNS), _span(cell, "rowspan", MOST_ROWS)
            reading.check_width(column + wide)
            if _is_hidden(cell):
                reading.note("hidden-cells", number)
            for extra in range(wide):
                shown = (text, link) if extra == 0 else ("", "")
                cells[column + extra], links[column + extra] = shown
                if high > 1:
                    after[column + extra] = (high - 1, *shown)
            column += wide
        hanging = after  # type: ignore[assignment]
        reading.spend(1, len(cells))
        if _is_hidden(element):
            reading.note("hidden-rows", number)
        width = max(cells, default=-1) + 1
        beside = tuple(links.get(index, "") for index in range(width))
        yield Row(
            number, tuple(cells.get(index, "") for index in range(width)), beside if any(beside) else ()
        )


def _is_hidden(element: lxml.html.HtmlElement) -> bool:
    style = element.get("style", "").replace(" ", "").casefold()
    return element.get("hidden") is not None or "display:none" in style


def _span(cell: lxml.html.HtmlElement, name: str, most: int) -> int:
    printed = cell.get(name, "1").strip()
    if not printed.isdecimal():
        return 1
    number = int(printed[:9])
    return min(number, most) if number else (most if name == "rowspan" else 1)


def _words(element: lxml.html.HtmlElement) -> str:
    """The text that a reader sees, with single blanks; tables inside it are left out."""
    return " ".join("".join(_pieces(element)).split())


def _pieces(element: lxml.html.HtmlElement) -> Iterator[str]:
    inside = 0
    for event, node in etree.iterwalk(element, events=("start", "end", "comment", "pi")):
        unseen = isinstance(node.tag, str) and node.tag in UNSEEN and node is not element
        if event == "start":
            inside += unseen
            if node.tag in ("br", "p", "div", "li", "td", "th"):
                yield " "
            if not inside and node.text:
                yield node.text
        elif event == "end":
            inside -= unseen
        if event != "start" and not inside and node.tail and node is not element:
            yield node.tail


def _link(cell: lxml.html.HtmlElement, base: str, number: int, reading: Reading) -> str:
    found: list[str] = [
        anchor.get("href").strip()
        for anchor in cell.iter("a")
        if anchor.get("href") and next(anchor.iterancestors("table"), None) is _table_of(cell)
    ]
    if len(set(found)) > 1:
        reading.note("several-links", number)
    if not found:
        return ""
    try:
        return urljoin(base, found[0])
    except ValueError:  # an address that is none is kept as it stands
        return found[0]


def _table_of(cell: lxml.html.HtmlElement) -> lxml.html.HtmlElement | None:
    return next(cell.iterancestors("table"), None)
