"""Small PDF documents as the players publish them: lines of text, or a ruled table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

_TOP = 740
_LEFT = 40
_HEIGHT = 18
_LINES = 38  # on a page
_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def paper(lines: Sequence[str]) -> bytes:
    """The lines one below the other, over as many pages as they need."""
    pages = [lines[at : at + _LINES] for at in range(0, len(lines), _LINES)] or [[]]
    return _document(
        ["\n".join(_text(_LEFT, _TOP - _HEIGHT * at, line) for at, line in enumerate(page)) for page in pages]
    )


def ruled(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> bytes:
    """A table with a line around every cell; its first row is printed again on every page."""
    edges = list(accumulate(widths, initial=_LEFT))
    header, below = rows[0], rows[1:]
    pages = [[header, *below[at : at + _LINES - 1]] for at in range(0, max(len(below), 1), _LINES - 1)]
    return _document(["\n".join(_grid(page, edges)) for page in pages])


def _grid(rows: Sequence[Sequence[str]], edges: Sequence[int]) -> Iterator[str]:
    bottom = _TOP - _HEIGHT * (len(rows) - 1) - 5
    for at, row in enumerate(rows):
        y = _TOP - _HEIGHT * at
        yield f"{edges[0]} {y + 13} m {edges[-1]} {y + 13} l S"
        yield from (_text(edge + 3, y, cell) for edge, cell in zip(edges, row, strict=False))
    yield f"{edges[0]} {bottom} m {edges[-1]} {bottom} l S"
    yield from (f"{edge} {_TOP + 13} m {edge} {bottom} l S" for edge in edges)


def _text(x: int, y: int, words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /F1 9 Tf {x} {y} Td ({escaped}) Tj ET"


def _document(contents: Sequence[str]) -> bytes:
    pages = [4 + 2 * number for number in range(len(contents))]
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{' '.join(f'{n} 0 R' for n in pages)}] /Count {len(pages)} >>".encode(),
        _FONT,
    ]
    for number, content in zip(pages, contents, strict=True):
        stream = content.encode("cp1252", "replace")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {number + 1} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream))
    return _file(objects)


def _file(objects: Sequence[bytes]) -> bytes:
    body = b"%PDF-1.4\n"
    offsets = []
    for number, item in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, item)
    places = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = len(objects) + 1
    table = b"xref\n0 %d\n0000000000 65535 f \n%b" % (count, places)
    return body + table + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(body))
