"""What a sheet says around its rows: links, merged cells, hidden columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pipelines.parse.links import Links
from pipelines.parse.markup import feed, local, make_parser
from pipelines.parse.pieces import Repeated, hides_tags, is_plain_start, read_pieces
from pipelines.parse.tally import Tally
from pipelines.parse.workbook import is_true
from scraper.errors import UnreadableError

HYPERLINKS = Repeated(re.compile(rb"<hyperlinks\b[^>]*>"), b"/>", b"</hyperlinks")
OPENING, CLOSING = b"<sheetData>", b"</sheetData>"

Blocks = Callable[[], Iterator[bytes]]


def around_rows(blocks: Blocks) -> Iterator[bytes]:
    """The sheet without its rows where its bytes tell for sure where they end, else the whole sheet."""
    stream = blocks()
    within = next(stream, b"")
    start = within.find(OPENING) + len(OPENING)
    head, within = within[:start], within[start:]
    if not head.endswith(OPENING) or not is_plain_start(head):
        within = b""
    while within:
        end = within.find(CLOSING)
        if hides_tags(within[: end if end >= 0 else None]):
            break
        if end >= 0:
            yield head + within[end:]
            yield from stream
            return
        block = next(stream, b"")
        within = within[-len(CLOSING) :] + block if block else b""
    yield from blocks()


def read_layout(blocks: Blocks, part: str, links: Links, tally: Tally) -> None:
    has_data = False
    parser = make_parser(part)

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal has_data
        name = local(tag)
        if name == "hyperlink":
            links.add(attributes)
        elif name == "mergeCell":
            tally.add("merged-cells")
        elif name == "col" and is_true(attributes.get("hidden")):
            tally.add("hidden-columns", count=_span(attributes))
        elif name == "sheetData":
            has_data = True

    def slow(piece: bytes, final: bool) -> list[None]:
        feed(parser, piece, part, final)
        return []

    parser.StartElementHandler = start
    for _ in read_pieces(around_rows(blocks), HYPERLINKS, slow, links.quick):
        pass
    if not has_data:
        raise UnreadableError(f"{part} is no sheet: it has no element for rows.")


def _span(attributes: dict[str, str]) -> int:
    """How many columns one column element describes."""
    first, last = attributes.get("min", ""), attributes.get("max", "")
    return max(1, int(last) - int(first) + 1) if first.isdecimal() and last.isdecimal() else 1
