"""A second database from the same archive: to compare, to try with, or to take the record's place when it is whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pipelines.database import ready
from pipelines.installation import Installation, writing
from pipelines.locks import alone, rebuilding
from pipelines.record.ingest import position
from pipelines.record.notices import unannounced
from pipelines.record.replace import adopt
from pipelines.run import Progress, catch_up, ingest_again, silent
from scraper.archive import Archive
from scraper.storage import storing


@contextmanager
def open_beside(installation: Installation, place: Path) -> Iterator[Installation]:
    """The installation with an empty database, of SQLite, in the folder `place`."""
    url = f"sqlite:///{place / 'beside.sqlite'}"
    settings = installation.settings.model_copy(update={"home": place, "database_url": url})
    beside = replace(installation, settings=settings, engine=ready(url))
    try:
        yield beside
    finally:
        beside.engine.dispose()


@contextmanager
def copied_beside(installation: Installation, progress: Progress = silent) -> Iterator[Installation]:
    """A installation of its own that knows all that this one knows, into which more can be taken in for a trial.

    Its journal is a copy, and its bodies are links to this archive's.
    """
    installation.archive.complete()
    with tempfile.TemporaryDirectory(prefix="trying-", dir=installation.settings.home) as name:
        place = Path(name)
        for path in installation.archive.folder.glob("*/*"):
            link = place / "archive" / path.relative_to(installation.archive.folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.absolute())
        if installation.archive.journal.path.exists():
            (place / "archive").mkdir(exist_ok=True)
            shutil.copyfile(
                installation.archive.journal.path, place / "archive" / installation.archive.journal.path.name
            )
        with open_beside(replace(installation, archive=Archive(place)), place) as beside:
            ingest_again(beside, progress)
            yield beside


@contextmanager
def derived_beside(
    installation: Installation, entries: int, progress: Progress = silent
) -> Iterator[Installation]:
    """A installation whose database was derived now, from the same archive: the journal's first `entries`."""
    with (
        tempfile.TemporaryDirectory(prefix="countersign-verify-") as name,
        open_beside(installation, Path(name)) as beside,
    ):
        ingest_again(beside, progress, entries)
        yield beside


def rebuild(installation: Installation, progress: Progress = silent, entries: int | None = None) -> None:
    """Derive again what this database had taken in, which is no news, and then what came since, which is.

    A database that had taken in nothing takes in all of the journal, or its first `entries`, and nothing of it is
    news. Others go on working meanwhile; they wait only while the new record takes the old one's place.
    """
    with _room(installation) as place, open_beside(installation, place) as beside:
        _follow(installation, beside, progress, entries)
        with alone(installation):
            _follow(installation, beside, progress, entries)
            with writing(installation) as connection:
                adopt(connection, beside.engine)
    if entries is None:
        catch_up(installation, progress)


def forget_unfinished(installation: Installation) -> None:
    """Delete what a rebuild that was killed left behind; waits for one that is going on."""
    with _room(installation):
        pass


def _follow(
    installation: Installation, beside: Installation, progress: Progress, entries: int | None
) -> None:
    with installation.engine.connect() as connection:
        taken, owed = position(connection).n, unannounced(connection)
    ingest_again(beside, progress, entries or taken or None, owed)


@contextmanager
def _room(installation: Installation) -> Iterator[Path]:
    """A folder in the home, which has the room that a database needs."""
    place = installation.settings.home / "rebuilding"
    with rebuilding(installation):
        shutil.rmtree(place, ignore_errors=True)
        with storing(place):
            place.mkdir()
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
