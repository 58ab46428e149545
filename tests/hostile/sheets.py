"""Hostile workbooks whose parts are wrong: XML, rows, cells, links, and what is odd in a sheet."""

from __future__ import annotations

from tests.hostile.documents import BAD, ENTITIES, FINE, ODD, OUTSIDE, Build, Case, late
from tests.hostile.workbooks import HEADER, LINE, SHEET, book, book_with, ole
from tests.pipelines.parse.books import (
    MAIN,
    parts,
    relationships,
    row,
    sheet_xml,
    strings_xml,
    workbook_xml,
    write,
)


def unpacked(body: str) -> Build:
    """A sheet that would pack so well that it would be refused for that."""
    return lambda path: write(path, parts(body), packed=False)


def wide_row(cells: int) -> str:
    return '<row r="1"><c t="str"><v>x</v></c>' + "<c><v>1</v></c>" * cells + "</row>"


def blank_rows(count: int) -> str:
    blank = "".join(
        f'<row r="{number}" s="1" customFormat="1"><c r="A{number}" s="1"/><c r="B{number}" s="2"/></row>'
        for number in range(3, count)
    )
    return HEADER + LINE + blank


CASES: list[Case] = [
    ("no rows", "xlsx", book(""), BAD, "The table is empty"),
    ("cut XML", "xlsx", book_with({SHEET: sheet_xml(HEADER + LINE)[:-30]}), BAD, "not well-formed"),
    (
        "a million nested elements",
        "xlsx",
        late(lambda: unpacked("<a>" * 1_000_000)),
        BAD,
        "not well-formed",
    ),
    # XML
    ("entities in a sheet", "xlsx", book_with({SHEET: ENTITIES + sheet_xml(HEADER)}), BAD, "document type"),
    (
        "entities in shared texts",
        "xlsx",
        book(strings=ENTITIES + strings_xml("<t>&i;</t>")),
        BAD,
        "document type",
    ),
    (
        "entities in styles",
        "xlsx",
        book(styles=OUTSIDE + f'<styleSheet xmlns="{MAIN}"/>'),
        BAD,
        "document type",
    ),
    ("entities in the workbook", "xlsx", book(workbook=OUTSIDE + workbook_xml()), BAD, "document type"),
    ("entities in links", "xlsx", book(rels=OUTSIDE + relationships({})), BAD, "document type"),
    (
        "entities in UTF-16",
        "xlsx",
        book_with(
            {SHEET: (OUTSIDE.replace("?>", ' encoding="utf-16"?>') + sheet_xml(HEADER)).encode("utf-16")}
        ),
        BAD,
        "document type",
    ),
    (
        "rows in a comment",
        "xlsx",
        book(f"<!-- </row></sheetData><row>{LINE} -->{HEADER}<![CDATA[</row>]]>{LINE}"),
        FINE,
        "",
    ),
    ("a control character", "xlsx", book(HEADER + row(2, "a\x01b")), BAD, "not well-formed"),
    # sheets
    (
        "2^20 columns",
        "xlsx",
        late(lambda: unpacked(sheet_xml(wide_row(1 << 20)))),
        BAD,
        "more than 2,000 columns",
    ),
    (
        "a column far out",
        "xlsx",
        book(HEADER + '<row r="2"><c r="ZZZZZ2"><v>1</v></c></row>'),
        BAD,
        "more than 2,000 columns",
    ),
    ("a hundred thousand blank styled rows", "xlsx", late(lambda: book(blank_rows(100_000))), FINE, ""),
    (
        "2,000,001 rows",
        "xlsx",
        late(lambda: unpacked(sheet_xml(HEADER + "<row/>" * 2_000_001))),
        BAD,
        "more than 2,000,000 rows",
    ),
    ("a row number of 400 digits", "xlsx", book(HEADER + f'<row r="{"9" * 400}"/>'), FINE, ""),
    (
        "a cell of 32,768 characters",
        "xlsx",
        book(HEADER + row(2, "x" * 32_768)),
        BAD,
        "more than 32,767 characters",
    ),
    (
        "a tag without end",
        "xlsx",
        late(lambda: unpacked('<a b="' + "x" * 9_000_000)),
        BAD,
        "a tag of more than",
    ),
    (
        "a comment without end",
        "xlsx",
        late(lambda: unpacked("<a><!--" + "x" * 9_000_000)),
        BAD,
        "a tag of more than",
    ),
    *(
        (
            f"a part in {encoding}",
            "xlsx",
            book_with({part: f'<?xml version="1.0" encoding="{encoding}"?>{body}'}),
            BAD,
            "no encoding of lists",
        )
        for encoding, part, body in (
            ("idna", SHEET, sheet_xml(HEADER + LINE)),
            ("punycode", "xl/workbook.xml", workbook_xml(("a", "rId1", "visible"))),
            ("undefined", "xl/styles.xml", f'<styleSheet xmlns="{MAIN}"/>'),
            ("utf-7", "xl/_rels/workbook.xml.rels", relationships({})),
            ("cp037", "xl/sharedStrings.xml", strings_xml("<t>a</t>")),
        )
    ),
    ("cells of 32,767 characters", "xlsx", book(HEADER + row(2, "x" * 32_767, "y" * 32_767)), FINE, ""),
    (
        "a cell of two million",
        "xlsx",
        late(lambda: book(HEADER + row(2, "x" * 2_000_000))),
        BAD,
        "more than 32,767 char",
    ),
    (
        "a shared text of two million",
        "xlsx",
        late(lambda: book(strings=strings_xml("<t>" + "xy" * 1_000_001 + "</t>"))),
        BAD,
        "more than 32,767 characters",
    ),
    (
        "a link over the whole sheet",
        "xlsx",
        book(
            after='<hyperlinks><hyperlink ref="A1:XFD1048576" r:id="rId1"/></hyperlinks>',
            rels=relationships({"rId1": ("hyperlink", "https://example.org/")}),
        ),
        FINE,
        "",
    ),
    (
        "thousands of links over the whole sheet",
        "xlsx",
        book(
            after="<hyperlinks>" + '<hyperlink ref="A1:XFD1048576" location="a"/>' * 5_000 + "</hyperlinks>"
        ),
        BAD,
        "links over large areas",
    ),
    (
        "links without end",
        "xlsx",
        book(after="<hyperlinks>" + '<hyperlink ref="A1:J100" location="a"/>' * 5_000 + "</hyperlinks>"),
        BAD,
        "more than 1,000,000 links",
    ),
    ("formulas", "xlsx", book(HEADER + '<row r="2"><c r="A2"><f>1</f><v>1</v></c></row>'), ODD, "formulas"),
    (
        "merged cells",
        "xlsx",
        book(after='<mergeCells><mergeCell ref="A1:B2"/></mergeCells>'),
        ODD,
        "merged-cells",
    ),
    ("hidden rows", "xlsx", book(HEADER + LINE.replace("<row", '<row hidden="1"')), ODD, "hidden-rows"),
    (
        "a hidden sheet",
        "xlsx",
        book(workbook=workbook_xml(("a", "rId1", "visible"), ("b", "rId1", "veryHidden"))),
        ODD,
        "extra-sheets hidden-sheets",
    ),
    ("macros", "xlsx", book_with({"xl/vbaProject.bin": ole("VBA")}), ODD, "macros"),
    ("an escaped control character", "xlsx", book(HEADER + row(2, "a_x0007_b")), ODD, "odd-characters"),
    (
        "text that runs backwards",
        "xlsx",
        book(HEADER + row(2, "Police \u202efdp.exe")),
        ODD,
        "odd-characters",
    ),
    (
        "a day before 1900",
        "xlsx",
        book(HEADER + '<row r="2"><c r="C2" s="1"><v>-9</v></c></row>'),
        ODD,
        "impossible-date",
    ),
    (
        "the 1904 system",
        "xlsx",
        book(workbook=workbook_xml(("a", "rId1", "visible"), properties='<workbookPr date1904="true"/>')),
        FINE,
        "",
    ),
    (
        "a number that is none",
        "xlsx",
        book(HEADER + '<row r="2"><c r="A2"><v>1,5</v></c></row>'),
        ODD,
        "odd-number",
    ),
    (
        "an infinite number",
        "xlsx",
        book(HEADER + '<row r="2"><c r="A2"><v>1e999</v></c></row>'),
        ODD,
        "odd-number",
    ),
    ("numbers as text", "xlsx", book(HEADER + row(2, "0123", "45785")), FINE, ""),
    ("rows out of order", "xlsx", book(HEADER + row(5, "a") + row(3, "b")), ODD, "row-order"),
    ("a cell of another row", "xlsx", book(HEADER + LINE.replace("B2", "B9")), ODD, "out-of-place"),
]
