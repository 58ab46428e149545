"""Hostile documents, made on the spot. Each builder writes one file that is wrong in one way."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from scraper.lists import Format
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

Build = Callable[[Path], object]

HEADER = row(1, "STATE", "AGENCY", "SIGNED")
LINE = row(2, "OHIO", "Police", "2025-05-08")
SHEET = "xl/worksheets/sheet1.xml"
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {after} "{f"&{before};" * 10}">'
        for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def late(build: Callable[[], Build]) -> Build:
    """A large document, made only when its turn comes."""
    return lambda path: build()(path)


def book(rows: str = HEADER + LINE, after: str = "", before: str = "", **more: str | None) -> Build:
    return lambda path: write(path, parts(sheet_xml(rows, before, after), **more))


def unpacked(body: str) -> Build:
    """A sheet that would pack so well that it would be refused for that."""
    return lambda path: write(path, parts(body), packed=False)


def book_with(extra: dict[str, str | bytes], without: tuple[str, ...] = ()) -> Build:
    """A good workbook with parts added, replaced or left out."""

    def build(path: Path) -> None:
        contents = {**parts(sheet_xml(HEADER + LINE)), **extra}
        write(path, {name: body for name, body in contents.items() if name not in without})

    return build


def raw(body: bytes) -> Build:
    return lambda path: path.write_bytes(body)


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


def wide_row(cells: int) -> str:
    return '<row r="1"><c t="str"><v>x</v></c>' + "<c><v>1</v></c>" * cells + "</row>"


def blank_rows(count: int) -> str:
    blank = "".join(
        f'<row r="{number}" s="1" customFormat="1"><c r="A{number}" s="1"/><c r="B{number}" s="2"/></row>'
        for number in range(3, count)
    )
    return HEADER + LINE + blank


def ole(stream: str) -> bytes:
    """The magic number and one directory entry of an OLE2 file."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + stream.encode("utf-16-le") + b"\0" * 512


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


def pdf(content: bytes, extra: tuple[bytes, ...] = (), resources: bytes = b"", pages: int = 1) -> Build:
    """A PDF whose pages share one packed content stream; `extra` are further objects, numbered from 6."""
    packed = zlib.compress(content, 9)
    kids = b" ".join(b"3 0 R" for _ in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [" + kids + b"] /Count " + str(pages).encode() + b" >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> " + resources + b" >> >>",
        b"<< /Length "
        + str(len(packed)).encode()
        + b" /Filter /FlateDecode >>\nstream\n"
        + packed
        + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *extra,
    ]
    return raw(pdf_file(objects))


def pdf_file(objects: list[bytes]) -> bytes:
    body, offsets = b"%PDF-1.4\n", []
    for number, item in enumerate(objects, 1):
        offsets.append(len(body))
        body += str(number).encode() + b" 0 obj\n" + item + b"\nendobj\n"
    table = b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    count = str(len(objects) + 1).encode()
    return (
        body
        + (b"xref\n0 " + count + b"\n0000000000 65535 f \n" + table)
        + (
            b"trailer << /Size "
            + count
            + b" /Root 1 0 R >>\nstartxref\n"
            + str(len(body)).encode()
            + b"\n%%EOF\n"
        )
    )


def form(inside: bytes, resources: bytes = b"") -> bytes:
    head = (
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 600 800] /Resources << " + resources + b" >> /Length "
    )
    return head + str(len(inside)).encode() + b" >>\nstream\n" + inside + b"\nendstream"


def laughing_forms(levels: int) -> Build:
    """Each form draws the next one ten times."""
    forms = [
        form(b"/X Do " * 10, b"/XObject << /X " + str(7 + level).encode() + b" 0 R >>")
        for level in range(levels)
    ]
    last = form(b"0 0 5 5 re f ")
    return pdf(b"/X Do", (*forms, last), b"/XObject << /X 6 0 R >>")


def html_table(rows: str) -> bytes:
    head = "<tr><th>STATE</th><th>AGENCY</th><th>MOA</th></tr>"
    return f"<!doctype html><meta charset=utf-8><table>{head}{rows}</table>".encode()


BAD, ODD, FINE = "bad", "odd", "fine"
Case = tuple[str, Format, Build, str, str]

# (name, declared format, builder, what must come of it, a part of the error or the names of findings)
CASES: list[Case] = [
    # zip archives
    ("ratio bomb", "xlsx", late(lambda: book(" " * 100_000_000)), BAD, "times its size"),
    ("size stated too small", "xlsx", patched(state_size(100)), BAD, "damaged"),
    ("size stated too large", "xlsx", patched(state_size(0xFFFFFFF0)), BAD, "unpacks to more than"),
    ("overlapping entries", "xlsx", patched(overlap), BAD, "overlap"),
    ("60,000 entries", "xlsx", many_entries(60_000), BAD, "more than 5,000 entries"),
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
    ("a million blank styled rows", "xlsx", late(lambda: book(blank_rows(1 << 20))), FINE, ""),
    (
        "2,000,001 rows",
        "xlsx",
        late(lambda: unpacked(sheet_xml(HEADER + "<row/>" * 2_000_001))),
        BAD,
        "more than 2,000,000 rows",
    ),
    ("a row number of 400 digits", "xlsx", book(HEADER + f'<row r="{"9" * 400}"/>'), FINE, ""),
    ("cells of 32,767 characters", "xlsx", book(HEADER + row(2, "x" * 32_767, "y" * 32_767)), FINE, ""),
    (
        "a cell of two million",
        "xlsx",
        late(lambda: book(HEADER + row(2, "x" * 2_000_000))),
        BAD,
        "more than 1,000,000 char",
    ),
    (
        "a shared text of two million",
        "xlsx",
        late(lambda: book(strings=strings_xml("<t>" + "xy" * 1_000_001 + "</t>"))),
        BAD,
        "more than 1,000,000 characters",
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
    # CSV
    ("every quoting", "csv", raw(b'a,"b ""c""",d\r\n"1\n2","","3,4"\r\n\'5\',"6"7,8\r\n'), FINE, ""),
    ("a quotation never closed", "csv", raw(b'a,b\n1,"2\n' + b"3,4\n" * 50), ODD, "many-lines"),
    (
        "a field without end",
        "csv",
        late(lambda: raw(b'a,b\n1,"' + b"x" * 1_000_000)),
        BAD,
        "cannot be read as CSV",
    ),
    ("not UTF-8", "csv", raw("STATE,AGENCY\nOHIO,José’s\n".encode("cp1252")), ODD, "encoding"),
    ("UTF-16", "csv", raw("STATE;AGENCY\nOHIO;José\n".encode("utf-16")), FINE, ""),
    (
        "UTF-16 cut",
        "csv",
        raw("STATE;AGENCY\nOHIO;José\n".encode("utf-16")[:-1]),
        BAD,
        "not utf-16 throughout",
    ),
    ("zero bytes", "csv", raw(b"a,b\n1,\0\n"), BAD, "unknown binary data"),
    ("zero bytes later", "csv", raw(b"a,b\n" + b"1,2\n" * 3000 + b"3,\0\n"), ODD, "odd-characters"),
    (
        "2^20 columns in text",
        "csv",
        late(lambda: raw(b"a" + b"," * (1 << 20) + b"\n")),
        BAD,
        "more than 2,000 columns",
    ),
    ("rows of every length", "csv", raw(b"a,b\n1\n1,2,3\n"), ODD, "no-header short-rows"),
    ("a million rows", "csv", late(lambda: raw(b"a,b\n" + b"1,2\n" * 1_000_000)), FINE, ""),
    # web pages
    (
        "spans without end",
        "html",
        raw(html_table("<tr><td rowspan=999999999>a<td colspan=99999999>b")),
        FINE,
        "",
    ),
    (
        "spans of spans",
        "html",
        raw(html_table("<tr>" + "<td colspan=1000 rowspan=60000>a" * 5)),
        BAD,
        "more than 2,000 columns",
    ),
    (
        "a hundred thousand nested elements",
        "html",
        raw(html_table("<tr><td>a") + b"<div>" * 100_000),
        ODD,
        "short-rows",
    ),
    (
        "a million cells",
        "html",
        late(lambda: raw(html_table("<tr>" + "<td>a" * 1_000_001))),
        BAD,
        "more than 1,000,000",
    ),
    ("no table", "html", raw(b"<html><p>Service unavailable"), BAD, "has no table"),
    (
        "entities in a page",
        "html",
        raw(ENTITIES.encode() + html_table("<tr><td>&i;<td>x")),
        ODD,
        "short-rows",
    ),
    (
        "a lying charset",
        "html",
        raw(b"<meta charset=utf-8><table><tr><td>a<tr><td>\x93b\x94"),
        ODD,
        "encoding",
    ),
    # JSON
    ("deeply nested", "json", raw(b"[" * 500_000), BAD, "nested too deeply"),
    ("deeply nested objects", "json", late(lambda: raw(b'[{"a":' * 100_000)), BAD, "nested too deeply"),
    ("a number of 100,000 digits", "json", raw(b'[{"a": ' + b"9" * 100_000 + b"}]"), BAD, "not JSON"),
    ("numbers that are none", "json", raw(b'[{"a": NaN, "b": 1e999}]'), BAD, "not JSON"),
    (
        "millions of empty objects",
        "json",
        late(lambda: raw(b"[" + b"{}," * 4_000_000 + b"{}]")),
        BAD,
        "more than 1,000,000",
    ),
    ("no array", "json", raw(b'{"a": 1}'), BAD, "no array of rows"),
    ("an array of numbers", "json", raw(b"[1, 2]"), BAD, "Item 1 of the array is no object"),
    (
        "an object of 3,000 keys",
        "json",
        raw(json.dumps([{f"k{index}": 1 for index in range(3_000)}]).encode()),
        BAD,
        "more than 2,000 columns",
    ),
    # OpenDocument
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
    # PDF
    (
        "a packed page of 200 MB",
        "pdf",
        late(lambda: pdf(b"0 0 1 1 re f\n" * 16_000_000)),
        BAD,
        "cannot be read|longer than",
    ),
    ("forms that draw forms", "pdf", laughing_forms(9), BAD, "cannot be read|longer than"),
    (
        "a page a hundred thousand times",
        "pdf",
        late(lambda: pdf(b"0 0 5 5 re f", pages=100_000)),
        BAD,
        "no table|longer|cannot",
    ),
    (
        "a form that draws itself",
        "pdf",
        pdf(b"/X Do", (form(b"/X Do", b"/XObject << /X 6 0 R >>"),), b"/XObject << /X 6 0 R >>"),
        BAD,
        "no table",
    ),
    ("a PDF cut short", "pdf", raw(b"%PDF-1.7\n1 0 obj"), BAD, "PDF document"),
    ("a PDF without a table", "pdf", pdf(b"BT /F1 12 Tf 50 700 Td (Hello) Tj ET"), BAD, "no table"),
]
