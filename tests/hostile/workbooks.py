"""Workbooks in XLSX to be spoilt: whole ones, and with parts added, replaced or left out."""

from __future__ import annotations

from pathlib import Path

from tests.hostile.documents import Build
from tests.pipelines.parse.books import (
    parts,
    row,
    sheet_xml,
    write,
)

HEADER = row(1, "STATE", "AGENCY", "SIGNED")
LINE = row(2, "OHIO", "Police", "2025-05-08")
SHEET = "xl/worksheets/sheet1.xml"


def book(rows: str = HEADER + LINE, after: str = "", before: str = "", **more: str | None) -> Build:
    return lambda path: write(path, parts(sheet_xml(rows, before, after), **more))


def book_with(extra: dict[str, str | bytes], without: tuple[str, ...] = ()) -> Build:
    """A good workbook with parts added, replaced or left out."""

    def build(path: Path) -> None:
        contents = {**parts(sheet_xml(HEADER + LINE)), **extra}
        write(path, {name: body for name, body in contents.items() if name not in without})

    return build


def ole(stream: str) -> bytes:
    """The magic number and one directory entry of an OLE2 file."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + stream.encode("utf-16-le") + b"\0" * 512
