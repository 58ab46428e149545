"""Hostile workbooks whose archive is wrong: the zip, what it holds, and what only bears the name."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.hostile.documents import BAD, FINE, Build, Case, late, raw
from tests.hostile.ods import ODS_HEADER, ods
from tests.hostile.workbooks import HEADER, SHEET, book, book_with, ole
from tests.pipelines.parse.books import (
    relationships,
    sheet_xml,
    strings_xml,
    workbook_xml,
)


def patched(change: Callable[[bytearray], None], build: Build | None = None) -> Build:
    """A good workbook whose bytes are changed after it was written."""

    def patch(path: Path) -> None:
        (build or book())(path)
        body = bytearray(path.read_bytes())
        change(body)
        path.write_bytes(body)

    return patch


def directory_entries(body: bytearray) -> list[int]:
    """Where each entry of the zip's directory begins."""
    found, place = [], body.find(b"PK\x01\x02")
    while place >= 0:
        found.append(place)
        place = body.find(b"PK\x01\x02", place + 4)
    return found


def entry_of(body: bytearray, name: str) -> int:
    return next(place for place in directory_entries(body) if body[place + 46 :].startswith(name.encode()))


def state_size(size: int) -> Callable[[bytearray], None]:
    """Let the directory lie about how large the sheet is."""

    def change(body: bytearray) -> None:
        body[(place := entry_of(body, SHEET)) + 24 : place + 28] = struct.pack("<L", size)

    return change


def overlap(body: bytearray) -> None:
    first, second, *_ = directory_entries(body)
    body[second + 42 : second + 46] = body[first + 42 : first + 46]


def say_encrypted(body: bytearray) -> None:
    place = entry_of(body, SHEET)
    body[place + 8] |= 1


def cut(body: bytearray) -> None:
    del body[len(body) // 2 :]


def flip(body: bytearray) -> None:
    """One bit in the packed sheet."""
    (offset,) = struct.unpack("<L", body[(place := entry_of(body, SHEET)) + 42 : place + 46])
    body[offset + 30 + len(SHEET) + 40] ^= 0x10


def many_entries(count: int) -> Build:
    def build(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for index in range(count):
                archive.writestr(f"p{index}", b"")

    return build


def one_entry_stated(body: bytearray) -> None:
    place = body.rfind(b"PK\x05\x06")
    body[place + 8 : place + 12] = struct.pack("<HH", 1, 1)


def twice(path: Path) -> None:
    book()(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(SHEET.upper(), sheet_xml(HEADER))


def nested_bomb() -> bytes:
    """A zip of zips of zeros, as an attachment that nobody opens."""
    body = b"\0" * 10_000_000
    for _ in range(3):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for index in range(8):
                archive.writestr(f"{index}.zip", body)
        body = buffer.getvalue()
    return body


CASES: list[Case] = [
    # zip archives
    ("ratio bomb", "xlsx", late(lambda: book(" " * 100_000_000)), BAD, "times its size"),
    ("size stated too small", "xlsx", patched(state_size(100)), BAD, "damaged"),
    ("size stated too large", "xlsx", patched(state_size(0xFFFFFFF0)), BAD, "unpacks to more than"),
    ("overlapping entries", "xlsx", patched(overlap), BAD, "overlap"),
    ("5,001 entries", "xlsx", many_entries(5_001), BAD, "more than 5,000 entries"),
    (
        "60,000 entries stated as 1",
        "xlsx",
        patched(one_entry_stated, many_entries(60_000)),
        BAD,
        "more than 5,000",
    ),
    ("a part twice", "xlsx", twice, BAD, "two parts called"),
    (
        "nested bomb nobody opens",
        "xlsx",
        late(lambda: book_with({"xl/media/a.zip": nested_bomb()})),
        FINE,
        "",
    ),
    ("encrypted entry", "xlsx", patched(say_encrypted), BAD, "is encrypted"),
    ("cut in half", "xlsx", patched(cut), BAD, "damaged zip"),
    ("a flipped bit", "xlsx", patched(flip), BAD, "damaged"),
    # other things under the name of a workbook
    ("encrypted workbook", "xlsx", raw(ole("EncryptedPackage")), BAD, "looks like an encrypted workbook"),
    ("old binary workbook", "xlsx", raw(ole("Workbook")), BAD, "old binary workbook"),
    ("a web page named xlsx", "xlsx", raw(b"\n<!DOCTYPE html><html>"), BAD, "looks like a web page; an XLSX"),
    ("a PDF named xlsx", "xlsx", raw(b"%PDF-1.7\n"), BAD, "looks like a PDF document"),
    ("JSON named xlsx", "xlsx", raw(b'{"error": 403}'), BAD, "looks like a JSON document"),
    ("empty file", "xlsx", raw(b""), BAD, "is empty; an XLSX workbook was declared"),
    ("nothing but blanks", "csv", raw(b" \n\n "), BAD, "is empty; a CSV file"),
    ("noise", "xlsx", raw(bytes(range(256)) * 40), BAD, "unknown binary data"),
    ("a spreadsheet named xlsx", "xlsx", ods(ODS_HEADER), BAD, "looks like an OpenDocument file"),
    # parts
    ("no workbook part", "xlsx", book_with({}, ("xl/workbook.xml",)), BAD, "no workbook"),
    ("no sheet part", "xlsx", book_with({}, (SHEET,)), BAD, "lacks its part xl/worksheets/sheet1.xml"),
    (
        "no shared texts",
        "xlsx",
        book('<row r="1"><c r="A1" t="s"><v>0</v></c></row>'),
        BAD,
        "refers to shared text '0'",
    ),
    (
        "shared text out of range",
        "xlsx",
        book('<row r="1"><c r="A1" t="s"><v>7</v></c></row>', strings=strings_xml("<t>a</t>")),
        BAD,
        "refers to shared text '7'; the workbook has 1",
    ),
    ("no sheet at all", "xlsx", book(workbook=workbook_xml()), BAD, "no visible sheet"),
    (
        "only hidden sheets",
        "xlsx",
        book(workbook=workbook_xml(("a", "rId1", "hidden"))),
        BAD,
        "no visible sheet",
    ),
    (
        "a workbook that is its own sheet",
        "xlsx",
        book_with({"xl/_rels/workbook.xml.rels": relationships({"rId1": ("worksheet", "workbook.xml")})}),
        BAD,
        "is no sheet",
    ),
    (
        "a package that is its own workbook",
        "xlsx",
        book_with({"_rels/.rels": relationships({"rId1": ("officeDocument", "_rels/.rels")})}),
        BAD,
        "no visible sheet",
    ),
    (
        "a path out of the archive",
        "xlsx",
        book_with(
            {"xl/_rels/workbook.xml.rels": relationships({"rId1": ("worksheet", "../../../../etc/passwd")})}
        ),
        BAD,
        "lacks its part",
    ),
]
