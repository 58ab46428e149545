"""The archive's journal: one JSON object per line, each carrying the hash of the line before it.

    {"at":"2025-05-12T13:00:04+00:00","hash":"<sha256>","kind":"capture","n":7,"prev":"<sha256>", ...}

`prev` is the SHA-256 of the previous line (without its line end; 64 zeros for the first), `hash` that of this
entry's canonical JSON without `hash`. A line is canonical JSON itself (sorted keys, no blanks, UTF-8), so no
bit of it can change unseen. A last line without its line end was cut short by a crash: it was never
acknowledged, and the chain goes on from the last whole line.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from scraper.errors import ArchiveError, ClockError
from scraper.storage import storing, sync_directory

BEGINNING = "0" * 64
_BLOCK = 65_536
CLOCKS_APART = timedelta(minutes=5)  # as those of two machines with one archive may be


class Position(NamedTuple):
    """How far a journal was read: the byte after the last line, that line's number, and its hash."""

    offset: int = 0
    n: int = 0
    prev: str = BEGINNING


class Journal:
    """`known` tells how far it was read before: a journal that lost those lines is not written on."""

    def __init__(self, path: Path, known: Callable[[], Position] = Position) -> None:
        self.path = path
        self._known = known

    def append(self, kind: str, at: datetime, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Write one entry for good (flushed to the disk) and return it."""
        [entry] = self.append_all(kind, at, [fields])
        return entry

    def append_all(
        self, kind: str, at: datetime, several: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """The same of many: the disk is waited for once."""
        if not several:
            return []
        known, entries, lines = self._known(), list[dict[str, Any]](), list[bytes]()
        with storing(self.path), self._locked() as file:
            self._must_hold(file, known)
            last = self._last_whole_line(file)
            for fields in several:
                entry, line = self._following(last, kind, at, fields)
                entries.append(entry)
                lines.append(line)
                last = line[:-1]
            write(file, b"".join(lines))
        return entries

    def entries(self) -> Iterator[dict[str, Any]]:
        """Every entry from the first, each proven to follow the one before. Raises ArchiveError at damage."""
        if not self.path.exists():
            return
        prev = BEGINNING
        with storing(self.path), self.path.open("rb") as file:
            for n, line in enumerate(file, 1):
                where = f"line {n}"
                if not line.endswith(b"\n"):
                    if _is_entry(line[:-1]):
                        raise ArchiveError(f"{self.path}, {where}: the line end was altered.")
                    return
                entry = parsed(line[:-1], self.path, where)
                if entry["n"] != n or entry["prev"] != prev:
                    raise ArchiveError(f"{self.path}, {where}: does not follow the line before it.")
                prev = line_hash(line[:-1])
                yield entry

    def tail(self, offset: int, n: int, prev: str) -> Iterator[tuple[dict[str, Any], Position]]:
        """The entries after the `n`th, whose line ended at byte `offset` with hash `prev`, each with its end.

        Reading goes on where it stopped, so a quiet look need not prove ten years of lines again.
        """
        if not self.path.exists():
            if offset:
                raise ArchiveError(
                    f"{self.path}: missing, although entries were read before. Restore a copy."
                )
            return
        with storing(self.path), self.path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < offset:
                raise ArchiveError(
                    f"{self.path}: shorter than when it was read last. Restore it from a copy."
                )
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                n, offset = n + 1, offset + len(line)
                entry = parsed(line[:-1], self.path, f"line {n}")
                if entry["n"] != n or entry["prev"] != prev:
                    raise ArchiveError(f"{self.path}, line {n}: does not follow the line before it.")
                prev = line_hash(line[:-1])
                yield entry, Position(offset, n, prev)

    def last_at(self) -> datetime | None:
        """When the last entry was written; None when there is none, or it was cut short."""
        if not self.path.exists():
            return None
        with storing(self.path), self.path.open("rb") as file:
            line = _line_before(file.fileno(), file.seek(0, os.SEEK_END))
        entry = _entry(line) if line else None
        return datetime.fromisoformat(entry["at"]) if entry else None

    def check_clock(self, now: datetime) -> None:
        """Raises ClockError when it is earlier than the last entry says: what is dated now would come before it."""
        _must_follow(now, self.last_at())

    def unfinished(self) -> bool:
        """Does the journal end in a line that was cut short?"""
        if not self.path.exists() or not self.path.stat().st_size:
            return False
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() != b"\n"

    def _following(
        self, last: bytes, kind: str, at: datetime, fields: Mapping[str, Any]
    ) -> tuple[dict[str, Any], bytes]:
        """The entry after the `last` line (empty: the first one), and its line."""
        if at.tzinfo is None:
            msg = f"the time of a {kind} entry has no time zone"
            raise ValueError(msg)
        before = parsed(last, self.path, "its last line") if last else None
        if before:
            _must_follow(at, datetime.fromisoformat(before["at"]))
        entry = {
            **fields,
            "n": int(before["n"]) + 1 if before else 1,
            "at": at.astimezone(UTC).isoformat(),
            "kind": kind,
            "prev": line_hash(last) if last else BEGINNING,
        }
        entry["hash"] = line_hash(_canonical(entry))
        return entry, _canonical(entry) + b"\n"

    def _number(self, last: bytes) -> int:
        return int(parsed(last, self.path, "its last line")["n"]) if last else 0

    def _must_hold(self, file: int, known: Position) -> None:
        """Raises ArchiveError unless the line that was read last still ends where it did."""
        if not known.offset:
            return
        if os.fstat(file).st_size < known.offset:
            raise ArchiveError(f"{self.path}: shorter than when it was read last. Restore it from a copy.")
        if line_hash(_line_before(file, known.offset)) != known.prev:
            raise ArchiveError(f"{self.path}, line {known.n}: not the one that was read. Restore a copy.")

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = not self.path.exists()
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if new:
                sync_directory(self.path.parent)
            yield file
        finally:
            os.close(file)

    def _last_whole_line(self, file: int) -> bytes:
        end = os.lseek(file, 0, os.SEEK_END)
        tail, start = b"", end
        while start and tail.count(b"\n", 0, len(tail) - 1) < 1 + (not tail.endswith(b"\n")):
            start = max(0, start - _BLOCK)
            tail = os.pread(file, end - start, start)
        whole, _, cut = tail.rpartition(b"\n")
        if _is_entry(cut[:-1]):
            raise ArchiveError(f"{self.path}: the end of its last line was altered.")
        if cut:
            self._set_aside(file, cut, end)
        return whole.rpartition(b"\n")[2]

    def _set_aside(self, file: int, cut: bytes, end: int) -> None:
        """Keep what a crash left of a line beside the journal, so that nothing is destroyed."""
        number = 1
        while (aside := self.path.with_name(f"{self.path.stem}.damaged-{number}")).exists():
            number += 1
        with aside.open("wb") as kept:
            kept.write(cut)
            kept.flush()
            os.fsync(kept.fileno())
        os.ftruncate(file, end - len(cut))


def _must_follow(now: datetime, last: datetime | None) -> None:
    if last is not None and now < last - CLOCKS_APART:
        raise ClockError(
            f"This machine's clock says {now:%Y-%m-%d %H:%M} UTC, but the journal's last entry was written at "
            f"{last:%Y-%m-%d %H:%M} UTC. Set the clock right and try again. If it was wrong when that entry was "
            "written, restore a backup that was made before."
        )


def _line_before(file: int, end: int) -> bytes:
    """The line whose line end is the last byte before `end`; what is no line has no right hash either."""
    tail, start = b"", end
    while start and b"\n" not in tail[:-1]:
        start = max(0, start - _BLOCK)
        tail = os.pread(file, end - start, start)
    return tail[:-1].rpartition(b"\n")[2] if tail.endswith(b"\n") else b""


def write(file: int, lines: bytes) -> None:
    """All of the lines or nothing of them."""
    end = os.lseek(file, 0, os.SEEK_END)
    try:
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
    except OSError:
        os.ftruncate(file, end)
        raise


def parsed(line: bytes, path: Path | str, where: str) -> dict[str, Any]:
    """The entry of a line. Raises ArchiveError, saying `where`, for what is none."""
    entry = _entry(line)
    if entry is None:
        raise ArchiveError(f"{path}, {where}: was altered or damaged. Restore the journal from a copy.")
    return entry


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
        whole = _canonical(entry) == line
        claimed = entry.pop("hash")
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None
    if (
        not whole
        or claimed != line_hash(_canonical(entry))
        or not {"n", "at", "kind", "prev"} <= entry.keys()
    ):
        return None
    return {**entry, "hash": claimed}


def _is_entry(line: bytes) -> bool:
    return _entry(line) is not None


def _canonical(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def line_hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
