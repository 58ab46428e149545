"""An installation kept for years: brought away, brought back, and kept from growing."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import IO, Any

from pipelines.history.dump import KEPT, entries_taken, is_empty, named_hashes, rows_of
from pipelines.installation import Installation, writing
from pipelines.rebuild import forget_unfinished, rebuild
from pipelines.record.notices import forget_closed, forget_settled, mark_unannounced, unannounced
from pipelines.record.replace import pour
from pipelines.record.runs import forget_ended
from pipelines.run import Progress, catch_up, silent
from scraper.archive import Archive
from scraper.errors import ArchiveError, UsageError
from scraper.settings import version
from scraper.storage import storing, sync_directory

MANIFEST = "countersign-backup.json"
FORM = 1
_ROOMS = ("archive", "tables", "templates")
_JOURNAL = "journal.jsonl"


def backup(installation: Installation, file: Path) -> int:
    """Write a backup, while others go on working. Returns how many files it holds.

    The tables are read at one moment and the journal as far as they had taken it in; bodies never change.
    """
    installation.archive.complete()
    with _new_file(file) as out, tarfile.open(fileobj=out, mode=_mode(file)) as tar:
        with installation.engine.connect() as connection, connection.begin():
            entries, offset = entries_taken(connection)
            told = {
                "form": FORM,
                "version": version(),
                "at": installation.now().isoformat(),
                "entries": entries,
                "unannounced": unannounced(connection),
            }
            _add(tar, MANIFEST, json.dumps(told, indent=2).encode())
            for table in KEPT:
                _add_lines(tar, f"tables/{table.name}.jsonl", rows_of(connection, table))
        _add_journal(tar, installation.archive.journal.path, offset)
        return _add_folder(tar, installation.archive.folder, "archive", _is_body) + _add_folder(
            tar, installation.settings.home / "templates", "templates", Path.is_file
        )


def restore(installation: Installation, file: Path, progress: Progress = silent) -> int:
    """Bring a backup back into an empty home and an empty database. Returns how many entries it told of."""
    _must_be_empty(installation)
    home = installation.settings.home
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
        with writing(installation) as connection:
            for table in KEPT:
                lines = place / "tables" / f"{table.name}.jsonl"
                pour(connection, table, map(json.loads, lines.read_text().splitlines()))
    finally:
        shutil.rmtree(place, ignore_errors=True)
    rebuild(installation, progress, entries=told["entries"])
    with writing(installation) as connection:
        mark_unannounced(connection, told["unannounced"])
    catch_up(installation)
    return int(told["entries"])


def _must_be_empty(installation: Installation) -> None:
    home, rooms = installation.settings.home, ("archive", "templates")
    with installation.engine.connect() as connection:
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


SHORTEST = timedelta(days=30)  # the digest and the record of runs are asked back for that long
_UNDISTURBED = 86_400  # seconds; a younger file may be of a look that is going on


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many of each were deleted."""

    runs: int
    notices: int
    incidents: int
    files: int


@dataclass(frozen=True, slots=True)
class Proof:
    """How many files are referred to, by how many entries of the journal; all of them are there and whole."""

    files: int
    entries: int


def prune(installation: Installation, keep: timedelta) -> Pruned:
    """Forget the runs, notices and incidents that ended longer ago than `keep`, files without a reference, and
    a rebuild that nobody finished.

    The last run of each list stays, whatever its age: the clock counts from it.
    """
    before = installation.now() - max(keep, SHORTEST)
    with writing(installation) as connection:
        runs, notices = forget_ended(connection, before), forget_settled(connection, before)
        incidents = forget_closed(connection, before)
    forget_unfinished(installation)
    abandoned = unreferenced(installation)
    for path in abandoned:
        with storing(path):
            path.unlink(missing_ok=True)
    return Pruned(runs, notices, incidents, len(abandoned))


def unreferenced(installation: Installation) -> list[Path]:
    """Files that a crash left behind: half written, or never entered into the journal."""
    folder = installation.archive.folder
    journal = installation.archive.journal.path
    named = journal.read_bytes() if journal.exists() else b""
    with installation.engine.connect() as connection:
        recorded = named_hashes(connection)
    found = []
    for path in sorted(folder.glob("*/*")):
        sha256 = path.name.removesuffix(".gz")
        # Whatever kind of entry names it, in whatever field, keeps it.
        if len(sha256) == 64 and sha256.encode() not in named and sha256 not in recorded and _is_old(path):
            found.append(path)
    return found


def prove_kept(installation: Installation) -> Proof:
    """Raises ArchiveError when anything that the journal or the database refers to is missing or damaged."""
    damage = [problem for problem in installation.archive.verify() if problem.damage]
    if damage:
        raise ArchiveError("; ".join(f"{problem.where}: {problem.text}" for problem in damage))
    named: set[str] = set()
    entries = 0
    for entry in installation.archive.entries():
        entries += 1
        if entry.get("sha256"):
            named.add(entry["sha256"])
    with installation.engine.connect() as connection:
        named |= named_hashes(connection)
    for sha256 in sorted(named):
        installation.archive.path(sha256)
    return Proof(len(named), entries)


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _UNDISTURBED
