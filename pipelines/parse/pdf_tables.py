"""The helper process of `pdf`: prints the tables of one document as JSON, within its memory and time."""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

Box = tuple[float, float, float, float]


def limit(memory: int, seconds: int) -> None:
    """Of this process: bytes of address space, seconds of CPU."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def tables(path: str) -> list[list[tuple[list[str], list[str]]]]:
    """For each table its rows, for each row the texts and the links of its cells."""
    import pdfplumber  # after the limits are set

    found = []
    with pdfplumber.open(path) as document:
        for page in document.pages:
            links = [(_box(link), link["uri"]) for link in page.hyperlinks if link.get("uri")]
            for table in page.find_tables():
                texts = table.extract()
                rows = [
                    ([text or "" for text in cells], [_link_in(box, links) for box in row.cells])
                    for cells, row in zip(texts, table.rows, strict=True)
                ]
                if rows:
                    found.append(rows)
            page.close()
    return found


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


def main() -> int:
    path, memory, seconds = sys.argv[1:]
    limit(int(memory), int(seconds))
    try:
        sys.stdout.write(json.dumps(tables(path)))
    except MemoryError:
        sys.stderr.write("it needs more memory than it may have\n")
        return 1
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
