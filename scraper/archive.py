"""The archive: every distinct body once, by its SHA-256, and the journal of who saw it when.

    archive/journal.jsonl       see scraper.journal
    archive/4f/4f53cd...        the bytes as they came, when they are compressed already (.xlsx, .pdf, ...)
    archive/4f/4f53cd....gz     gzip, when that helps; any tool can read it

A body is written under a temporary name, flushed, renamed, and its folder flushed: it is there whole or not
at all. With a shared archive (scraper.shared) this folder is one machine's proven copy of it: what is put here
is put there too, and what is missing here is fetched from there.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from scraper.capture import Capture
from scraper.errors import ArchiveError, UsageError
from scraper.journal import Journal, Position
from scraper.storage import DAMAGE, Problem, opened, pack, sealed, storing, sync_directory

if TYPE_CHECKING:
    from scraper.shared import SharedArchive

_SHA256 = re.compile(r"[0-9a-f]{64}")
_INCOMING = "incoming-"
_ABANDONED_SECONDS = 86_400
_SWEPT_SECONDS = 3_600
_BLOCK = 1_048_576

__all__ = ["Archive", "Problem"]


class Archive:
    def __init__(
        self, home: Path, known: Callable[[], Position] = Position, shared: str | None = None
    ) -> None:
        """`known` tells how far the journal was read before (see Journal); `shared` is where the archive is
        that several machines share. Raises UsageError when what that needs is not installed."""
        self.folder = home / "archive"
        self._shared = _shared_archive(shared, self._proven) if shared else None
        path = self.folder / "journal.jsonl"
        self.journal = self._shared.journal(path, known) if self._shared else Journal(path, known)
        self._swept: float | None = None  # when it was looked through for what was left half written

    def put(self, body: bytes | Iterable[bytes]) -> str:
        """Keep a body for ever and return its SHA-256. A body that is kept already is left as it is."""
        [sha256] = self.put_all([body])
        return sha256

    def put_all(self, bodies: Iterable[bytes | Iterable[bytes]]) -> list[str]:
        """The same of many: each folder is waited for once."""
        with self._settling() as unsynced:
            kept = [self._put(body, unsynced) for body in bodies]
        if shared := self._shared:
            shared.bodies.share_all(kept)
        return kept

    def _put(self, body: bytes | Iterable[bytes], unsynced: set[Path]) -> str:
        sha256 = hashlib.sha256(body).hexdigest() if isinstance(body, bytes) else None
        if sha256 is None or self._stored(sha256) is None:
            with self._incoming() as (file, incoming):
                sha256, suffix = pack([body] if isinstance(body, bytes) else body, file)
                self._settle(incoming, sha256, suffix, unsynced)
        return sha256

    def has(self, sha256: str) -> bool:
        return self._stored(sha256) is not None or bool(self._shared and self._shared.bodies.has(sha256))

    def path(self, sha256: str) -> Path:
        """Where the body is kept (perhaps compressed). Raises ArchiveError when it is not."""
        stored = self._stored(sha256) or self._fetched(sha256)
        if stored is None:
            raise ArchiveError(f"{self.folder / sha256[:2] / sha256}: missing from the archive.")
        return stored

    def complete(self) -> None:
        """Fetch every body of a shared archive that the journal names and this folder lacks."""
        if self._shared:
            named = {entry["sha256"] for entry in self.entries() if entry.get("sha256")}
            self._shared.bodies.fetch_all(named, self.path)

    def open(self, sha256: str) -> IO[bytes]:
        """The body as a readable file, proven whole before it is handed out."""
        path = self.path(sha256)
        with storing(path):
            self._prove(path, sha256)
            return opened(path)

    def read(self, sha256: str) -> bytes:
        """Raises ArchiveError when it is missing, or is not what its hash says."""
        path = self.path(sha256)
        with storing(path), opened(path) as file:
            try:
                body = file.read()
            except DAMAGE as damage:
                raise _altered(path) from damage
        if hashlib.sha256(body).hexdigest() != sha256:
            raise _altered(path)
        return body

    @contextmanager
    def local_path(self, sha256: str) -> Iterator[Path]:
        """A real file that holds the body uncompressed, proven whole, for as long as the block lasts."""
        path = self.path(sha256)
        if path.suffix != ".gz":
            with storing(path):
                self._prove(path, sha256)
            yield path
            return
        with tempfile.NamedTemporaryFile(prefix="countersign-") as copy:
            with storing(path):
                self._unpack(path, sha256, copy)
            yield Path(copy.name)

    def keep(self, capture: Capture, at: datetime) -> dict[str, Any]:
        """Write a capture into the journal, recorded `at`. The body it names must have been put before."""
        [entry] = self.keep_all([capture], at)
        return entry

    def keep_all(self, captures: Sequence[Capture], at: datetime) -> list[dict[str, Any]]:
        """The same of many: the disk is waited for once."""
        for capture in captures:
            if capture.sha256 is not None:
                self.path(capture.sha256)
        return self._append_all("capture", at, [capture.as_json() for capture in captures])

    def append(self, kind: str, at: datetime, **fields: Any) -> dict[str, Any]:
        """Write an entry of any kind into the journal, flushed to the disk, and return it."""
        [entry] = self._append_all(kind, at, [fields])
        return entry

    def _append_all(self, kind: str, at: datetime, several: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        if shared := self._shared:
            for sha256 in filter(None, (fields.get("sha256") for fields in several)):
                shared.bodies.share(sha256)
        return self.journal.append_all(kind, at, several)

    def entries(self) -> Iterator[dict[str, Any]]:
        return self.journal.entries()

    def verify(self) -> Iterator[Problem]:
        """Prove every hash of every file and the journal's chain; yields what is wrong."""
        named: set[str] = set()
        try:
            named.update(entry["sha256"] for entry in self.entries() if entry.get("sha256"))
        except ArchiveError as damage:
            yield Problem(str(self.journal.path), str(damage))
        if self.journal.unfinished():
            yield Problem(str(self.journal.path), "the last line was cut short by a crash.", damage=False)
        kept: set[str] = set()
        for path in sorted(self.folder.glob("*/*")):
            sha256 = path.name.removesuffix(".gz")
            kept.add(sha256)
            yield from self._judged(path, sha256, named)
        if self._shared:
            yield from self._shared.problems(self.folder, named, self._fetch)
            return
        for sha256 in sorted(named - kept):
            yield Problem(str(self.folder / sha256[:2] / sha256), "is named in the journal and missing.")

    def _judged(self, path: Path, sha256: str, named: set[str]) -> Iterator[Problem]:
        if not _SHA256.fullmatch(sha256) or path.parent.name != sha256[:2]:
            yield Problem(str(path), "is not a file of the archive.", damage=False)
            return
        try:
            with storing(path):
                self._prove(path, sha256)
        except ArchiveError as damage:
            yield Problem(str(path), str(damage))
        if sha256 not in named:
            yield Problem(str(path), "is named by no entry of the journal.", damage=False)

    def _stored(self, sha256: str) -> Path | None:
        if not _SHA256.fullmatch(sha256):
            raise ArchiveError(f"{sha256[:80]!r} is not a SHA-256 in lower-case hexadecimal.")
        plain = f"{self.folder}/{sha256[:2]}/{sha256}"
        forms = (plain, f"{plain}.gz")
        return next((Path(form) for form in forms if _is_file(form)), None)

    @contextmanager
    def _incoming(self, suffix: str = "") -> Iterator[tuple[IO[bytes], Path]]:
        """A file that is gone afterwards unless it was settled."""
        with storing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._sweep()
            number, name = tempfile.mkstemp(prefix=_INCOMING, suffix=suffix, dir=self.folder)
            try:
                with os.fdopen(number, "wb") as file:
                    yield file, Path(name)
            finally:
                Path(name).unlink(missing_ok=True)

    @contextmanager
    def _settling(self) -> Iterator[set[Path]]:
        """For the folders in which bodies are settled: what was renamed in them is there for good afterwards."""
        unsynced: set[Path] = set()
        try:
            yield unsynced
        finally:  # what was settled before an error is there too
            with storing(self.folder):
                for folder in sorted(unsynced):
                    sync_directory(folder)

    def _settle(self, incoming: Path, sha256: str, suffix: str, unsynced: set[Path]) -> Path:
        place = self.folder / sha256[:2] / f"{sha256}{suffix}"
        if stored := self._stored(sha256):
            return stored
        if not place.parent.exists():
            place.parent.mkdir(exist_ok=True)
            unsynced.add(self.folder)
        incoming.chmod(0o644)
        incoming.replace(place)
        unsynced.add(place.parent)
        return place

    def _fetched(self, sha256: str) -> Path | None:
        """A body of the shared archive, in whichever form it is there."""
        forms = ("", ".gz") if self._shared else ()
        return next(filter(None, (self._fetch(sha256, suffix) for suffix in forms)), None)

    def _fetch(self, sha256: str, suffix: str) -> Path | None:
        """Proven before it is kept here. None when the shared archive does not have it in this form."""
        assert self._shared  # noqa: S101 - asked for only when there is one
        with self._incoming(suffix) as (file, incoming):
            if not self._shared.bodies.copy(sha256, suffix, file):
                return None
            file.flush()
            os.fsync(file.fileno())
            self._prove(incoming, sha256, f"{self._shared.url}/{sha256[:2]}/{sha256}{suffix}")
            with self._settling() as unsynced:
                return self._settle(incoming, sha256, suffix, unsynced)

    def _proven(self, sha256: str) -> Path | None:
        stored = self._stored(sha256)
        if stored is not None:
            with storing(stored):
                self._prove(stored, sha256)
        return stored

    def _sweep(self) -> None:
        """Now and then, remove what a killed process left half written, once it is surely nobody's."""
        if self._swept is not None and time.monotonic() - self._swept < _SWEPT_SECONDS:
            return
        self._swept = time.monotonic()
        for left in self.folder.glob(f"{_INCOMING}*"):
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > _ABANDONED_SECONDS:
                    left.unlink()

    @staticmethod
    def _unpack(path: Path, sha256: str, copy: IO[bytes]) -> None:
        """Proven while it is copied: a large list would else be unpacked twice."""
        found = hashlib.sha256()
        try:
            with opened(path) as file:
                while block := file.read(_BLOCK):
                    found.update(block)
                    copy.write(block)
        except DAMAGE as damage:
            raise _altered(path) from damage
        if found.hexdigest() != sha256 or not sealed(path):
            raise _altered(path)
        copy.flush()

    @staticmethod
    def _prove(path: Path, sha256: str, where: str = "") -> None:
        try:
            with opened(path) as file:
                found = hashlib.file_digest(cast("Any", file), "sha256").hexdigest()
        except DAMAGE as damage:
            raise _altered(where or path) from damage
        if found != sha256 or (path.suffix == ".gz" and not sealed(path)):
            raise _altered(where or path)


def _is_file(path: str) -> bool:
    """Asked for every body, for which a Path takes long; a folder that may not be read is no lack of a body."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return False


def _altered(where: Path | str) -> ArchiveError:
    return ArchiveError(f"{where}: damaged or altered, its bytes do not have the hash in its name.")


def _shared_archive(url: str, local: Callable[[str], Path | None]) -> SharedArchive:
    """Its library is large, and only installed and loaded by who shares an archive."""
    try:
        from scraper.shared import SharedArchive
    except ModuleNotFoundError as missing:
        if missing.name != "obstore":
            raise
        raise UsageError(
            "COUNTERSIGN_ARCHIVE_URL needs the package obstore. Install it: pip install 'countersign[s3]'."
        ) from missing
    return SharedArchive(url, local)
