"""The quick way through a sheet and the way through expat give the same table, and openpyxl agrees."""

from __future__ import annotations

import datetime as dt
import random
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.parse import table, xlsx
from pipelines.parse.table import DEFAULT
from pipelines.values import Finding, Row
from scraper.errors import UnreadableError
from tests.pipelines.parse.books import STYLES, parts, relationships, sheet_xml, strings_xml, write
from tests.pipelines.parse.books import row as text_row

Seen = tuple[tuple[str, ...], list[Row], list[Finding]]


def seen(path: Path, quickly: bool) -> Seen:
    table = xlsx.read(path, {}, DEFAULT, quickly)
    return table.header, list(table.rows), sorted(table.findings, key=lambda finding: finding.name)


@pytest.fixture
def short_look_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The header is settled after two rows and XML comes in small blocks: short sheets go both ways."""
    monkeypatch.setattr(xlsx, "LOOK_AHEAD", 2)
    monkeypatch.setattr("pipelines.parse.package.BLOCK", 700)


VALUES = st.one_of(
    st.integers(0, 7).map(lambda index: ("s", str(index))),
    st.integers(-10, 60_000).map(lambda number: ("", str(number))),
    st.floats(-1e9, 1e9).map(lambda number: ("n", repr(number))),
    st.sampled_from(["#N/A", "#DIV/0!", "#NAME?"]).map(lambda error: ("e", error)),
    st.sampled_from(["0", "1"]).map(lambda truth: ("b", truth)),
    st.sampled_from(["text", "two words", "a &amp; b", "&lt;", "_x000D_", "é", "\u202e", "&#65;"]).map(
        lambda text: ("str", text)
    ),
    st.sampled_from(
        ["in place", " x ", "R&amp;D", "_x0041_", "_x0007_", "ü\u200b", "a\nb", "&#233;", "Sheriff&#8217;s"]
    ).map(lambda text: ("inlineStr", text)),
    st.sampled_from(["&#x200F;", "&#38;amp;", "&amp;#65;", "&#10;", ""]).map(
        lambda text: ("inlineStr", text)
    ),
    st.sampled_from([("blank", ""), ("none", ""), ("formula", "7"), ("rich", "x"), ("swapped", "3")]),
    st.just(("empty", "")),
)
ROWS = st.lists(
    st.tuples(st.lists(st.tuples(VALUES, st.integers(0, 6)), max_size=5), st.booleans(), st.integers(1, 3)),
    max_size=25,
)


def cell_xml(place: str, kind: str, value: str, style: int) -> str:
    shown = f' s="{style}"' if style else ""
    if kind == "none":
        return ""
    if kind == "blank":
        return f'<c r="{place}"{shown}/>'
    if kind == "empty":
        return f'<c r="{place}"{shown} t="inlineStr"></c>'
    if kind == "inlineStr":
        return f'<c r="{place}"{shown} t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'
    if kind == "formula":
        return f'<c r="{place}"{shown}><f>A1+1</f><v>{value}</v></c>'
    if kind == "rich":
        return f'<c r="{place}"{shown} t="inlineStr"><is><r><t>{value}</t></r><r><t>y</t></r></is></c>'
    if kind == "swapped":
        return f'<c t="s"{shown} r="{place}"><v>{value}</v></c>'
    stored = f' t="{kind}"' if kind else ""
    return f'<c r="{place}"{shown}{stored}><v>{value}</v></c>'


Cell = tuple[tuple[str, str], int]


def made(rows: list[tuple[list[Cell], bool, int]]) -> str:
    header = "".join(f'<c r="{column}1" t="s"><v>{index}</v></c>' for index, column in enumerate("ABC"))
    body = f'<row r="1">{header}</row>'
    number = 1
    for cells, hidden, step in rows:
        number += step
        inside = "".join(
            cell_xml(f"{'ABCDE'[index]}{number}", kind, value, style)
            for index, ((kind, value), style) in enumerate(cells)
        )
        shown = ' hidden="1"' if hidden else ""
        body += f'<row r="{number}"{shown}>{inside}</row>' if inside else f'<row r="{number}"{shown}/>'
    return body


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, links=st.lists(st.tuples(st.sampled_from("ABCDF"), st.integers(1, 40)), max_size=8))
def test_any_sheet_reads_the_same_both_ways(
    short_look_ahead: None, rows: list[tuple[list[Cell], bool, int]], links: list[tuple[str, int]]
) -> None:
    texts = strings_xml("<t>STATE</t>", "<t>AGENCY</t>", *(f"<t>{text}</t>" for text in "abcdef"))
    elements = "".join(
        f'<hyperlink ref="{column}{row}" r:id="rId{place}"/>' for place, (column, row) in enumerate(links)
    )
    rels = relationships(
        {f"rId{place}": ("hyperlink", f"https://e.org/?a&b={place}") for place in range(len(links))}
    )
    sheet = sheet_xml(made(rows), after=f"<hyperlinks>{elements}</hyperlinks>")
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "book.xlsx", parts(sheet, strings=texts, styles=STYLES, rels=rels))
        assert seen(path, quickly=True) == seen(path, quickly=False)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("in_memory_strings", [True, False])
def test_long_sheets_read_the_same_both_ways_and_mostly_quickly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, in_memory_strings: bool
) -> None:
    path = tmp_path / "long.xlsx"
    write_long(path, seed, constant_memory=not in_memory_strings)
    slowly_read = 0
    through_expat = xlsx.SheetRows._slowly

    def counted(rows: xlsx.SheetRows, piece: bytes, final: bool) -> list[Row]:
        nonlocal slowly_read
        slowly_read += len(piece)
        return through_expat(rows, piece, final)

    monkeypatch.setattr(xlsx.SheetRows, "_slowly", counted)
    quick = seen(path, quickly=True)
    quick_bytes, slowly_read = slowly_read, 0
    assert quick == seen(path, quickly=False)
    assert quick_bytes < slowly_read / 2
    assert len(quick[1]) == 3_000


def test_blank_texts_of_openpyxl_are_read_quickly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It writes them as cells with nothing between their tags."""
    path = tmp_path / "book.xlsx"
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for number in range(3_000):
        sheet.append(["OHIO", f"Agency {number}", "" if number % 3 else "pending", ""])
    book.save(path)
    slowly = seen(path, quickly=False)
    pieces: list[int] = []
    through_expat = xlsx.SheetRows._slowly

    def counted(rows: xlsx.SheetRows, piece: bytes, final: bool) -> list[Row]:
        pieces.append(len(piece))
        return through_expat(rows, piece, final)

    monkeypatch.setattr(xlsx.SheetRows, "_slowly", counted)
    assert seen(path, quickly=True) == slowly
    assert sum(pieces) < 100_000


def test_a_link_behind_a_blank_cell_right_of_all_text_is_kept_both_ways(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    for number, texts in enumerate(
        [("STATE", "AGENCY", "MOA"), ("OHIO", "Police"), ("IOWA", "Police", "link")]
    ):
        sheet.write_row(number, 0, texts)
    sheet.write_url(1, 2, "https://example.org/a", string="link")
    sheet.write_blank(1, 2, None, book.add_format({"bold": True}))
    book.close()
    links = ("", "", "https://example.org/a")
    assert [row.links for row in seen(path, quickly=True)[1]] == [links, ()]
    assert [row.links for row in seen(path, quickly=False)[1]] == [links, ()]
    assert [beside for _, _, beside in through_openpyxl(path)] == [("", "", ""), links, ("", "", "")]


@pytest.mark.parametrize("stray", ["<foo>", "</row>", "&nbsp;", "<row>", "</sheetData>", "<c/></row>"])
@pytest.mark.parametrize("place", [2, 3_000, 5_999])
def test_what_is_not_well_formed_is_refused_both_ways(tmp_path: Path, stray: str, place: int) -> None:
    rows = [
        f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c><c r="B{n}"><v>{n}</v></c></row>'
        for n in range(1, 6_000)
    ]
    rows.insert(place, stray)
    contents = parts(sheet_xml("".join(rows)), strings=strings_xml("<t>STATE</t>"))
    path = write(tmp_path / "book.xlsx", contents)
    for quickly in (True, False):
        with pytest.raises(UnreadableError, match="not well-formed"):
            seen(path, quickly)


@pytest.mark.parametrize("reference", ["&#0;", "&#x1F;", "&#xD800;", "&#xFFFE;", "&#1114112;", "&nbsp;", "&"])
def test_a_reference_that_no_document_may_hold_is_refused_both_ways(tmp_path: Path, reference: str) -> None:
    body = text_row(1, "STATE", "AGENCY") + text_row(2, "OHIO", "Police").replace("Police", reference)
    path = write(tmp_path / "book.xlsx", parts(sheet_xml(body)))
    for quickly in (True, False):
        with pytest.raises(UnreadableError, match="not well-formed"):
            seen(path, quickly)


def write_long(path: Path, seed: int, constant_memory: bool) -> None:
    chance = random.Random(seed)  # noqa: S311  it makes a workbook, no secret
    book = xlsxwriter.Workbook(path, {"constant_memory": constant_memory})
    sheet = book.add_worksheet()
    day = book.add_format({"num_format": "m/d/yyyy"})
    bold = book.add_format({"bold": True})
    sheet.write_row(0, 0, ["STATE", "AGENCY", "SIGNED", "MOA", "SHARE"])
    for row in range(1, 3_001):
        sheet.write_string(row, 0, chance.choice(["OHIO", "IOWA", "UTAH & CO"]))
        sheet.write_string(row, 1, f"Agency {row} <{chance.random()}>", bold if row % 7 == 0 else None)
        sheet.write_number(row, 2, chance.randrange(40_000, 43_000), day)
        if row % 3:
            sheet.write_url(row, 3, f"https://example.org/{row}?a=1&b=2", string="link")
        else:
            sheet.write_blank(row, 3, None, bold)
        sheet.write_number(row, 4, chance.choice([1, 2.5, -3]))
    book.close()


def test_a_cell_without_a_style_is_no_date_because_its_column_holds_dates(tmp_path: Path) -> None:
    dates = (f'<row r="{n}"><c r="A{n}" s="1"><v>{45_000 + n}</v></c></row>' for n in range(2, 3_000))
    odd = (
        '<row r="3000"><c r="A3000"><v>45123</v></c></row><row r="3001"><c r="A3001" s="1"><v></v></c></row>'
    )
    path = write(tmp_path / "list.xlsx", parts(sheet_xml(text_row(1, "SIGNED") + "".join(dates) + odd)))
    quick = seen(path, quickly=True)
    assert quick == seen(path, quickly=False)
    assert [line.cells for line in quick[1] if line.number == 3000] == [("45123",)]


def test_many_pieces_of_one_shape_are_really_read_quickly(tmp_path: Path) -> None:
    path = tmp_path / "long.xlsx"
    write_long(path, 0, constant_memory=False)
    assert table.LOOK_AHEAD < 3_000
    assert sum(1 for _ in xlsx.read(path, {}, DEFAULT).rows) == 3_000


def printed(value: object) -> str:
    """openpyxl's value as the text that a table holds."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="seconds").removesuffix("T00:00:00")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def through_openpyxl(path: Path) -> Iterator[tuple[int, tuple[str, ...], tuple[str, ...]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(path, data_only=True)
    for cells in book.worksheets[0].iter_rows():
        texts = tuple(printed(cell.value) for cell in cells)
        links = tuple(
            (cell.hyperlink.target or "") + (f"#{cell.hyperlink.location}" if cell.hyperlink.location else "")
            if cell.hyperlink
            else ""
            for cell in cells
        )
        if any(text.strip() for text in texts):
            yield cells[0].row, texts, links


def differences(path: Path) -> list[str]:
    """What openpyxl reads otherwise than each of our two ways."""
    xlsx.LOOK_AHEAD = 2  # type: ignore[attr-defined]  # in a process of its own: so that short lists go the quick way too
    expected = list(through_openpyxl(path))
    found = []
    for quickly in (True, False):
        header, rows, _ = seen(path, quickly)
        width = len(header)
        wanted = [
            (number, texts[:width], links[:width] if any(links[:width]) else ())
            for number, texts, links in expected
        ]
        if wanted[0][1] != header:
            found.append(f"{path.name}: header {header} is {wanted[0][1]}")
        if wanted[1:] != [tuple(row) for row in rows]:
            found.append(f"{path.name}: rows differ (quickly: {quickly})")
    return found


@pytest.mark.corpus
@pytest.mark.long
def test_every_real_list_reads_as_openpyxl_reads_it(corpus: Path) -> None:
    files = sorted(corpus.glob("*/*.xlsx"))
    assert len(files) > 800
    with ProcessPoolExecutor(2) as pool:
        found = [line for lines in pool.map(differences, files, chunksize=16) for line in lines]
    assert found == []


@pytest.mark.corpus
@pytest.mark.long
def test_every_real_list_reads_the_same_both_ways(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "LOOK_AHEAD", 2)  # so that short lists go the quick way too
    files = sorted(corpus.glob("*/*.xlsx"))
    assert len(files) > 800
    assert [path.name for path in files if seen(path, quickly=True) != seen(path, quickly=False)] == []
