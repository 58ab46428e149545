"""What `verify` proves besides single bits and rows: other journals, seals, whole rows gone or new."""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign import run
from pipelines.run import catch_up
from pipelines.verify import FOLDER, archive_problems, record_problems, seal, write_seal
from scraper.archive import Problem
from scraper.errors import UsageError
from scraper.journal import Journal
from tests.pipelines.conftest import History, sheet


def damage(problems: list[Problem]) -> list[str]:
    return [f"{problem.where}: {problem.text}" for problem in problems if problem.damage]


def execute(history: History, sql: str) -> None:
    """As somebody does who edits the database by hand: in its own words."""
    with history.installation.engine.begin() as connection:
        connection.exec_driver_sql(sql)


def test_a_whole_installation_has_no_problem(full: History) -> None:
    write_seal(seal(full.installation), full.installation.settings.home / FOLDER)
    assert list(archive_problems(full.installation.settings.home)) == []
    assert list(record_problems(full.installation)) == []


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("DELETE FROM changes WHERE seq = 0", "follows from the archive, and is missing"),
        ("DELETE FROM judgements", "table judgements, row 1: follows from the archive, and is missing"),
        ("UPDATE documents SET sha256 = 'x' WHERE state = 'posted'", "its sha256 is 'x'"),
        ("INSERT INTO reviews VALUES ('x', 'confirmed', 'y', '2026-01-01T00:00:00Z', '')", "row x"),
        ("UPDATE taken SET entries = entries + 5", "although the database took in"),
        ("UPDATE taken SET head = 'x'", "took in another journal"),
    ],
)
def test_rows_that_go_come_or_are_edited_are_named(full: History, sql: str, named: str) -> None:
    execute(full, sql)
    found = damage(list(record_problems(full.installation)))
    assert any(named in line for line in found), found


@pytest.mark.usefixtures("on_sqlite")  # no other database takes these
@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("UPDATE changes SET after = 'no json' WHERE seq = 0", "its after is 'no json'"),
        ("UPDATE changes SET agency = CAST(x'ff00fe' AS TEXT) WHERE seq = 0", "its agency is"),
    ],
)
def test_nonsense_in_a_column_is_named(full: History, sql: str, named: str) -> None:
    execute(full, sql)
    found = damage(list(record_problems(full.installation)))
    assert any(named in line for line in found), found


def test_a_journal_cut_at_a_line_is_found(full: History) -> None:
    """The chain of what is left holds: the database and a seal know that there was more."""
    kept, _ = write_seal(seal(full.installation), full.installation.settings.home / FOLDER)
    journal = full.installation.archive.journal.path
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-2]))
    assert any(str(kept) in line for line in damage(list(archive_problems(full.installation.settings.home))))
    assert any(
        "although the database took in" in line for line in damage(list(record_problems(full.installation)))
    )


def test_a_journal_written_anew_does_not_answer_to_an_old_seal(full: History, tmp_path: Path) -> None:
    kept, _ = write_seal(seal(full.installation), tmp_path / "elsewhere")
    journal = full.installation.archive.journal
    entries = list(journal.entries())
    journal.path.unlink()
    forged = Journal(journal.path)  # our own writer would not go on after what it read before is gone
    for entry in entries:
        fields = {k: v for k, v in entry.items() if k not in ("n", "at", "kind", "prev", "hash", "by")}
        forged.append(entry["kind"], full.installation.now(), {**fields, "by": "somebody"})
    assert damage(list(archive_problems(full.installation.settings.home))) == []
    assert len(damage(list(archive_problems(full.installation.settings.home, [kept])))) == 1


def test_a_file_that_is_no_seal_is_named(full: History, tmp_path: Path) -> None:
    (tmp_path / "seal.json").write_text("{}")
    [problem] = archive_problems(full.installation.settings.home, [tmp_path / "seal.json"])
    assert "is not a seal" in problem.text


def test_what_waits_to_be_taken_in_is_no_damage(full: History) -> None:
    from datetime import timedelta

    from demo.agencies import agencies
    from demo.workbooks import Line
    from tests.pipelines.conftest import NOW

    file = sheet(
        [Line(agency, "TFM") for agency in list(agencies())[:60]], NOW - timedelta(days=1), "pending"
    )
    full.installation.archive.put(file.body)
    from dataclasses import replace

    sha256 = full.installation.archive.put(file.body)
    full.installation.archive.keep(replace(file.capture, sha256=sha256), full.installation.now())
    problems = list(record_problems(full.installation))
    assert [problem.damage for problem in problems] == [False]
    assert "not taken in yet" in problems[0].text
    catch_up(full.installation)
    assert list(record_problems(full.installation)) == []


def test_nothing_can_be_sealed_before_there_is_something(history: History) -> None:
    with pytest.raises(UsageError, match="journal is empty"):
        seal(history.installation)


def test_the_command_says_so_and_leaves_with_seven(
    full: History, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(full.installation.settings.home))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", full.installation.settings.database_url)
    assert run(["verify"]) == 0
    assert "Whole" in capsys.readouterr().err
    execute(full, "UPDATE changes SET agency = 'Nowhere' WHERE seq = 0 AND list = 'pending'")
    assert run(["verify", "--quick"]) == 0
    assert run(["verify"]) == 7
    said = capsys.readouterr().err
    assert "its agency is 'Nowhere', by the archive" in said
    assert "Whole: every file has its hash, every entry follows the one before it." in said


@pytest.mark.usefixtures("on_sqlite")
def test_the_archive_is_proven_even_where_the_database_is_no_database(
    full: History, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = full.installation.settings.home
    monkeypatch.setenv("COUNTERSIGN_HOME", str(home))
    full.installation.engine.dispose()
    for name in ("countersign.sqlite", "countersign.sqlite-wal", "countersign.sqlite-shm"):
        (home / name).unlink(missing_ok=True)
    (home / "countersign.sqlite").write_bytes(b"no database " * 1000)
    body = next(path for path in (home / "archive").glob("*/*"))
    body.write_bytes(body.read_bytes() + b"x")
    assert run(["verify"]) == 7
    said = capsys.readouterr().err
    assert f"{body}: damaged or altered" in said
    assert "is no SQLite database" in said
