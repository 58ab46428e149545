"""Workbooks that would be read alike are told apart from those that would not, whatever else is in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.parse.contents import contents
from pipelines.parse.limits import Limits
from tests.pipelines.parse.books import core_xml, parts, relationships, row, sheet_xml, strings_xml, write

VISIT = "https://web.archive.org/web/{}/https://www.example.gov/{}.pdf"
PLAIN = row(1, "STATE", "AGENCY") + row(2, "IOWA", "Story County")


def visited(moment: str, before: str = "") -> str:
    return row(1, "AGENCY", "MOA") + row(2, "Story County", before + VISIT.format(moment, "story"))


def of(path: Path, sheet: str, **more: str) -> bytes | None:
    return contents(write(path / "list.xlsx", parts(sheet_xml(sheet), **more)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PLAIN, PLAIN),
        (visited("20250101000000"), visited("20250203040506")),
    ],
    ids=["as it was", "visited again"],
)
def test_saved_again_is_the_same(one: str, other: str, tmp_path: Path) -> None:
    first = of(tmp_path, one, core=core_xml("2025-01-01T00:00:00Z"))
    assert first is not None
    assert of(tmp_path, other, core=core_xml("2025-02-02T00:00:00Z")) == first


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (PLAIN, PLAIN + row(3, "OHIO", "Butler County")),
        (PLAIN, PLAIN.replace('<row r="2"', '<row r="3"').replace("A2", "A3").replace("B2", "B3")),
        (visited("20250101000000"), visited("20250101000000").replace("story.pdf", "store.pdf")),
        # Within a cell an address is read as it stands, so the visit counts there.
        (visited("20250101000000", "see "), visited("20250203040506", "see ")),
    ],
    ids=["a row more", "a row further down", "another document", "visited again, within a cell"],
)
def test_what_would_be_read_otherwise_is_not_the_same(one: str, other: str, tmp_path: Path) -> None:
    first = of(tmp_path, one)
    assert first is not None
    assert of(tmp_path, other) not in (None, first)


def test_links_texts_and_formats_count_too(tmp_path: Path) -> None:
    links = {"rId1": ("hyperlink", "https://www.example.gov/1.pdf")}
    others = {"rId1": ("hyperlink", "https://www.example.gov/2.pdf")}
    shared = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
    found = [
        of(tmp_path, shared, strings=strings_xml("<t>AGENCY</t>")),
        of(tmp_path, shared, strings=strings_xml("<t>AGENCIES</t>")),
        of(tmp_path, shared, strings=strings_xml("<t>AGENCY</t>"), rels=relationships(links)),
        of(tmp_path, shared, strings=strings_xml("<t>AGENCY</t>"), rels=relationships(others)),
        of(tmp_path, shared, strings=strings_xml("<t>AGENCY</t>"), styles="<styleSheet/>"),
    ]
    assert None not in found
    assert len({*found}) == len(found)


def test_a_sheet_that_keeps_its_texts_where_nobody_looks_is_left_to_the_reader(tmp_path: Path) -> None:
    made = parts(sheet_xml('<row r="1"><c r="A1" t="s"><v>0</v></c></row>'))
    made["docProps/app.xml"] = strings_xml("<t>AGENCY</t>")
    made["xl/_rels/workbook.xml.rels"] = relationships(
        {"rId1": ("worksheet", "worksheets/sheet1.xml"), "rId3": ("sharedStrings", "../docProps/app.xml")}
    )
    assert contents(write(tmp_path / "list.xlsx", made)) is None


def test_what_is_no_sound_workbook_is_left_to_the_reader(tmp_path: Path) -> None:
    path = write(tmp_path / "list.xlsx", parts(sheet_xml(PLAIN)))
    whole = path.read_bytes()
    cut = tmp_path / "cut.xlsx"
    cut.write_bytes(whole[:-40])
    damaged = tmp_path / "damaged.xlsx"
    place = whole.index(b"xl/worksheets/sheet1.xml") + 60
    damaged.write_bytes(
        whole[:place] + bytes(byte ^ 255 for byte in whole[place : place + 8]) + whole[place + 8 :]
    )
    page = tmp_path / "page.xlsx"
    page.write_bytes(b"<html>Access denied</html>")
    with_tail = tmp_path / "tail.xlsx"  # zipfile would open it
    with_tail.write_bytes(b"STATE,AGENCY\nIOWA,Story County\n" + whole)
    assert [contents(one) for one in (cut, damaged, page, with_tail)] == [None] * 4
    assert contents(path, Limits(max_bytes_unpacked=100)) is None
    assert contents(path) is not None
