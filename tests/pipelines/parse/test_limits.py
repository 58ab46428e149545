"""What a document expands to is limited, and a process that reads one may be killed without harm."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import helper
from pipelines.parse import read
from pipelines.parse.table import DEFAULT, Limits
from scraper.errors import UnreadableError
from scraper.lists import Format
from tests.hostile.ods import ods, ods_row
from tests.pipelines.parse.books import parts, row, sheet_xml, strings_xml, write

PAGE = b"<!doctype html><table><tr><th>STATE<th>AGENCY<tr><td>OHIO<td>Lake</table>"
FEW = replace(DEFAULT, max_characters=1_000_000, max_row_characters=50_000, max_cells=50_000)
SHARED = '<c t="s"><v>0</v></c>'


def html(path: Path) -> None:
    wide = PAGE.replace(b"<td>", b"<td rowspan=60000 colspan=900>")
    path.write_bytes(wide.replace(b"</table>", b"<tr>" * 60_000))


def cells_of_json(path: Path) -> None:
    """Each object is small, and each column a cell in every row."""
    path.write_text(json.dumps([*({f"k{n}": 1} for n in range(1_000)), *({} for _ in range(1_000))]))


def shared_texts(path: Path) -> None:
    rows = "".join(f'<row r="{at}">{SHARED * 4}</row>' for at in range(2, 200))
    write(path, parts(sheet_xml(row(1, "STATE") + rows), strings=strings_xml(f"<t>{'x' * 9_000}</t>")))


def wide_row(path: Path) -> None:
    rows = f'<row r="2">{SHARED * 8}</row>'
    write(path, parts(sheet_xml(row(1, "STATE") + rows), strings=strings_xml(f"<t>{'x' * 9_000}</t>")))


@pytest.mark.parametrize(
    ("format_name", "build", "wording"),
    [
        ("html", html, "more than 50,000 cells"),
        ("json", cells_of_json, "more than 50,000 cells"),
        ("xlsx", shared_texts, "more than 1,000,000 characters"),
        ("xlsx", wide_row, "A row holds more than 50,000 characters"),
        ("ods", ods(ods_row("x" * 9_000, cells_repeated=8)), "A row holds more than 50,000 characters"),
        ("ods", ods(ods_row("a") + ods_row("x" * 9_000, repeated=10**3)), "more than 1,000,000 characters"),
        (
            "csv",
            lambda path: path.write_text(f"a,b\n{'x' * 9_000},\n" * 200),
            "more than 1,000,000 characters",
        ),
        ("csv", lambda path: path.write_text("a,b\n" + "x," * 30_000), "A line has more than 50,000"),
    ],
)
def test_what_rows_expand_to(
    tmp_path: Path, format_name: Format, build: Callable[[Path], object], wording: str
) -> None:
    path = tmp_path / "document"
    build(path)
    with pytest.raises(UnreadableError, match=wording) as error:
        list(read(path, format_name, {}, FEW).rows)
    assert error.value.exit_code == 5


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page"
    path.write_bytes(PAGE)
    return path


def rows(path: Path, limits: Limits = DEFAULT) -> list[tuple[str, ...]]:
    return [row.cells for row in read(path, "html", {}, limits).rows]


def test_the_helper_is_used_again(page: Path) -> None:
    assert rows(page) == [("OHIO", "Lake")]
    (one,) = helper._idle[-1:]
    assert rows(page) == [("OHIO", "Lake")]
    assert helper._idle[-1] is one


def test_a_page_that_takes_too_long(tmp_path: Path, page: Path) -> None:
    """A library compares each attribute with all before it, and asks nobody how long that may take."""
    slow = tmp_path / "slow"
    slow.write_bytes(PAGE.replace(b"<tr>", b"<tr " + b" ".join(b"a%d" % n for n in range(300_000)) + b">", 1))
    with pytest.raises(UnreadableError, match="took longer than 1 seconds"):
        rows(slow, replace(DEFAULT, max_seconds=1))
    assert rows(page) == [("OHIO", "Lake")]


def test_a_page_that_needs_too_much(tmp_path: Path, page: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(PAGE.replace(b"</table>", b"<tr><td>a<td>b" * 200_000))
    with pytest.raises(UnreadableError, match=r"more memory|cannot be read"):
        rows(large, replace(DEFAULT, max_bytes_helper=100_000_000))
    assert rows(page) == [("OHIO", "Lake")]


def test_a_helper_that_is_killed(page: Path) -> None:
    """As by a system that is out of memory."""
    rows(page)
    one = helper._idle[-1]
    os.kill(one.pid, signal.SIGSTOP)
    threading.Timer(0.2, os.kill, (one.pid, signal.SIGKILL)).start()
    with pytest.raises(UnreadableError, match="more memory"):
        rows(page)
    assert rows(page) == [("OHIO", "Lake")]


def test_a_mistake_of_ours_is_not_the_documents(page: Path) -> None:
    with pytest.raises(RuntimeError, match="nothing_of_that_name"):
        list(helper.read_within("pipelines.parse:nothing_of_that_name", page, [], 280_000_000, 10))
