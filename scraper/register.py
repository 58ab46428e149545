"""Which lists are watched: the built-in ones, and those a user's TOML file declares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scraper.lists import BUILT_IN, PublishedList


def declared_lists(path: Path | None) -> Sequence[PublishedList]:
    """The built-in lists, and those of the file; a list of the same name takes the built-in one's place."""
    if path is None:
        return BUILT_IN
    from scraper.declared import read_lists

    own = read_lists(path)
    names = {item.name for item in own}
    return (*(item for item in BUILT_IN if item.name not in names), *own)
