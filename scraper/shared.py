"""The archive shared by several machines, in a bucket that speaks S3. Each machine's folder is a working copy.

    s3://bucket/prefix/journal/000000000007.json            one entry: its line of journal.jsonl, line end and all
    s3://bucket/prefix/thousands/000000001000.jsonl         entries 1 to 1000 once more, for whoever comes new
    s3://bucket/prefix/4f/4f53cd..., 4f/4f53cd....gz        the bodies, named and packed as in the folder

Objects are only ever created, never written over or deleted: creating entry 7 succeeds once, for one machine,
so the journal stays one chain without a lock that machines would have to share. A body is there before the
entry that names it.

Every look at the journal first fetches what is new: one request when nothing is. To write, an entry is made to
follow the last line and created in the store under its number; who comes second to a number fetches the other's
entry and tries the next one. Only then does the line go into the local file, so the file never holds an entry
that the store lacks, unless it was written without the store: then what is missing there is brought up first.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from scraper.bucket import PAGE, TRIAL, Bucket, md5
from scraper.errors import ArchiveError
from scraper.journal import BEGINNING, Journal, Position, line_hash, parsed, write
from scraper.storage import Problem, storing

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


SUFFIXES = ("", ".gz")
_BODIES_AT_ONCE = 8


class SharedBodies:
    """`local` proves a body of the folder and tells where it is; None when the folder has none of that hash."""

    def __init__(self, bucket: Bucket, local: Callable[[str], Path | None]) -> None:
        self._bucket = bucket
        self._local = local
        self._there = set[str]()  # known to be in the store: nothing ever goes from there

    def has(self, sha256: str) -> bool:
        if sha256 not in self._there and any(self._bucket.has(key) for key in keys(sha256)):
            self._there.add(sha256)
        return sha256 in self._there

    def share(self, sha256: str) -> None:
        """See to it that the store has the body. Raises ArchiveError when neither it nor the folder does."""
        if sha256 in self._there:
            return
        path = self._local(sha256)
        if path is None:
            if not self.has(sha256):
                raise ArchiveError(
                    f"{self._bucket.url}/{keys(sha256)[0]}: missing from the shared archive and from the folder."
                )
            return
        key = f"{sha256[:2]}/{path.name}"
        if not self._bucket.has(key):
            self._bucket.create(key, path.read_bytes())
        self._there.add(sha256)

    def share_all(self, hashes: Iterable[str]) -> None:
        wanted = sorted(set(hashes) - self._there)
        with ThreadPoolExecutor(_BODIES_AT_ONCE) as pool:
            for _ in pool.map(self.share, wanted):
                pass

    def fetch_all(self, hashes: Iterable[str], fetch: Callable[[str], Path]) -> None:
        with ThreadPoolExecutor(_BODIES_AT_ONCE) as pool:
            for _ in pool.map(fetch, sorted(hashes)):
                pass

    def copy(self, sha256: str, suffix: str, file: IO[bytes]) -> bool:
        """The stored form with that ending into a file; False when the store has none. Nothing is proven."""
        return self._bucket.copy(f"{sha256[:2]}/{sha256}{suffix}", file)


def keys(sha256: str) -> list[str]:
    """The names under which a body may lie in the store: one for each stored form."""
    return [f"{sha256[:2]}/{sha256}{suffix}" for suffix in SUFFIXES]


# Fetches a body in its form (hash, ending of its name) and proves it. Raises ArchiveError when it is not right.
Fetch = Callable[[str, str], object]

_BODY = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})(\.gz)?")
_CHECKED_AT_ONCE = 8


def journal_problems(bucket: Bucket, path: Path) -> Iterator[Problem]:
    """Every entry and every bundle, beside the lines of the file."""
    try:
        tags = _tags(bucket, ENTRIES)
        bundles = _tags(bucket, THOUSANDS)
    except ArchiveError as trouble:
        yield Problem(bucket.url, str(trouble))
        return
    if not path.exists():
        return
    with storing(path), path.open("rb") as file:
        n = 0
        # What was written since the store was asked is the next proof's.
        lines = islice(file, len(tags))
        while some := list(islice(lines, BUNDLE)):
            expected = {entry_key(n + place): line for place, line in enumerate(some, 1)}
            n += len(some)
            yield from _unlike(bucket, expected, tags)
            if bundle_key(n) in bundles:
                yield from _unlike(bucket, {bundle_key(n): b"".join(some)}, bundles)


def body_problems(bucket: Bucket, folder: Path, named: set[str], fetch: Fetch) -> Iterator[Problem]:
    """Bodies of the store that are damaged, missing or not `named`; what equals the folder's copy is not fetched."""
    try:
        tags = {key: tag for key, tag in _tags(bucket, "").items() if not key.startswith(_NO_BODIES)}
    except ArchiveError:
        return  # said of the journal already
    found: set[str] = set()
    doubtful: list[tuple[str, str, str]] = []
    for key, tag in tags.items():
        body = _BODY.fullmatch(key)
        if body is None:
            yield Problem(f"{bucket.url}/{key}", "is not a file of the archive.", damage=False)
            continue
        sha256, suffix = body[2], body[3] or ""
        found.add(sha256)
        if sha256 not in named:
            yield Problem(f"{bucket.url}/{key}", "is named by no entry of the journal.", damage=False)
        elif not _is_copy(folder / key, tag):
            doubtful.append((key, sha256, suffix))

    def proven(doubt: tuple[str, str, str]) -> Problem | None:
        key, sha256, suffix = doubt
        try:
            fetch(sha256, suffix)
        except ArchiveError as damage:
            return Problem(f"{bucket.url}/{key}", str(damage))
        return None

    with ThreadPoolExecutor(_CHECKED_AT_ONCE) as pool:
        yield from filter(None, pool.map(proven, doubtful))
    for sha256 in sorted(named - found):
        text = "is named in the journal and missing from the shared archive."
        yield Problem(f"{bucket.url}/{keys(sha256)[0]}", text)


_NO_BODIES = (f"{ENTRIES}/", f"{THOUSANDS}/", TRIAL)


def _tags(bucket: Bucket, folder: str) -> dict[str, str]:
    return {listed.key: listed.tag for page in bucket.pages(folder) for listed in page}


def _unlike(bucket: Bucket, expected: dict[str, bytes], tags: dict[str, str]) -> Iterator[Problem]:
    for key, lines in expected.items():
        if tags.get(key) == md5(lines):
            continue
        try:
            there = bucket.read(key)
        except ArchiveError as trouble:
            yield Problem(f"{bucket.url}/{key}", str(trouble))
            continue
        if there is None:
            yield Problem(f"{bucket.url}/{key}", "is missing from the shared archive.")
        elif there != lines:
            yield Problem(f"{bucket.url}/{key}", "is not what the journal of this machine says.")


def _is_copy(path: Path, tag: str) -> bool:
    if not path.is_file():
        return False
    with storing(path), path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == tag


class SharedArchive:
    """`local` proves a body of the folder and tells where it is; None when the folder has none of that hash."""

    def __init__(self, url: str, local: Callable[[str], Path | None]) -> None:
        self._bucket = Bucket(url)
        self.url = self._bucket.url
        self.bodies = SharedBodies(self._bucket, local)

    def journal(self, path: Path, known: Callable[[], Position]) -> SharedJournal:
        return SharedJournal(path, known, self._bucket, self.bodies.share_all)

    def problems(self, folder: Path, named: set[str], fetch: Fetch) -> Iterator[Problem]:
        """What is wrong in the store, measured by a folder that was proven before."""
        yield from journal_problems(self._bucket, folder / "journal.jsonl")
        yield from body_problems(self._bucket, folder, named, fetch)
