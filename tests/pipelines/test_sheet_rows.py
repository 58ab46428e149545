"""The row that stands beside a file's name is a row of that file: each file is opened, and looked at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import openpyxl
import pytest

from changelog.json import listed
from demo.agencies import Agency
from demo.workbooks import Line
from pipelines.rebuild import rebuild
from tests.pipelines.conftest import File, History, sheet

AT = datetime(2025, 4, 1, 14, tzinfo=UTC)
DAY = timedelta(days=1)


def line(name: str) -> Line:
    return Line(
        Agency("GEORGIA", f"{name} Police Department", "Municipality", "Dooly"), "TFM", date(2025, 3, 30)
    )


def days() -> list[File]:
    """Rows come at the top, leave in the middle, change places and stay; one list is only sorted anew."""
    lines = [line(f"Old Town {n}") for n in range(60)]
    first = [line("Albany"), *lines]
    lists = [
        lines,
        first,
        first[:30] + first[31:],
        list(reversed(first[:30] + first[31:])),
        [line("Macon"), *first],
    ]
    return [sheet(one, AT + n * DAY) for n, one in enumerate(lists)]


def look(history: History, files: list[File], as_of: str) -> None:
    told = listed(history.installation, "participating", as_of, None)
    [body] = [file.body for file in files if f"{file.at:%Y-%m-%dT%H:%M:%SZ}" == told["published_at"]]
    cells = openpyxl.load_workbook(BytesIO(body)).active
    assert cells is not None
    for one in told["agreements"]:
        assert "published_name" not in one
        assert cells.cell(row=one["row"], column=2).value == one["agency"]


@pytest.mark.parametrize("backwards", [False, True])
def test_every_row_is_of_its_file(new_history: Callable[[], History], backwards: bool) -> None:
    history, files = new_history(), days()
    for file in reversed(files) if backwards else files:
        history.feed([file])
    for number in range(len(files)):
        look(history, files, f"{AT + number * DAY:%Y-%m-%d}")
    rebuild(history.installation)
    look(history, files, f"{AT + 4 * DAY:%Y-%m-%d}")
