"""The journal that several machines write: the local file follows the store, entry by entry.

Every look at the journal first fetches what is new: one request when nothing is. To write, an entry is made to
follow the last line and created in the store under its number; who comes second to a number fetches the other's
entry and tries the next one. Only then does the line go into the local file, so the file never holds an entry
that the store lacks, unless it was written without the store: then what is missing there is brought up first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from scraper.errors import ArchiveError
from scraper.journal import BEGINNING, Journal, Position, line_hash, parsed, write
from scraper.shared.bucket import PAGE, Bucket, md5
from scraper.storage import storing

ENTRIES = "journal"
THOUSANDS = "thousands"
BUNDLE = 1000  # entries in one object of THOUSANDS
_WORTH_A_BUNDLE = 20  # entries that are missing; one request for the bundle is cheaper than theirs
_AT_ONCE = 16
_ATTEMPTS = 30


class _OvertakenError(ArchiveError):
    """Other machines wrote to the shared journal again and again in the meantime. Run the command again."""


class SharedJournal(Journal):
    """`share` brings bodies into the store: those named by entries that the store does not know yet."""

    def __init__(
        self,
        path: Path,
        known: Callable[[], Position],
        bucket: Bucket,
        share: Callable[[Iterable[str]], None],
    ) -> None:
        super().__init__(path, known)
        self._bucket = bucket
        self._share = share

    def append(self, kind: str, at: datetime, fields: Mapping[str, Any]) -> dict[str, Any]:
        known = self._known()
        attempts = Retrying(
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.02, max=1),
            retry=retry_if_exception_type(_OvertakenError),
            reraise=True,
        )
        return attempts(self._append_once, known, kind, at, fields)

    def append_all(
        self, kind: str, at: datetime, several: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        return [self.append(kind, at, fields) for fields in several]

    def entries(self) -> Iterator[dict[str, Any]]:
        self.catch_up()
        yield from super().entries()

    def tail(self, offset: int, n: int, prev: str) -> Iterator[tuple[dict[str, Any], Position]]:
        self.catch_up()
        yield from super().tail(offset, n, prev)

    def catch_up(self) -> None:
        """Fetch what other machines wrote. Raises ArchiveError when the store cannot be reached, or when it
        and this file went different ways."""
        with storing(self.path), self._locked() as file:
            self._follow(file)

    def _append_once(
        self, known: Position, kind: str, at: datetime, fields: Mapping[str, Any]
    ) -> dict[str, Any]:
        with storing(self.path), self._locked() as file:
            last = self._follow(file)
            self._must_hold(file, known)
            if not last:
                self._bucket.must_create_once()
            entry, line = self._following(last, kind, at, fields)
            key = entry_key(entry["n"])
            # An answer that was lost on its way makes the library ask again, and find our own entry there.
            if not self._bucket.create(key, line) and self._bucket.read(key) != line:
                raise _OvertakenError
            self._extend(file, last, [line])
        return entry

    def _follow(self, file: int) -> bytes:
        """Catch up; returns the last line."""
        last = self._last_whole_line(file)
        while True:
            n = self._number(last)
            page = next(self._bucket.pages(ENTRIES, f"{n - 1:012}.json" if n > 1 else ""), [])
            tags = {entry_number(listed.key): listed.tag for listed in page}
            if n and n not in tags:
                self._bring_up(n)
                return last
            if n and tags[n] != md5(last + b"\n") and self._entry(n) != last + b"\n":
                raise self._fork(n)
            reached = max(tags, default=0)
            if reached <= n:
                return last
            whole = len(page) < PAGE
            bundled = self._bundled(last) if not whole or reached >= _end_of_bundle(n) else []
            last = self._extend(file, last, bundled or self._one_by_one(n, reached))
            if whole and self._number(last) == reached:
                return last

    def _bundled(self, last: bytes) -> list[bytes]:
        """The lines after the last one from the bundle they are in. None when it is not worth it, and when the
        bundle is not there or not right: the entries themselves are what counts."""
        n = self._number(last)
        end = _end_of_bundle(n)
        if end - n < _WORTH_A_BUNDLE:
            return []
        lines = (self._bucket.read(bundle_key(end)) or b"").splitlines(keepends=True)[n % BUNDLE :]
        try:
            return lines if self._proven(last, lines) == end else []
        except ArchiveError:
            return []

    def _one_by_one(self, n: int, reached: int) -> list[bytes]:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self._entry, range(n + 1, min(reached, _end_of_bundle(n)) + 1)))

    def _entry(self, n: int) -> bytes:
        line = self._bucket.read(entry_key(n))
        if line is None:
            raise ArchiveError(
                f"{self._bucket.url}/{entry_key(n)}: missing, although later entries are there. Put it back: it "
                f"is line {n} of the journal.jsonl of a machine that has it."
            )
        return line

    def _extend(self, file: int, last: bytes, lines: list[bytes]) -> bytes:
        """Write lines that the store holds into the file; returns the last."""
        n = self._proven(last, lines)
        write(file, b"".join(lines))
        if n % BUNDLE == 0:
            self._bundle(n)
        return lines[-1][:-1]

    def _proven(self, last: bytes, lines: list[bytes]) -> int:
        """The number of the last of some lines that follow the `last` one and one another. Raises ArchiveError."""
        n, prev = self._number(last), line_hash(last) if last else BEGINNING
        for line in lines:
            n += 1
            entry = parsed(line.removesuffix(b"\n"), self._bucket.url, f"entry {n}")
            if entry["n"] != n or entry["prev"] != prev or not line.endswith(b"\n"):
                raise ArchiveError(f"{self._bucket.url}, entry {n}: does not follow the entry before it.")
            prev = line_hash(line[:-1])
        return n

    def _bundle(self, n: int) -> None:
        """Whoever writes or fetches the last entry of a bundle sees to it that there is one. It is a
        convenience: without it entries are fetched one by one."""
        with suppress(ArchiveError):
            if not self._bucket.has(bundle_key(n)):
                with self.path.open("rb") as lines:
                    some = [line for number, line in enumerate(lines, 1) if n - BUNDLE < number <= n]
                self._bucket.create(bundle_key(n), b"".join(some))

    def _bring_up(self, n: int) -> None:
        """Bring the entries up that were written without the store; they must go on where it ends."""
        there = 0
        for page in self._bucket.pages(ENTRIES):
            there = max(there, *(entry_number(listed.key) for listed in page))
        if there > n:
            self._entry(n)
            return
        if there and self._line(there) != self._entry(there):
            raise self._fork(there)
        if not there:
            self._bucket.must_create_once()
        self._share(self._named(there))
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if number <= there or not line.endswith(b"\n"):
                    continue
                key = entry_key(number)
                if not self._bucket.create(key, line) and self._bucket.read(key) != line:
                    raise self._fork(number)
                if number % BUNDLE == 0:
                    self._bundle(number)

    def _named(self, there: int) -> Iterator[str]:
        """The bodies that entries after the first `there` name, each entry proven to be one."""
        for entry in super().entries():
            if entry["n"] > there and entry.get("sha256"):
                yield entry["sha256"]

    def _line(self, n: int) -> bytes:
        with self.path.open("rb") as lines:
            return next(line for number, line in enumerate(lines, 1) if number == n)

    def _fork(self, n: int) -> ArchiveError:
        return ArchiveError(
            f"{self.path}, line {n}: is not entry {n} of {self._bucket.url}. The two went different ways, and "
            "nothing was written to either. To follow the shared journal, set COUNTERSIGN_HOME to an empty "
            "folder; to keep this one, set COUNTERSIGN_ARCHIVE_URL to an empty prefix."
        )


def _end_of_bundle(n: int) -> int:
    """The number of the last entry of the bundle that entry n + 1 is in."""
    return (n // BUNDLE + 1) * BUNDLE


def entry_key(n: int) -> str:
    return f"{ENTRIES}/{n:012}.json"


def bundle_key(n: int) -> str:
    return f"{THOUSANDS}/{n:012}.jsonl"


def entry_number(key: str) -> int:
    """What somebody else put there counts as nothing."""
    name = key.rpartition("/")[2].removesuffix(".json")
    return int(name) if name.isdigit() and entry_key(int(name)) == key else 0
