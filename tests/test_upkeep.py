"""Backup, restore and retention: what comes back is what was, and what may go is nobody's evidence."""

from __future__ import annotations

import asyncio
import os
import tarfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from changelog.exports import export
from demo.made import Week, weeks
from demo.publisher import Publisher
from pipelines.backup import backup, prove_kept, prune, restore
from pipelines.fetch_runs import fetch_lists
from pipelines.installation import Installation, open_installation
from pipelines.run import release
from pipelines.tables import incidents, outbox, publications, runs
from scraper.errors import ArchiveError, UsageError
from scraper.settings import Settings


@pytest.fixture(scope="module")
def published() -> list[Week]:
    return weeks()[:4]


@pytest.fixture
def opened(
    publisher: Publisher, home: Path, database: Callable[[Path], str]
) -> Callable[[Path], Installation]:
    def open_at(place: Path) -> Installation:
        settings = Settings(
            home=place, database_url=database(place), notify=("json://127.0.0.1:9/",), retries=0
        )
        return open_installation(settings, publisher.lists())

    return open_at


@pytest.fixture
def lived_in(
    tmp_path: Path, publisher: Publisher, published: list[Week], opened: Callable[[Path], Installation]
) -> Installation:
    """Three weeks looked at, then a list that is held, and a failure."""
    installation = opened(tmp_path / "lived in")
    for week in published[:3]:
        installation = look(installation, publisher, week)
    wrong = replace(published[3], participating=published[3].pending)
    installation = look(installation, publisher, wrong)
    publisher.hide("pending")
    at = installation.now() + timedelta(hours=1)
    installation = replace(installation, now=lambda: at)
    asyncio.run(fetch_lists(installation, installation.chosen(()), "clock", "test"))
    return installation


def look(installation: Installation, publisher: Publisher, week: Week) -> Installation:
    publisher.show_week(week)
    at = week.published_at + timedelta(minutes=20)
    then = replace(installation, now=lambda: at)
    asyncio.run(fetch_lists(then, installation.chosen(()), "clock", "test"))
    return then


def exported(installation: Installation, folder: Path) -> dict[str, bytes]:
    with installation.engine.connect() as connection:
        export(connection, installation.lists, folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(installation: Installation, *tables: Any) -> list[list[Any]]:
    with installation.engine.connect() as connection:
        return [list(connection.execute(select(table).order_by(table.c.id))) for table in tables]


@pytest.mark.parametrize("name", ["backup.tar", "backup.tar.gz"])
def test_what_is_restored_gives_the_same_exports(
    tmp_path: Path, lived_in: Installation, opened: Callable[[Path], Installation], name: str
) -> None:
    (lived_in.settings.home / "templates").mkdir()
    (lived_in.settings.home / "templates" / "publication.txt").write_text("mine\n")
    backup(lived_in, tmp_path / name)
    again = replace(opened(tmp_path / "again"), now=lived_in.now)
    restore(again, tmp_path / name)
    assert exported(again, tmp_path / "b") == exported(lived_in, tmp_path / "a")
    record = (runs, incidents, outbox)
    assert rows(again, *record) == rows(lived_in, *record)
    assert rows(again, publications.alias()) is not None
    assert (again.settings.home / "templates" / "publication.txt").read_text() == "mine\n"
    files = {"archive", "rebuilding.lock", "templates"}
    if again.engine.dialect.name == "sqlite":
        files |= {"countersign.sqlite", "countersign.sqlite-shm", "countersign.sqlite-wal", "deriving.lock"}
    assert {path.name for path in again.settings.home.iterdir()} == files


def test_work_goes_on_after_a_restore_where_it_stood(
    tmp_path: Path,
    lived_in: Installation,
    opened: Callable[[Path], Installation],
    publisher: Publisher,
    published: list[Week],
) -> None:
    backup(lived_in, tmp_path / "b.tar")
    again = replace(opened(tmp_path / "again"), now=lived_in.now)
    restore(again, tmp_path / "b.tar")
    before = rows(again, outbox)[0]
    # The list served now is known, its validators too; and what is held is news once it is believed.
    [known] = asyncio.run(fetch_lists(again, again.chosen(["participating"]), "clock", "test"))
    assert known.outcome == "held"
    with again.engine.connect() as connection:
        held = connection.execute(
            select(publications.c.key).where(publications.c.state == "held")
        ).scalar_one()
    release(again, held, "accept", "reader", "so it is")
    told = {row.key for row in rows(again, outbox)[0]} - {row.key for row in before}
    assert told == {f"publication/{held}"}


def test_nothing_is_restored_over_what_is_there(tmp_path: Path, lived_in: Installation) -> None:
    backup(lived_in, tmp_path / "b.tar")
    with pytest.raises(UsageError, match="is not empty"):
        restore(lived_in, tmp_path / "b.tar")


def test_a_damaged_backup_is_refused_and_leaves_nothing(
    tmp_path: Path, lived_in: Installation, opened: Callable[[Path], Installation]
) -> None:
    file = tmp_path / "b.tar"
    backup(lived_in, file)
    whole = file.read_bytes()
    with tarfile.open(file) as tar:
        body = next(
            member for member in tar if member.name.startswith("archive/") and "jsonl" not in member.name
        )
    torn = bytearray(whole)
    torn[body.offset_data + body.size // 2] ^= 1
    for number, bad in enumerate((bytes(torn), whole[: len(whole) // 2], b"no archive at all")):
        file.write_bytes(bad)
        installation = opened(tmp_path / f"again{number}")
        with pytest.raises(ArchiveError):
            restore(installation, file)
        assert not installation.archive.journal.path.exists()
    with pytest.raises(UsageError, match="is not there"):
        restore(opened(tmp_path / "none"), tmp_path / "missing.tar")


def test_a_backup_that_would_write_elsewhere_is_refused(
    tmp_path: Path, lived_in: Installation, opened: Callable[[Path], Installation]
) -> None:
    for name in ("../escaped", "/tmp/escaped", "archive/../../escaped"):  # noqa: S108 - it must not be written
        with tarfile.open(tmp_path / "bad.tar", "w") as tar:
            member = tarfile.TarInfo(name)
            tar.addfile(member)
        with pytest.raises(ArchiveError):
            restore(opened(tmp_path / "again"), tmp_path / "bad.tar")
    assert not (tmp_path / "escaped").exists()


def test_what_goes_is_old_record_and_nobodys_files(
    tmp_path: Path, lived_in: Installation, publisher: Publisher
) -> None:
    before = exported(lived_in, tmp_path / "a")
    orphan = lived_in.archive.path(lived_in.archive.put(b"never entered into the journal" * 9))
    long_ago = time.time() - 200_000
    os.utime(orphan, (long_ago, long_ago))
    fresh = lived_in.archive.path(lived_in.archive.put(b"of a look that is going on"))
    files = prove_kept(lived_in).files
    year = timedelta(days=365)
    assert prune(lived_in, year).runs == 0
    later = replace(lived_in, now=lambda: lived_in.now() + 2 * year)
    unfinished = lived_in.settings.home / "rebuilding"
    unfinished.mkdir()
    gone = prune(later, year)
    assert gone.runs == 8  # of ten, the last of each list stays
    assert not orphan.exists()
    assert not unfinished.exists()
    assert fresh.exists()
    proof = prove_kept(later)
    assert proof.files == files
    assert exported(later, tmp_path / "b") == before
    # Every file that is referred to is evidence: without one, the proof fails.
    with lived_in.engine.connect() as connection:
        evidence = connection.execute(select(publications.c.sha256)).scalars().first()
    assert evidence
    lived_in.archive.path(evidence).unlink()
    with pytest.raises(ArchiveError):
        prove_kept(later)
