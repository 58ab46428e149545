"""A second database beside the one that stands, derived from the same archive and its journal."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pipelines.database import ready
from pipelines.house import House
from pipelines.run import Progress, silent, take_in_again


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
def derived_beside(house: House, entries: int, progress: Progress = silent) -> Iterator[House]:
    """A house whose database was derived now, from the same archive: the journal's first `entries`."""
    with (
        tempfile.TemporaryDirectory(prefix="countersign-verify-") as name,
        open_beside(house, Path(name)) as beside,
    ):
        take_in_again(beside, progress, entries)
        yield beside
