"""A second database beside the one that stands, derived from the same archive and its journal."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pipelines.database import ready
from pipelines.house import House
from pipelines.run import Progress, silent, take_in_again
from scraper.archive import Archive


@contextmanager
def open_beside(house: House, place: Path) -> Iterator[House]:
    """The house with an empty database, of SQLite, in the folder `place`."""
    url = f"sqlite:///{place / 'beside.sqlite'}"
    settings = house.settings.model_copy(update={"home": place, "database_url": url})
    beside = replace(house, settings=settings, engine=ready(url))
    try:
        yield beside
    finally:
        beside.engine.dispose()


@contextmanager
def copied_beside(house: House, progress: Progress = silent) -> Iterator[House]:
    """A house of its own that knows all that this one knows, into which more can be taken in for a trial.

    Its journal is a copy, and its bodies are links to this archive's.
    """
    house.archive.complete()
    with tempfile.TemporaryDirectory(prefix="trying-", dir=house.settings.home) as name:
        place = Path(name)
        for path in house.archive.folder.glob("*/*"):
            link = place / "archive" / path.relative_to(house.archive.folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.absolute())
        if house.archive.journal.path.exists():
            (place / "archive").mkdir(exist_ok=True)
            shutil.copyfile(house.archive.journal.path, place / "archive" / house.archive.journal.path.name)
        with open_beside(replace(house, archive=Archive(place)), place) as beside:
            take_in_again(beside, progress)
            yield beside


@contextmanager
def derived_beside(house: House, entries: int, progress: Progress = silent) -> Iterator[House]:
    """A house whose database was derived now, from the same archive: the journal's first `entries`."""
    with (
        tempfile.TemporaryDirectory(prefix="countersign-verify-") as name,
        open_beside(house, Path(name)) as beside,
    ):
        take_in_again(beside, progress, entries)
        yield beside
