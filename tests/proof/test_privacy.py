"""A staff member's e-mail address inside a wrapped link never leaves the raw archive."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pytest

from changelog.evidence.bundle import evidence
from changelog.exports import export
from countersign import run
from demo.agencies import agencies
from demo.workbooks import Line
from tests.pipelines.conftest import History, sheet

WHO = "jane.q.officer"
AT = datetime(2025, 9, 10, 12, tzinfo=UTC)


def wrapped(document: str) -> str:
    data = quote(f"05|02|{WHO}@agency.gov|8f|0|Unknown|", safe="")
    return (
        "https://gcc02.safelinks.protection.outlook.com/?url="
        f"{quote(document, safe='')}&data={data}&sdata=abc%3D&reserved=0"
    )


@pytest.fixture
def wrapping(history: History) -> History:
    lines = [Line(agency, "TFM", date(2025, 9, 1)) for agency in list(agencies())[:60]]
    first = [*lines[:50]]
    second = [
        Line(line.agency, line.model, line.signed, wrapped(f"https://www.ice.gov/doclib/{n}.pdf"))
        for n, line in enumerate(lines)
    ]
    history.feed([sheet(first, AT), sheet(second, AT + timedelta(days=1))])
    assert history.changes("added")
    assert history.changes("amended")
    return history


def holds(body: bytes) -> bool:
    return WHO.encode() in body or b"safelinks" in body


def test_the_raw_file_holds_it(wrapping: History) -> None:
    body = wrapping.installation.archive.read(wrapping.changes("added")[0]["sha256"])
    with zipfile.ZipFile(BytesIO(body)) as book:
        assert any(holds(book.read(name)) for name in book.namelist())


def test_no_table_and_no_journal_holds_it(wrapping: History) -> None:
    home = wrapping.installation.settings.home
    for path in home.glob("countersign.sqlite*"):
        assert not holds(path.read_bytes()), path
    assert not holds(wrapping.installation.archive.journal.path.read_bytes())


def test_no_export_and_no_answer_holds_it(
    wrapping: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installation = wrapping.installation
    with installation.engine.connect() as connection:
        paths = export(connection, installation.lists, tmp_path / "package")
    assert paths
    for path in (tmp_path / "package").rglob("*"):
        assert not path.is_file() or not holds(path.read_bytes()), path
    monkeypatch.setenv("COUNTERSIGN_HOME", str(installation.settings.home))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", installation.settings.database_url)
    for command in (
        ["changes", "--format", "json"],
        ["changes", "--format", "md"],
        ["show", "participating", "--format", "json"],
        ["report", "--list", "participating", "--week", "2025-W37", "--format", "html"],
        ["agency", wrapping.changes("added")[0]["agency"], "--format", "json"],
    ):
        assert run(command) == 0
        told = capsys.readouterr()
        assert told.out
        assert not holds((told.out + told.err).encode()), command


def test_of_a_bundle_only_the_raw_files_hold_it(wrapping: History) -> None:
    for kind in ("added", "amended"):
        with zipfile.ZipFile(
            BytesIO(evidence(wrapping.installation, wrapping.changes(kind)[0]["id"]))
        ) as bundle:
            for name in bundle.namelist():
                assert name.startswith("files/") or not holds(bundle.read(name)), name
            told = json.loads(bundle.read("evidence.json"))
        assert told["change"]["after"]["moa"].startswith("https://www.ice.gov/doclib/")
