"""The database is damaged, foreign, older, newer or locked; the journal is cut; the clock goes back."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from demo.made import Week
from pipelines import database
from pipelines.database import HEAD, ready
from pipelines.rebuild import rebuild
from pipelines.run import catch_up
from pipelines.verify import archive_problems, record_problems
from scraper.errors import ArchiveError, ClockError, DatabaseError
from tests.faults.conftest import Door
from tests.pipelines.conftest import NOW, History, files_of, history, new_history, published

HERE = Path(__file__).parents[2]
__all__ = ["history", "new_history", "published"]
pytestmark = pytest.mark.long


def files(home: Path) -> list[Path]:
    return [home / f"countersign.sqlite{end}" for end in ("", "-wal", "-shm")]


@pytest.mark.usefixtures("on_sqlite")
def test_a_database_of_rubbish_is_named_and_made_again_from_the_archive(door: Door) -> None:
    door.is_right()
    for path in files(door.home):
        path.unlink(missing_ok=True)
    (door.home / "countersign.sqlite").write_bytes(b"rubbish " * 2000)
    code, said = door.crawl()
    assert code == 7
    assert "no SQLite database" in said
    assert "countersign rebuild" in said
    (door.home / "countersign.sqlite").rename(door.home / "moved away")
    assert door.run("rebuild")[0] == 0
    door.is_right()


def test_damage_inside_the_file_is_found_by_verify_and_never_a_bug(door: Door) -> None:
    door.is_right()
    assert door.run("verify")[0] == 0
    path = door.home / "countersign.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    whole = path.read_bytes()
    for page in range(1, len(whole) // size, 9):
        path.write_bytes(whole[: page * size] + b"\xa5" * size + whole[(page + 1) * size :])
        code, _, said = door.run("verify")
        assert code == 7, (page, said)
        assert "Traceback" not in said
        assert str(path) in said or "damaged" in said or "table " in said or "refused" in said
    path.write_bytes(whole)
    door.is_right()


@pytest.mark.usefixtures("on_sqlite")
def test_a_file_cut_in_half(door: Door) -> None:
    door.is_right()
    path = door.home / "countersign.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 8192 * 4096])
    code, _, said = door.run("verify")
    assert code == 7
    assert "Traceback" not in said
    path.unlink()
    assert door.run("rebuild")[0] == 0
    door.is_right()


def test_a_lost_database_comes_back_from_the_archive_with_the_next_look(door: Door) -> None:
    door.is_right()
    door.publish(5)
    door.is_right()
    before = door.run("changes", "--format", "json")[1]
    for path in files(door.home):
        path.unlink(missing_ok=True)
    door.is_right()
    assert door.run("changes", "--format", "json")[1] == before


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE alembic_version SET version_num = '0001'", "countersign migrate"),
        ("UPDATE alembic_version SET version_num = '9999'", "newer than this version"),
        ("DROP TABLE alembic_version", "not countersign's"),
        ("DROP TABLE changes", "lacks a table"),
    ],
)
@pytest.mark.usefixtures("on_sqlite")
def test_another_versions_or_anothers_database_is_refused_with_advice(
    door: Door, sql: str, said: str
) -> None:
    door.is_right()
    with closing(sqlite3.connect(door.home / "countersign.sqlite")) as connection:
        connection.execute(sql)
        connection.commit()
    door.publish(2)
    code, told = door.crawl()
    assert code == 7, told
    assert said in told
    for path in files(door.home):
        path.unlink(missing_ok=True)
    door.is_right()


@pytest.mark.usefixtures("on_sqlite")
def test_locked_for_a_while_is_waited_for_and_locked_for_long_is_said(
    history: History, published: list[Week], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute in earnest, two seconds here."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 2)
    patient = replace(history.installation, engine=ready(history.installation.settings.database_url))
    lock = sqlite3.connect(
        history.installation.settings.home / "countersign.sqlite",
        isolation_level=None,
        check_same_thread=False,
    )
    for held, fails in ((0.7, False), (4, True)):
        lock.execute("BEGIN IMMEDIATE")
        release = threading.Timer(held, lock.rollback)
        release.start()
        began = time.monotonic()
        if fails:
            with pytest.raises(DatabaseError, match="another process keeps it locked"):
                catch_up(patient)
            assert 1.5 < time.monotonic() - began < 4
        else:
            catch_up(patient)
        release.join()
    lock.close()
    history.feed(files_of(published)[:2])
    assert list(record_problems(history.installation)) == []
    patient.engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_several_processes_make_one_database_at_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    if kind == "postgresql":
        url = request.getfixturevalue("server").new_database(empty=True)
    script = "import sys; from pipelines.database import ready, revision; print(revision(ready(sys.argv[1])))"
    workers = [
        subprocess.Popen([sys.executable, "-c", script, url], cwd=HERE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [worker.communicate()[0].strip() for worker in workers] == [HEAD] * 4


def test_a_half_written_line_of_the_journal_is_set_aside(door: Door) -> None:
    door.is_right()
    journal = door.home / "archive" / "journal.jsonl"
    with journal.open("ab") as file:
        file.write(b'{"at":"2025-06-02T12:00:00+00:00","ha')
    assert door.run("verify")[0] == 0
    door.publish(4)
    door.is_right()
    assert len(list((door.home / "archive").glob("journal.damaged-*"))) == 1


def test_a_journal_shorter_than_what_was_taken_in_stops_everything(door: Door) -> None:
    door.is_right()
    door.publish(4)
    door.is_right()
    journal = door.home / "archive" / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    door.publish(4)
    code, said = door.crawl()
    assert code == 7, said
    assert "Restore" in said
    assert door.run("verify")[0] == 7
    journal.write_bytes(whole)
    door.is_right()


def standing_at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def test_a_clock_set_back_is_refused_before_anything_is_kept(history: History, published: list[Week]) -> None:
    made = files_of(published)
    history.feed(made[:6])
    before = history.log()
    for back in (timedelta(days=1), timedelta(days=3000)):
        history.installation = replace(history.installation, now=standing_at(NOW - back))
        with pytest.raises(ClockError, match="clock"):
            history.feed(made[6:])
    history.installation = replace(history.installation, now=lambda: NOW)
    assert history.log() == before
    assert list(record_problems(history.installation)) == []
    assert list(archive_problems(history.installation.settings.home)) == []
    rebuild(history.installation)
    assert history.log() == before


def test_a_damaged_file_is_neither_served_nor_compared(history: History, published: list[Week]) -> None:
    history.feed(files_of(published))
    sha256 = history.changes("added")[0]["sha256"]
    path = history.installation.archive.path(sha256)
    whole = path.read_bytes()
    path.write_bytes(whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:])
    before = history.changes()
    for refused in (history.installation.archive.read, history.installation.archive.open):
        with pytest.raises(ArchiveError, match=str(path)):
            refused(sha256)
    assert [p.where for p in archive_problems(history.installation.settings.home) if p.damage] == [str(path)]
    with pytest.raises(ArchiveError, match="damaged or altered"):
        rebuild(history.installation)
    path.write_bytes(whole)
    rebuild(history.installation)
    assert history.changes() == before
