"""The bodies in the store: the same names and the same bytes as in the folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from scraper.errors import ArchiveError
from scraper.shared.bucket import Bucket

SUFFIXES = ("", ".gz")
_AT_ONCE = 8


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
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(self.share, wanted):
                pass

    def fetch_all(self, hashes: Iterable[str], fetch: Callable[[str], Path]) -> None:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(fetch, sorted(hashes)):
                pass

    def copy(self, sha256: str, suffix: str, file: IO[bytes]) -> bool:
        """The stored form with that ending into a file; False when the store has none. Nothing is proven."""
        return self._bucket.copy(f"{sha256[:2]}/{sha256}{suffix}", file)


def keys(sha256: str) -> list[str]:
    """The names under which a body may lie in the store: one for each stored form."""
    return [f"{sha256[:2]}/{sha256}{suffix}" for suffix in SUFFIXES]
