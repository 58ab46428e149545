"""Hostile documents in OpenDocument."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tests.hostile.documents import BAD, ENTITIES, FINE, Build, Case
from tests.hostile.workbooks import book

ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"


def ods(body: str, prolog: str = "", **more: str) -> Build:
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = (
        f"{prolog}<office:document-content {names}><office:body><office:spreadsheet>"
        f'<table:table table:name="a">{body}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )

    def build(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("mimetype", ODS_TYPE, zipfile.ZIP_STORED)
            archive.writestr("content.xml", content)
            for name, text in more.items():
                archive.writestr(name.replace("__", "/"), text)

    return build


def ods_row(*texts: str, repeated: int = 1, cells_repeated: int = 1) -> str:
    cells = "".join(
        f'<table:table-cell office:value-type="string" table:number-columns-repeated="{cells_repeated}">'
        f"<text:p>{text}</text:p></table:table-cell>"
        for text in texts
    )
    return f'<table:table-row table:number-rows-repeated="{repeated}">{cells}</table:table-row>'


ODS_HEADER = ods_row("STATE", "AGENCY")
CASES: list[Case] = [
    (
        "blank cells without end",
        "ods",
        ods(ODS_HEADER + ods_row("a", "b") + ods_row("", repeated=10**9, cells_repeated=10**9)),
        FINE,
        "",
    ),
    (
        "a cell without end",
        "ods",
        ods(ODS_HEADER + ods_row("a", cells_repeated=10**9)),
        BAD,
        "more than 2,000 col",
    ),
    (
        "a row without end",
        "ods",
        ods(ODS_HEADER + ods_row("a", repeated=10**9)),
        BAD,
        "more than 2,000,000 rows",
    ),
    (
        "a long cell 1,900 times",
        "ods",
        ods(ODS_HEADER + ods_row("x" * 1_000_000, cells_repeated=1_900)),
        BAD,
        "more than 32,767 characters",
    ),
    (
        "a cell as long as it may be, 1,900 times",
        "ods",
        ods(ODS_HEADER + ods_row("x" * 32_767, cells_repeated=1_900)),
        BAD,
        "A row holds more than 2,000,000 characters",
    ),
    (
        "long rows repeated without end",
        "ods",
        ods(ODS_HEADER + ods_row("x" * 32_000, cells_repeated=25, repeated=1_900_000)),
        BAD,
        "more than 1,000,000,000 characters|more memory",
    ),
    (
        "a hundred thousand rows in one",
        "ods",
        ods(ODS_HEADER + ods_row("a", "b", repeated=100_000)),
        FINE,
        "",
    ),
    (
        "OpenDocument in punycode",
        "ods",
        ods(ODS_HEADER, prolog='<?xml version="1.0" encoding="punycode"?>'),
        BAD,
        "no encoding of lists",
    ),
    ("blanks without end", "ods", ods(ods_row("a") + ods_row('x<text:s text:c="999999999"/>y')), FINE, ""),
    ("entities in OpenDocument", "ods", ods(ODS_HEADER, prolog=ENTITIES), BAD, "document type"),
    (
        "an encrypted spreadsheet",
        "ods",
        ods(ODS_HEADER, **{"META-INF__manifest.xml": "<manifest:encryption-data/>"}),
        BAD,
        "encrypted",
    ),
    ("an ODS without content", "ods", book(), BAD, "lacks its part content.xml"),
]
