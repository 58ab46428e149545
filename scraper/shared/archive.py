"""What the archive of a machine shares with others: bodies, journal, and the proof of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from scraper.journal import Position
from scraper.shared.bodies import SharedBodies
from scraper.shared.bucket import Bucket
from scraper.shared.journal import SharedJournal
from scraper.shared.proof import Fetch, body_problems, journal_problems
from scraper.storage import Problem


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
