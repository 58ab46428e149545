"""Workbooks in every shape that programs write."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import xlsxwriter

from pipelines.parse import read
from pipelines.values import Row, Table
from scraper.errors import UnreadableError
from tests.pipelines.parse.books import (
    core_xml,
    parts,
    relationships,
    row,
    sheet_xml,
    strings_xml,
    workbook_xml,
    write,
)


def rows_of(table: Table) -> list[Row]:
    return list(table.rows)


def names_of(table: Table) -> set[str]:
    list(table.rows)
    return {finding.name for finding in table.findings}


def one(tmp_path: Path, rows: str, **more: str | None) -> Table:
    before, after = more.pop("before", "") or "", more.pop("after", "") or ""
    contents = parts(sheet_xml(rows, before, after), **more)
    return read(write(tmp_path / "book.xlsx", contents), "xlsx", {})


def cell(place: str, value: str, style: int | None = None, kind: str = "") -> str:
    shown = f' s="{style}"' if style is not None else ""
    return f'<c r="{place}"{shown}{f" t={chr(34)}{kind}{chr(34)}" if kind else ""}><v>{value}</v></c>'


HEADER = row(1, "STATE", "AGENCY", "SIGNED")


def test_values_of_every_stored_type(tmp_path: Path) -> None:
    body = "".join(
        f'<row r="{number}">{cell(f"A{number}", *stored)}</row>'
        for number, stored in enumerate(
            [
                ("45", None, ""),
                ("45.0", None, "n"),
                ("-0.5", None, ""),
                ("1E3", None, ""),
                ("1.1000000000000001", 4, ""),
                ("#N/A", None, "e"),
                ("1", None, "b"),
                ("0", None, "b"),
                ("a &amp; b", None, "str"),
                ("2025-05-08T00:00:00", None, "d"),
                ("x_x000D_y", None, "str"),
            ],
            2,
        )
    )
    table = one(tmp_path, row(1, "value") + body)
    expected = ["45", "45", "-0.5", "1000", "1.1", "#N/A", "TRUE", "FALSE", "a & b", "2025-05-08", "x\ry"]
    assert [found.cells[0] for found in table.rows] == expected


@pytest.mark.parametrize(
    ("serial", "style", "since_1904", "shown"),
    [
        ("45785", 1, False, "2025-05-08"),
        ("45785", 2, False, "2025-05-08"),
        ("45785.75", 1, False, "2025-05-08T18:00:00"),
        ("45785.999999", 1, False, "2025-05-09"),
        ("0.5", 5, False, "12:00:00"),
        ("1", 1, False, "1900-01-01"),
        ("59", 1, False, "1900-02-28"),
        ("61", 1, False, "1900-03-01"),
        ("44323", 1, True, "2025-05-08"),
        ("0", 1, True, "1904-01-01"),
        ("1.5", 3, False, "36:00:00"),
        ("2958465", 1, False, "9999-12-31"),
        ("12.5", 4, False, "12.5"),
    ],
)
def test_dates(tmp_path: Path, serial: str, style: int, since_1904: bool, shown: str) -> None:
    properties = '<workbookPr date1904="1"/>' if since_1904 else ""
    book = workbook_xml(("Sheet1", "rId1", "visible"), properties=properties)
    table = one(tmp_path, row(1, "SIGNED") + f'<row r="2">{cell("A2", serial, style)}</row>', workbook=book)
    assert rows_of(table) == [Row(2, (shown,))]
    assert table.findings == []


@pytest.mark.parametrize("since_1904", [True, False])
def test_an_extension_does_not_set_the_epoch(tmp_path: Path, since_1904: bool) -> None:
    """Nor a sheet: elements are told by their namespace, whatever they are called."""
    other = "http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"
    book = workbook_xml(
        ("Sheet1", "rId1", "visible"), properties=f'<workbookPr date1904="{int(since_1904)}"/>'
    ).replace(
        "</workbook>",
        f'<extLst><ext xmlns:x14="{other}"><x14:workbookPr date1904="{int(not since_1904)}"/>'
        '<x14:sheet name="Sheet0" r:id="rId1"/></ext></extLst></workbook>',
    )
    table = one(tmp_path, row(1, "SIGNED") + f'<row r="2">{cell("A2", "44323", 1)}</row>', workbook=book)
    assert rows_of(table) == [Row(2, ("2025-05-08" if since_1904 else "2021-05-07",))]
    assert table.findings == []


@pytest.mark.parametrize("serial", ["60", "-3", "2958466", "1e300"])
def test_days_that_cannot_be_keep_their_number(tmp_path: Path, serial: str) -> None:
    table = one(tmp_path, row(1, "SIGNED") + f'<row r="2">{cell("A2", serial, 1)}</row>')
    (found,) = table.rows
    assert float(found.cells[0]) == float(serial)
    assert [finding.name for finding in table.findings] == ["impossible-date"]
    assert table.findings[0].row == 2


def test_shared_texts_with_runs_and_phonetic_signs(tmp_path: Path) -> None:
    texts = strings_xml(
        "<t>STATE</t>",
        "<r><t>Flo</t></r><r><rPr><b/></rPr><t>rida</t></r>",
        "<t>東京</t><rPh sb='0' eb='2'><t>トウキョウ</t></rPh>",
        "<t xml:space='preserve'> two  blanks </t>",
        "<t/>",
    )
    body = "".join(
        f'<row r="{index + 1}">{cell(f"A{index + 1}", str(index), kind="s")}</row>' for index in range(5)
    )
    table = one(tmp_path, body, strings=texts)
    assert table.header == ("STATE",)
    assert rows_of(table) == [Row(2, ("Florida",)), Row(3, ("東京",)), Row(4, (" two  blanks ",))]


@pytest.mark.parametrize("index", ["1", "99999999999999999999", "-1", "x", "1.0"])
def test_a_shared_text_that_is_not_there_is_an_error(tmp_path: Path, index: str) -> None:
    with pytest.raises(UnreadableError, match="Row 2 refers to shared text"):
        one(
            tmp_path,
            row(1, "STATE") + f'<row r="2">{cell("A2", index, kind="s")}</row>',
            strings=strings_xml("<t>a</t>"),
        )


def test_links_of_every_kind(tmp_path: Path) -> None:
    links = (
        '<hyperlinks><hyperlink r:id="rId1" ref="C2"/><hyperlink ref="C3:C4" r:id="rId2"/>'
        '<hyperlink ref="A3" location="\'Sheet 2\'!A1" display="x"/>'
        '<hyperlink ref="B4" r:id="rId1" location="page=2"/><hyperlink ref="B2" r:id="rId9"/>'
        '<hyperlink ref="A10:C5000" r:id="rId2"/></hyperlinks>'
    )
    rels = relationships(
        {
            "rId1": ("hyperlink", "https://example.org/a?b=1&c=2"),
            "rId2": ("hyperlink", "mailto:a@example.org"),
        }
    )
    body = HEADER + "".join(row(number, "a", "b", "link") for number in (2, 3, 4, 5, 4999))
    table = one(tmp_path, body, after=links, rels=rels)
    address, mail = "https://example.org/a?b=1&c=2", "mailto:a@example.org"
    assert [found.links for found in table.rows] == [
        ("", "", address),
        ("#'Sheet 2'!A1", "", mail),
        ("", address + "#page=2", mail),
        (),
        (mail, mail, mail),
    ]


def test_missing_parts_that_a_workbook_can_do_without(tmp_path: Path) -> None:
    contents = parts(sheet_xml(HEADER + row(2, "OHIO", "Police", "x")))
    for name in ("_rels/.rels", "xl/_rels/workbook.xml.rels", "xl/styles.xml", "[Content_Types].xml"):
        del contents[name]
    table = read(write(tmp_path / "book.xlsx", contents), "xlsx", {})
    assert rows_of(table) == [Row(2, ("OHIO", "Police", "x"))]
    assert table.modified is None


def test_prefixed_names_and_absent_references(tmp_path: Path) -> None:
    sheet = (
        '<x:worksheet xmlns:x="urn:main"><x:sheetData><x:row><x:c t="str"><x:v>STATE</x:v></x:c>'
        '<x:c t="str"><x:v>AGENCY</x:v></x:c></x:row>'
        '<x:row><x:c/><x:c t="str"><x:v>Police</x:v></x:c></x:row>'
        "</x:sheetData></x:worksheet>"
    )
    table = read(write(tmp_path / "book.xlsx", parts(sheet)), "xlsx", {})
    assert (table.header, rows_of(table)) == (("STATE", "AGENCY"), [Row(2, ("", "Police"))])


def test_header_below_a_title_and_columns_without_a_name(tmp_path: Path) -> None:
    body = (
        row(2, "Agreements as of May 2025")
        + row(4, "STATE", "", "AGENCY", "COUNTY")
        + row(5, "OHIO", "x", "Police", "", "", "y")
        + '<row r="6"><c r="B6" s="1"/></row>'
        + row(7, " ")
    )
    table = one(tmp_path, body)
    assert table.header == ("STATE", "column 2", "AGENCY", "COUNTY", "", "column 6")
    assert rows_of(table) == [Row(5, ("OHIO", "x", "Police", "", "", "y"))]
    assert [finding.name for finding in table.findings] == ["title-rows", "no-header", "no-header"]


def test_text_beyond_the_header_far_below_is_reported(tmp_path: Path) -> None:
    body = HEADER + "".join(row(number, "OHIO", "a", "b") for number in range(2, 4000))
    table = one(tmp_path, body + row(4000, "OHIO", "a", "b", "stray"))
    assert rows_of(table)[-1] == Row(4000, ("OHIO", "a", "b"))
    assert [(finding.name, finding.row) for finding in table.findings] == [("beyond-header", 4000)]


def test_what_looks_odd_is_reported_and_read(tmp_path: Path) -> None:
    body = (
        HEADER
        + '<row r="2" hidden="1"><c r="A2"><f>1+1</f><v>2</v></c><c r="B2"><f>NOW()</f></c></row>'
        + row(3, "OHIO", "\u202ereversed", "x")
    )
    table = one(
        tmp_path,
        body,
        before='<cols><col min="2" max="3" hidden="1"/></cols>',
        after='<mergeCells><mergeCell ref="A4:B5"/></mergeCells>',
    )
    assert rows_of(table) == [Row(2, ("2", "", "")), Row(3, ("OHIO", "\u202ereversed", "x"))]
    assert {finding.name: finding.row for finding in table.findings} == {
        "hidden-columns": None,
        "merged-cells": None,
        "hidden-rows": 2,
        "formulas": 2,
        "formulas-without-value": 2,
        "odd-characters": 3,
    }
    assert "U+202E" in next(f.text for f in table.findings if f.name == "odd-characters")


def test_the_first_visible_sheet_is_read_and_the_others_named(tmp_path: Path) -> None:
    contents = parts(
        sheet_xml(row(1, "HIDDEN")),
        workbook=workbook_xml(("a", "rId1", "hidden"), ("b", "rId5", "visible"), ("c", "rId6", "veryHidden")),
    )
    contents["xl/_rels/workbook.xml.rels"] = relationships(
        {
            "rId1": ("worksheet", "worksheets/sheet1.xml"),
            "rId5": ("worksheet", "/xl/worksheets/Other.XML"),
            "rId6": ("worksheet", "worksheets/sheet1.xml"),
        }
    )
    contents["xl/worksheets/other.xml"] = sheet_xml(row(1, "SHOWN") + row(2, "x"))
    path = write(tmp_path / "book.xlsx", contents)
    table = read(path, "xlsx", {})
    assert table.header == ("SHOWN",)
    assert names_of(table) == {"extra-sheets", "hidden-sheets"}
    assert read(path, "xlsx", {"sheet": "A"}).header == ("HIDDEN",)
    with pytest.raises(UnreadableError, match="no sheet called 'z'"):
        read(path, "xlsx", {"sheet": "z"})


@pytest.mark.parametrize(
    ("stated", "read_as"),
    [
        ("2025-05-08T21:06:06Z", datetime(2025, 5, 8, 21, 6, 6, tzinfo=UTC)),
        ("2025-05-08T17:06:06-04:00", datetime(2025, 5, 8, 21, 6, 6, tzinfo=UTC)),
        ("2025-05-08T21:06:06", datetime(2025, 5, 8, 21, 6, 6, tzinfo=UTC)),
        ("last Tuesday", None),
        ("", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_time_of_last_edit(tmp_path: Path, stated: str, read_as: datetime | None) -> None:
    assert one(tmp_path, HEADER, core=core_xml(stated)).modified == read_as


def test_a_workbook_of_xlsxwriter(tmp_path: Path) -> None:
    path = tmp_path / "made.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    day = book.add_format({"num_format": "mm/dd/yyyy"})
    sheet.write_row(0, 0, ["STATE", "SIGNED", "MOA"])
    for number in range(1, 3000):
        sheet.write_string(number, 0, "OHIO")
        sheet.write_datetime(number, 1, datetime(2025, 5, 8), day)  # noqa: DTZ001
        sheet.write_url(number, 2, f"https://example.org/{number}.pdf", string="link")
    book.close()
    table = read(path, "xlsx", {})
    rows = rows_of(table)
    assert len(rows) == 2999
    assert rows[-1] == Row(3000, ("OHIO", "2025-05-08", "link"), ("", "", "https://example.org/2999.pdf"))
    assert table.findings == []
