"""One file from which an installation comes back: the archive, and the tables that it could not give back.

    countersign-backup.json       what this is, of which version, how far the database had read the journal
    archive/...                   the journal as far as that, and every body
    tables/<name>.jsonl           one row a line
    templates/...                 the user's own words for notices

What is derived is derived again when it is restored, which proves the backup on the way, and lets it come back
into another kind of database.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from pipelines.history.kept import KEPT, entries_taken, is_empty, rows_of
from pipelines.house import House, writing
from pipelines.record.outbox import mark_unannounced, unannounced
from pipelines.record.restored import pour
from pipelines.run import Progress, catch_up, silent
from pipelines.upkeep.rebuild import rebuild
from scraper.archive import Archive
from scraper.errors import ArchiveError, UsageError
from scraper.settings import version
from scraper.storage import storing, sync_directory

MANIFEST = "countersign-backup.json"
FORM = 1
_ROOMS = ("archive", "tables", "templates")
_JOURNAL = "journal.jsonl"


def backup(house: House, file: Path) -> int:
    """Write a backup, while others go on working. Returns how many files it holds.

    The tables are read at one moment and the journal as far as they had taken it in; bodies never change.
    """
    house.archive.complete()
    with _new_file(file) as out, tarfile.open(fileobj=out, mode=_mode(file)) as tar:
        with house.engine.connect() as connection, connection.begin():
            entries, offset = entries_taken(connection)
            told = {
                "form": FORM,
                "version": version(),
                "at": house.now().isoformat(),
                "entries": entries,
                "unannounced": unannounced(connection),
            }
            _add(tar, MANIFEST, json.dumps(told, indent=2).encode())
            for table in KEPT:
                _add_lines(tar, f"tables/{table.name}.jsonl", rows_of(connection, table))
        _add_journal(tar, house.archive.journal.path, offset)
        return _add_folder(tar, house.archive.folder, "archive", _is_body) + _add_folder(
            tar, house.settings.home / "templates", "templates", Path.is_file
        )


def restore(house: House, file: Path, progress: Progress = silent) -> int:
    """Bring a backup back into an empty home and an empty database. Returns how many entries it told of."""
    _must_be_empty(house)
    home = house.settings.home
    with storing(home):
        place = Path(tempfile.mkdtemp(prefix="restoring-", dir=home))
    try:
        told = _unpacked(file, place)
        for problem in Archive(place).verify():
            if problem.damage:
                raise ArchiveError(f"{file}: {problem.where.removeprefix(str(place))} {problem.text}")
        with storing(home):
            for room in ("archive", "templates"):
                if (place / room).exists():
                    (place / room).replace(home / room)
            sync_directory(home)
        with writing(house) as connection:
            for table in KEPT:
                lines = place / "tables" / f"{table.name}.jsonl"
                pour(connection, table, map(json.loads, lines.read_text().splitlines()))
    finally:
        shutil.rmtree(place, ignore_errors=True)
    rebuild(house, progress, entries=told["entries"])
    with writing(house) as connection:
        mark_unannounced(connection, told["unannounced"])
    catch_up(house)
    return int(told["entries"])


def _must_be_empty(house: House) -> None:
    home, rooms = house.settings.home, ("archive", "templates")
    with house.engine.connect() as connection:
        empty = is_empty(connection)
    if not empty or any((home / room).is_dir() and any((home / room).iterdir()) for room in rooms):
        raise UsageError(
            f"{home} or its database is not empty. Restore into a new COUNTERSIGN_HOME (and "
            "database), so that nothing is overwritten."
        )


def _unpacked(file: Path, place: Path) -> dict[str, Any]:
    try:
        with tarfile.open(file, "r:*") as tar:
            for member in tar:
                room = PurePosixPath(member.name).parts[0]
                if not member.isfile() or (member.name != MANIFEST and room not in _ROOMS):
                    raise ArchiveError(f"{file} holds {member.name!r}, which no backup does.")
                tar.extract(member, place, filter="data")
        told: dict[str, Any] = json.loads((place / MANIFEST).read_text())
    except FileNotFoundError as error:
        raise UsageError(f"{file} is not there, or is no backup of countersign.") from error
    except (tarfile.TarError, EOFError, ValueError, OSError) as error:
        raise ArchiveError(f"{file} is damaged, or is no backup: {error}") from error
    if told.get("form") != FORM:
        raise UsageError(
            f"{file} was made by countersign {told.get('version')}. Restore it with that version."
        )
    return told


def _mode(file: Path) -> Any:
    # Bodies are compressed already; the journal and the tables gain from it.
    return "w:gz" if file.suffix in (".gz", ".tgz") else "w"


@contextmanager
def _new_file(file: Path) -> Iterator[IO[bytes]]:
    """There whole or not at all, and readable by its owner alone: it holds what notices say."""
    with storing(file):
        number, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
        try:
            with os.fdopen(number, "wb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            Path(name).replace(file)
            sync_directory(file.parent)
        finally:
            Path(name).unlink(missing_ok=True)


def _add(tar: tarfile.TarFile, name: str, body: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(body)
    tar.addfile(member, io.BytesIO(body))


def _add_lines(tar: tarfile.TarFile, name: str, rows: Iterable[dict[str, Any]]) -> None:
    with tempfile.TemporaryFile() as spool:
        for row in rows:
            spool.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        member = tarfile.TarInfo(name)
        member.size = spool.tell()
        spool.seek(0)
        tar.addfile(member, spool)


def _add_journal(tar: tarfile.TarFile, journal: Path, size: int) -> None:
    if size:
        member = tarfile.TarInfo(f"archive/{_JOURNAL}")
        member.size = size
        with journal.open("rb") as file:
            tar.addfile(member, file)


def _add_folder(tar: tarfile.TarFile, folder: Path, name: str, wanted: Callable[[Path], bool]) -> int:
    added = 0
    for path in sorted(folder.rglob("*")):
        if wanted(path):
            tar.add(path, f"{name}/{path.relative_to(folder).as_posix()}")
            added += 1
    return added


def _is_body(path: Path) -> bool:
    """Not the journal, nor what is being written just now."""
    return path.is_file() and path.parent.name == path.name[:2]
