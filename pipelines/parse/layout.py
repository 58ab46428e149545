"""What a sheet says about itself around its rows: links, merged cells, hidden columns."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.parse.links import Links
from pipelines.parse.markup import local, walk
from pipelines.parse.tally import Tally
from pipelines.parse.workbook import is_true
from scraper.errors import UnreadableError


def read_layout(blocks: Iterable[bytes], part: str, links: Links, tally: Tally) -> None:
    """`blocks` may leave the rows out."""
    has_data = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal has_data
        name = local(tag)
        if name == "hyperlink":
            links.add(attributes)
        elif name == "mergeCell":
            tally.add("merged-cells")
        elif name == "col" and is_true(attributes.get("hidden")):
            tally.add("hidden-columns", count=hidden_span(attributes))
        elif name == "sheetData":
            has_data = True

    walk(blocks, part, start)
    if not has_data:
        raise UnreadableError(f"{part} is no sheet: it has no rows element.")


def hidden_span(attributes: dict[str, str]) -> int:
    """How many columns one column element describes."""
    first, last = attributes.get("min", ""), attributes.get("max", "")
    return max(1, int(last) - int(first) + 1) if first.isdecimal() and last.isdecimal() else 1
