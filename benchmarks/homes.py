"""Installations of their own for benchmarks, and the corpus of real lists where it is beside the checkout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipelines.installation import Installation, open_installation
from pipelines.run import replay
from scraper.lists import BUILT_IN, PARTICIPATING, PENDING, PublishedList
from scraper.past_files import past_captures
from scraper.settings import get_settings

MANIFEST = Path(__file__).parents[2] / "shared" / "corpus" / "manifest.csv"
NO_CORPUS = "the corpus of real lists is not beside the checkout"
FILE = "countersign.sqlite"


def home_at(folder: Path, lists: Sequence[PublishedList] = BUILT_IN) -> Installation:
    """On SQLite, whatever else this machine's settings name."""
    own = {"home": folder, "database_url": f"sqlite:///{folder / FILE}", "archive_url": None}
    return open_installation(get_settings().model_copy(update=own), lists)


def with_corpus(folder: Path) -> Installation:
    """An installation that was fed both lists of the corpus."""
    installation = home_at(folder)
    for item in (PARTICIPATING, PENDING):
        replay(installation, past_captures(MANIFEST, item))
    return installation
