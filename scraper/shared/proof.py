"""Is everything in the store, and right? The store's own tag is believed when it is the MD5 of our proven copy;
whatever it does not settle is fetched and proven by its hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from scraper.errors import ArchiveError
from scraper.shared.bodies import keys
from scraper.shared.bucket import TRIAL, Bucket, md5
from scraper.shared.journal import BUNDLE, ENTRIES, THOUSANDS, bundle_key, entry_key
from scraper.storage import Problem, storing

# Fetches a body in its form (hash, ending of its name) and proves it. Raises ArchiveError when it is not right.
Fetch = Callable[[str, str], object]

_BODY = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})(\.gz)?")
_AT_ONCE = 8


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

    with ThreadPoolExecutor(_AT_ONCE) as pool:
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
