"""A seal: the journal's head with time and counts. Published, it proves what was known by then.

Whoever holds a seal can tell later whether the journal still has what it had: every line up to the seal's is
under the hash that the seal names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.history.changes import ChangeFilter, count_changes
from pipelines.history.publications import new_publications
from pipelines.house import House
from scraper.archive import Archive, Problem
from scraper.errors import ArchiveError, UsageError
from scraper.journal import BEGINNING, Journal, Position
from scraper.settings import version
from scraper.storage import storing

FOLDER = "seals"


@dataclass(frozen=True, slots=True)
class Seal:
    """`head` is the hash of the last of so many `entries`; `counts` are of files, publications and changes."""

    entries: int
    head: str
    sealed_at: str
    counts: Mapping[str, int]
    software: str

    def as_json(self) -> dict[str, Any]:
        return {
            "entries": self.entries,
            "head": self.head,
            "sealed_at": self.sealed_at,
            "counts": dict(self.counts),
            "software": self.software,
        }

    def as_text(self) -> str:
        """For people: a page, a post, a letter, a time-stamping service."""
        counted = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        return (
            f"Countersign seal of {self.sealed_at}\n\n"
            f"The journal has {self.entries} entries; the SHA-256 of the last one's line is\n"
            f"{self.head}\n\n"
            f"It holds {counted}.\n"
            "Each line of the journal carries the hash of the line before it, and every file is named by its\n"
            "hash, so nothing that was recorded up to this line can be changed without changing this number.\n"
        )


def seal(house: House) -> Seal:
    """The head as it is now, proven from the first line. Raises UsageError when there is nothing to seal."""
    files: set[str] = set()
    end = Position()
    for entry, reached in house.archive.journal.tail(0, 0, BEGINNING):
        end = reached
        if entry.get("sha256"):
            files.add(entry["sha256"])
    if not end.n:
        raise UsageError("The journal is empty: there is nothing to seal yet.")
    with house.engine.connect() as connection:
        counts = {
            "files": len(files),
            "publications": len(new_publications(connection, None)),
            "changes": sum(count_changes(connection, ChangeFilter()).values()),
        }
    return Seal(end.n, end.prev, f"{house.now():%Y-%m-%dT%H:%M:%SZ}", counts, f"countersign {version()}")


def write_seal(made: Seal, folder: Path) -> tuple[Path, Path]:
    """Two files, JSON and text, named by the seal's entry and time; kept beside the archive by default."""
    name = f"seal-{made.entries:06}-{made.sealed_at.replace(':', '').replace('-', '')}"
    places = folder / f"{name}.json", folder / f"{name}.txt"
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        places[0].write_text(json.dumps(made.as_json(), indent=2) + "\n", encoding="utf-8")
        places[1].write_text(made.as_text(), encoding="utf-8")
    return places


def read_seal(path: Path) -> Seal:
    """Raises ArchiveError when the file is no seal."""
    with storing(path):
        text = path.read_bytes()
    try:
        told = json.loads(text)
        return Seal(
            int(told["entries"]), str(told["head"]), str(told["sealed_at"]), dict(told["counts"]),
            str(told["software"]),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"{path}: is not a seal that countersign wrote.") from error


def broken_seals(archive: Archive, paths: list[Path]) -> Iterator[Problem]:
    """The seals that the journal no longer answers to."""
    seals = []
    for path in paths:
        try:
            seals.append((path, read_seal(path)))
        except ArchiveError as error:
            yield Problem(str(path), str(error).removeprefix(f"{path}: "))
    if not seals:
        return
    heads = line_hashes(archive.journal)
    for path, made in seals:
        if heads.get(made.entries) != made.head:
            text = f"entry {made.entries} of the journal is not the one that was sealed at {made.sealed_at}."
            yield Problem(str(path), text)


def kept_seals(home: Path) -> list[Path]:
    return sorted((home / FOLDER).glob("seal-*.json"))


def line_hashes(journal: Journal) -> dict[int, str]:
    """The hash of every whole line, by number, as far as the chain holds."""
    hashes: dict[int, str] = {}
    try:
        for _, end in journal.tail(0, 0, BEGINNING):
            hashes[end.n] = end.prev
    except ArchiveError:
        return hashes
    return hashes
