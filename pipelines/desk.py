"""What of an installation a look needs that finds nothing new: no database is opened, and none is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.moments import utc_now
from scraper.archive import Archive
from scraper.errors import ListError
from scraper.list_file import declared_lists
from scraper.lists import PublishedList
from scraper.settings import Settings, get_settings


@dataclass(frozen=True, slots=True)
class Desk:
    """What a look needs when it writes nothing to SQL: settings and the archive."""

    settings: Settings
    archive: Archive
    now: Callable[[], datetime] = utc_now


def open_desk() -> tuple[Desk, Sequence[PublishedList]]:
    """The desk, and the lists that are declared."""
    settings = get_settings()
    declared = declared_lists(settings.lists)
    return Desk(settings, Archive(settings.home, shared=settings.archive_url)), declared


def chosen(declared: Sequence[PublishedList], names: Sequence[str]) -> list[PublishedList]:
    """The lists of these names, all when none is named. Raises ListError for a name nobody declared."""
    lists = {item.name: item for item in declared}
    unknown = [name for name in names if name not in lists]
    if unknown:
        raise ListError(f"No list is called {', '.join(unknown)}. Declared are: {', '.join(sorted(lists))}.")
    return [lists[name] for name in names] if names else [*lists.values()]
