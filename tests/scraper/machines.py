"""Machines that share one store, each with a home of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from scraper.archive import Archive
from scraper.settings import get_settings
from tests.scraper.store import Store

AT = datetime(2025, 5, 12, 13, 0, 4, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


class Machines:
    """Archives of machines that share one store, each with a home of its own."""

    def __init__(self, room: Path) -> None:
        self.room = room

    def __call__(self, name: str) -> Archive:
        return Archive(self.room / name, shared=get_settings().archive_url)

    def alone(self, name: str) -> Archive:
        return Archive(self.room / name)


@pytest.fixture
def machine(tmp_path: Path, store: Store) -> Machines:
    return Machines(tmp_path)


def numbers(archive: Archive) -> list[int]:
    return [entry["n"] for entry in archive.entries()]


def lines(archive: Archive) -> bytes:
    return archive.journal.path.read_bytes()


def damage(archive: Archive) -> list[str]:
    return [f"{problem.where}: {problem.text}" for problem in archive.verify() if problem.damage]
