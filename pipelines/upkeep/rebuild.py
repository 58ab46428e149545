"""Everything derived again from the archive, beside the record that stands, which it replaces when it is whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.beside import open_beside
from pipelines.house import House, writing
from pipelines.locks import alone, rebuilding
from pipelines.record.adopted import adopt
from pipelines.record.intake import position
from pipelines.record.outbox import unannounced
from pipelines.run import Progress, catch_up, silent, take_in_again
from scraper.storage import storing


def rebuild(house: House, progress: Progress = silent, entries: int | None = None) -> None:
    """Derive again what this database had taken in, which is no news, and then what came since, which is.

    A database that had taken in nothing takes in all of the journal, or its first `entries`, and nothing of it is
    news. Others go on working meanwhile; they wait only while the new record takes the old one's place.
    """
    with _room(house) as place, open_beside(house, place) as beside:
        _follow(house, beside, progress, entries)
        with alone(house):
            _follow(house, beside, progress, entries)
            with writing(house) as connection:
                adopt(connection, beside.engine)
    if entries is None:
        catch_up(house, progress)


def forget_unfinished(house: House) -> None:
    """Delete what a rebuild that was killed left behind; waits for one that is going on."""
    with _room(house):
        pass


def _follow(house: House, beside: House, progress: Progress, entries: int | None) -> None:
    with house.engine.connect() as connection:
        taken, owed = position(connection).n, unannounced(connection)
    take_in_again(beside, progress, entries or taken or None, owed)


@contextmanager
def _room(house: House) -> Iterator[Path]:
    """A folder in the home, which has the room that a database needs."""
    place = house.settings.home / "rebuilding"
    with rebuilding(house):
        shutil.rmtree(place, ignore_errors=True)
        with storing(place):
            place.mkdir()
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
