"""Reading a workbook, values and links, beside a bare pass of expat over its sheet and beside openpyxl.

Bare means that expat is given no handler at all: it unpacks, reads and checks the sheet, and tells nobody.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import openpyxl
import xlsxwriter

from benchmarks.made import HEADER, lines
from benchmarks.table import Line, Point, medians
from pipelines.parse import read

ROWS, MANY, FEWER = 100_000, 1_000_000, 20_000
# As many as the programs themselves allow in one sheet.
LINKS = 65_530
COLUMNS = 7
SHEET = "xl/worksheets/sheet1.xml"
BLOCK = 65_536
FIRST_DAY = dt.date(1899, 12, 30)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KINDS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# In a process of its own, so that its memory is nobody else's.
ALONE = """
import sys
from pathlib import Path
from pipelines.parse import read
sum(1 for _ in read(Path(sys.argv[1]), "xlsx", {}).rows)
print(next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line).split()[1])
"""


def measure() -> list[Line]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inline, shared, part = folder / "inline.xlsx", folder / "shared.xlsx", folder / "part.xlsx"
        many, linked = folder / "many.xlsx", folder / "linked.xlsx"
        write_inline(inline, ROWS)
        write_inline(part, FEWER)
        write_shared(shared, ROWS, LINKS)
        write_shared(many, MANY, LINKS)
        write_shared(linked, MANY, LINKS * MANY // ROWS)
        short = [*against_expat(inline, "texts in the cells", 1.5, 200), *against_openpyxl(part)]
        short += against_expat(shared, "shared texts", 1.5, 200)
        return [*short, *against_expat(many, "shared texts", 1.3, 900, MANY, times=3), growth(shared, linked)]


def against_expat(
    path: Path, kind: str, most: float, peak_mb: int, rows: int = ROWS, times: int = 5
) -> list[Line]:
    took = medians({"ours": lambda: ours(path), "expat": lambda: bare_expat(path)}, times)
    ratio, peak = took["ours"] / took["expat"], peak_of(path)
    work = f"XLSX, {rows:,} rows, {LINKS:,} links, {kind}"
    seconds = f"{took['ours']:.2f} s against {took['expat']:.2f} s"
    points = (
        Point("a workbook, values and links", rows, took["ours"]),
        Point("a workbook, bare expat", rows, took["expat"]),
    )
    return [
        Line(
            f"{work}, against bare expat",
            f"at most {most} x",
            f"{ratio:.2f} x ({seconds})",
            ratio <= most,
            f"medians of {times}, in turns; expat without a handler",
            points if kind == "shared texts" else (),
        ),
        Line("the same, peak memory", f"under {peak_mb} MB", f"{peak:.0f} MB", peak < peak_mb),
    ]


def against_openpyxl(path: Path) -> list[Line]:
    took = medians({"openpyxl": lambda: with_openpyxl(path)}, times=1)
    took |= medians({"ours": lambda: ours(path)})
    faster = took["openpyxl"] / took["ours"]
    seconds = f"{took['ours']:.2f} s against {took['openpyxl']:.1f} s"
    return [
        Line(
            f"XLSX, {FEWER:,} rows, each with a link, against openpyxl",
            "at least 100 x",
            f"{faster:.0f} x ({seconds})",
            faster >= 100,
            f"on {FEWER:,} rows, not scaled up; openpyxl's time grows with the square of the links, so that "
            f"more rows would favour us; openpyxl once, ours the median of five",
        )
    ]


def growth(short: Path, long: Path) -> Line:
    small = medians({"ours": lambda: ours(short)})["ours"]
    large = medians({"ours": lambda: ours(long)}, times=3)["ours"]
    return Line(
        f"XLSX, from {ROWS:,} rows to {MANY:,}, links in proportion",
        "-",
        f"{large / small:.1f} x the time for {MANY // ROWS} x the rows",
        None,
        f"{small:.2f} s, {large:.2f} s; peak {peak_of(long):.0f} MB; beyond {LINKS:,} links no program writes",
    )


def ours(path: Path) -> int:
    return sum(bool(row.links) for row in read(path, "xlsx", {}).rows)


def bare_expat(path: Path) -> None:
    parser = expat.ParserCreate()
    with zipfile.ZipFile(path).open(SHEET) as sheet:
        while block := sheet.read(BLOCK):
            parser.Parse(block, False)
        parser.Parse(b"", True)


def with_openpyxl(path: Path) -> int:
    sheet = openpyxl.load_workbook(path).worksheets[0]
    return sum(cell.hyperlink is not None and cell.value is not None for row in sheet for cell in row)


def peak_of(path: Path) -> float:
    """In megabytes."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(path)], capture_output=True, text=True, check=True
    )
    return int(done.stdout) / 1024


def serial(signed: str) -> int:
    month, day, year = map(int, signed.split("/"))
    return (dt.date(year, month, day) - FIRST_DAY).days


def write_inline(path: Path, rows: int) -> None:
    """By a real program, row by row; it then keeps texts in their cells."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_urls": False})
    sheet, day = book.add_worksheet(), book.add_format({"num_format": "m/d/yyyy"})
    sheet.write_row(0, 0, HEADER[:COLUMNS])
    for row, line in enumerate(lines(rows), 1):
        *texts, signed, link = line[:COLUMNS]
        for column, text in enumerate(texts):
            sheet.write_string(row, column, text)
        sheet.write_number(row, COLUMNS - 2, serial(signed), day)
        if row <= LINKS:
            sheet.write_url(row, COLUMNS - 1, link, None, "MOA")
        else:
            sheet.write_string(row, COLUMNS - 1, "MOA")
    book.close()


def write_shared(path: Path, rows: int, links: int) -> None:
    """In the shape that a spreadsheet program gives it, as large as is asked for."""
    places: dict[str, int] = {}

    def cell(place: str, text: str) -> str:
        return f'<c r="{place}" t="s"><v>{places.setdefault(text, len(places))}</v></c>'

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        _write_small_parts(archive)
        targets = []
        with archive.open(SHEET, "w", force_zip64=True) as part:
            put = _putting(part.write)
            put(f'<worksheet xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheetData><row r="1" spans="1:{COLUMNS}">')
            put(
                "".join(cell(f"{'ABCDEFG'[at]}1", text) for at, text in enumerate(HEADER[:COLUMNS]))
                + "</row>"
            )
            for row, line in enumerate(lines(rows), 2):
                *texts, signed, link = line[:COLUMNS]
                cells = "".join(cell(f"{'ABCDE'[at]}{row}", text) for at, text in enumerate(texts))
                day = f'<c r="F{row}" s="1"><v>{serial(signed)}</v></c>'
                put(f'<row r="{row}" spans="1:{COLUMNS}">{cells}{day}{cell(f"G{row}", "MOA")}</row>')
                if row < links + 2:
                    targets.append(link)
            put("</sheetData><hyperlinks>")
            for number in range(len(targets)):
                put(f'<hyperlink ref="G{number + 2}" r:id="rId{number + 1}"/>')
            put("</hyperlinks></worksheet>")
        with archive.open("xl/worksheets/_rels/sheet1.xml.rels", "w") as part:
            put = _putting(part.write)
            put(f'<Relationships xmlns="{PACKAGE}/relationships">')
            for number, link in enumerate(targets, 1):
                kind = f'Type="{OFFICE}/hyperlink"'
                put(f'<Relationship Id="rId{number}" {kind} Target={quoteattr(link)} TargetMode="External"/>')
            put("</Relationships>")
        with archive.open("xl/sharedStrings.xml", "w") as part:
            put = _putting(part.write)
            put(f'<sst xmlns="{MAIN}" uniqueCount="{len(places)}">')
            for text in places:
                put(f"<si><t>{escape(text)}</t></si>")
            put("</sst>")


def _putting(write: Callable[[bytes], object]) -> Callable[[str], object]:
    return lambda text: write(text.encode())


def _write_small_parts(archive: zipfile.ZipFile) -> None:
    parts = {"workbook": "sheet.main", "worksheets/sheet1": "worksheet", "styles": "styles"}
    parts["sharedStrings"] = "sharedStrings"
    named = "".join(
        f'<Override PartName="/xl/{part}.xml" ContentType="{KINDS}.{kind}+xml"/>'
        for part, kind in parts.items()
    )
    relations = (
        'Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"'
    )
    archive.writestr(
        "[Content_Types].xml", f'<Types xmlns="{PACKAGE}/content-types"><{relations}/>{named}</Types>'
    )
    archive.writestr("_rels/.rels", _relations({"officeDocument": "xl/workbook.xml"}))
    kinds = {
        "worksheet": "worksheets/sheet1.xml",
        "styles": "styles.xml",
        "sharedStrings": "sharedStrings.xml",
    }
    archive.writestr("xl/_rels/workbook.xml.rels", _relations(kinds))
    sheet = '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets>'
    archive.writestr("xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{sheet}</workbook>')
    formats = '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    archive.writestr("xl/styles.xml", f'<styleSheet xmlns="{MAIN}">{formats}</styleSheet>')


def _relations(targets: dict[str, str]) -> str:
    items = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets.items(), 1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{items}</Relationships>'
