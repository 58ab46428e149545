"""What a home is to whoever reads it, and what a person takes out of it again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from countersign import run
from demo.made import Week
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.history.publications import new_publications
from pipelines.installation import open_installation
from pipelines.rebuild import rebuild
from pipelines.run import release
from pipelines.verify import record_problems
from scraper.errors import StorageError
from scraper.lists import BUILT_IN
from tests.pipelines.conftest import History, files_of, history, new_history, published

__all__ = ["history", "new_history", "published"]


@pytest.fixture
def at_home(history: History, monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(history.installation.settings.home))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", history.installation.settings.database_url)
    return history


@pytest.mark.parametrize("command", [["changes"], ["status"], ["held"], ["verify"], ["report"], ["seal"]])
def test_reading_makes_no_home(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "mistyped"
    monkeypatch.setenv("COUNTERSIGN_HOME", str(home))
    assert run(command) == 2
    assert f"{home} does not exist" in capsys.readouterr().err
    assert not home.exists()
    assert run([*command, "--help"]) == 0


def test_writing_says_that_it_makes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "new"
    monkeypatch.setenv("COUNTERSIGN_HOME", str(home))
    assert run(["migrate"]) == 0
    assert f"{home} does not exist yet and is made" in capsys.readouterr().err
    assert home.exists()


@contextmanager
def only_reading(home: Path) -> Iterator[None]:
    """As somebody who may only read it."""
    if os.geteuid() == 0:
        os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(0)
        return
    home.chmod(0o555)
    try:
        yield
    finally:
        home.chmod(0o755)


@pytest.mark.usefixtures("on_sqlite")
def test_a_home_that_may_only_be_read_is_read(history: History, published: list[Week]) -> None:
    history.feed(files_of(published)[:6])
    with history.installation.engine.connect() as connection:
        key = new_publications(connection, None)[0].key
    history.installation.engine.dispose()
    home = history.installation.settings.home
    for folder in (home, *home.parents[:5]):
        folder.chmod(folder.stat().st_mode | 0o055)
    with only_reading(home):
        installation = open_installation(history.installation.settings, BUILT_IN)
        with installation.engine.connect() as connection:
            assert len(list(read_changes(connection, ChangeFilter()))) > 0
        with pytest.raises(StorageError, match=r"permission|cannot be written"):
            release(installation, key, "accept", "reader", "")
        installation.engine.dispose()


def test_a_file_taken_in_by_mistake_is_taken_out_again(at_home: History, published: list[Week]) -> None:
    files = files_of(published)[:6]
    at_home.feed(files[:4])
    before = at_home.log()
    found = at_home.feed(files[4:5])
    assert at_home.log() != before
    [(_, sha256)] = found
    assert run(["retract", sha256, "--note", "a file of another place"]) == 0
    assert at_home.log() == before
    assert at_home.states("participating") == ["recorded", "recorded", "retracted"]
    rebuild(at_home.installation)
    assert at_home.log() == before
    assert list(record_problems(at_home.installation)) == []
    assert run(["retract", "0" * 64, "--note", "nothing"]) == 2


def test_an_unreadable_file_is_said_with_its_reason(
    at_home: History, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "20250512T120000Z-list.xlsx"
    file.write_bytes(b"no workbook at all")
    assert run(["replay", str(file), "--list", "participating", "--json"]) == 5
    told = capsys.readouterr()
    [record] = [json.loads(line) for line in told.out.splitlines()]
    assert (record["outcome"], record["reasons"][0]["name"]) == ("unreadable", "unreadable")
    assert f"list.xlsx ({record['sha256']}): unreadable. {record['reasons'][0]['text']}" in told.err
    del at_home


def test_what_a_replay_would_change_is_shown_and_not_kept(
    at_home: History, published: list[Week], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = files_of(published)
    at_home.feed([files[0], files[4]])
    before, entries = at_home.log(), len(list(at_home.installation.archive.entries()))
    file = tmp_path / f"{files[2].capture.captured_at:%Y%m%dT%H%M%SZ}-list.xlsx"
    file.write_bytes(files[2].body)
    capsys.readouterr()
    assert run(["replay", str(file), "--list", "participating", "--dry-run"]) == 0
    told = capsys.readouterr()
    assert "Nothing was written" in told.err or "would stay as it is" in told.err
    assert (at_home.log(), len(list(at_home.installation.archive.entries()))) == (before, entries)
    assert not [*at_home.installation.settings.home.glob("trying-*")]


def test_all_that_was_ever_held_is_listed(
    at_home: History, published: list[Week], capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    files = files_of(published)
    # The pending list behind the link of the other one.
    at_home.feed([files[0], replace(files[3], list="participating"), files[4]])
    capsys.readouterr()
    assert run(["held", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert run(["held", "--all", "--format", "json"]) == 0
    [one] = json.loads(capsys.readouterr().out)
    assert one["state"] == "cleared"
    assert {"name", "text"} == one["reasons"][0].keys()
    assert set(one) >= {
        "id", "list", "published_at", "captured_at", "published_name", "sha256", "state", "reasons", "counts",
        "agreements",
    }  # fmt: skip


def test_a_journal_that_was_rolled_back_is_found_by_the_quick_looks_too(
    at_home: History, published: list[Week], capsys: pytest.CaptureFixture[str]
) -> None:
    at_home.feed(files_of(published)[:4])
    assert run(["verify", "--quick"]) == 0
    told = capsys.readouterr().err
    assert "every row" not in told
    assert "Not looked into: the rows that follow from the archive" in told
    journal = at_home.installation.archive.journal.path
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-2]))
    assert run(["verify", "--quick"]) == 7
    assert "although the database took in" in capsys.readouterr().err
    assert run(["doctor", "--format", "json"]) == 7
    assert "although the database took in" in capsys.readouterr().out
