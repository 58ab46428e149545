"""One installation: its settings, archive, database and lists, opened together and handed around."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine

from pipelines.database import ready
from pipelines.moments import utc_now
from pipelines.registers import Registers, registers
from scraper.archive import Archive
from scraper.errors import ListError
from scraper.journal import Position
from scraper.list_file import sound_lists
from scraper.lists import PublishedList
from scraper.settings import Settings, get_settings
from scraper.storage import storing


@dataclass(frozen=True, slots=True)
class Installation:
    """`lists` are by name; `now` is the only clock that the stages are given. `wrong_lists` are those that cannot be
    watched, and what is wrong with their declarations."""

    settings: Settings
    archive: Archive
    engine: Engine
    lists: dict[str, PublishedList]
    now: Callable[[], datetime] = utc_now
    wrong_lists: dict[str, str] = field(default_factory=dict)

    @property
    def registers(self) -> Registers:
        """What is known of places: as shipped, or newer files that this home was given."""
        return registers(self.own_registers)

    @property
    def own_registers(self) -> Path:
        return self.archive.folder.parent / "registers"

    def chosen(self, names: Sequence[str]) -> list[PublishedList]:
        """The lists of these names, all when none is named. Raises ListError for a name nobody declared."""
        wrong = [self.wrong_lists[name] for name in names if name in self.wrong_lists]
        if wrong:
            raise ListError("\n".join(wrong))
        unknown = [name for name in names if name not in self.lists]
        if unknown:
            raise ListError(
                f"No list is called {', '.join(unknown)}. Declared are: {', '.join(sorted(self.lists))}."
            )
        return [self.lists[name] for name in names] if names else [*self.lists.values()]


def open_installation(
    settings: Settings | None = None, lists: Sequence[PublishedList] | None = None
) -> Installation:
    """Open an installation; an empty home gets its database. `lists` stands in for the declared ones."""
    settings = settings or get_settings()
    declared, wrong = sound_lists(settings.lists, settings.builtin) if lists is None else (lists, {})
    with storing(settings.home):
        settings.home.mkdir(parents=True, exist_ok=True)
    engine = ready(settings.database_url)

    def known() -> Position:
        # What ingests the journal knows formats and rules, which a clock with nothing due has no use for.
        from pipelines.record.ingest import position

        with engine.connect() as connection:
            return position(connection)

    archive = Archive(settings.home, known, settings.archive_url)
    return Installation(settings, archive, engine, {item.name: item for item in declared}, wrong_lists=wrong)


@contextmanager
def writing(installation: Installation) -> Iterator[Connection]:
    """One transaction that writes."""
    with installation.engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection
