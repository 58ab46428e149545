"""What may go: old entries of the record, and files nobody refers to. What is evidence stays, and is proven to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pipelines.history.kept import named_hashes
from pipelines.house import House, writing
from pipelines.record.incidents import forget_closed
from pipelines.record.outbox import forget_settled
from pipelines.record.runs import forget_ended
from pipelines.upkeep.rebuild import forget_unfinished
from scraper.errors import ArchiveError
from scraper.storage import storing

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


def prune(house: House, keep: timedelta) -> Pruned:
    """Forget the runs, notices and incidents that ended longer ago than `keep`, files without a reference, and
    a rebuild that nobody finished.

    The last run of each list stays, whatever its age: the clock counts from it.
    """
    before = house.now() - max(keep, SHORTEST)
    with writing(house) as connection:
        runs, notices = forget_ended(connection, before), forget_settled(connection, before)
        incidents = forget_closed(connection, before)
    forget_unfinished(house)
    abandoned = unreferenced(house)
    for path in abandoned:
        with storing(path):
            path.unlink(missing_ok=True)
    return Pruned(runs, notices, incidents, len(abandoned))


def unreferenced(house: House) -> list[Path]:
    """Files that a crash left behind: half written, or never entered into the journal."""
    folder = house.archive.folder
    journal = house.archive.journal.path
    named = journal.read_bytes() if journal.exists() else b""
    with house.engine.connect() as connection:
        recorded = named_hashes(connection)
    found = []
    for path in sorted(folder.glob("*/*")):
        sha256 = path.name.removesuffix(".gz")
        # Whatever kind of entry names it, in whatever field, keeps it.
        if len(sha256) == 64 and sha256.encode() not in named and sha256 not in recorded and _is_old(path):
            found.append(path)
    return found


def prove_kept(house: House) -> Proof:
    """Raises ArchiveError when anything that the journal or the database refers to is missing or damaged."""
    damage = [problem for problem in house.archive.verify() if problem.damage]
    if damage:
        raise ArchiveError("; ".join(f"{problem.where}: {problem.text}" for problem in damage))
    named: set[str] = set()
    entries = 0
    for entry in house.archive.entries():
        entries += 1
        if entry.get("sha256"):
            named.add(entry["sha256"])
    with house.engine.connect() as connection:
        named |= named_hashes(connection)
    for sha256 in sorted(named):
        house.archive.path(sha256)
    return Proof(len(named), entries)


def _is_old(path: Path) -> bool:
    return time.time() - path.stat().st_mtime > _UNDISTURBED
