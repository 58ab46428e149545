"""Histories for the tests: made lists replayed into a home of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from changelog.wording import change_json
from demo.made import Week, weeks
from demo.workbooks import Line, workbook
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.installation import Installation, open_installation
from pipelines.run import replay
from scraper.capture import Capture
from scraper.lists import BUILT_IN
from scraper.settings import get_settings

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


@dataclass(frozen=True)
class File:
    """One made file of a list. `at` is its workbook's time; it was captured an hour later."""

    list: str
    at: datetime
    body: bytes
    name: str = "list.xlsx"

    @property
    def capture(self) -> Capture:
        return Capture(
            list=self.list, url="", captured_at=self.at + timedelta(hours=1), outcome="fetched",
            published_name=self.name, by="test",
        )  # fmt: skip


class History:
    """One installation that is fed made files; on SQLite in its home unless a database is named."""

    def __init__(self, home: Path, database_url: str | None = None) -> None:
        url = database_url or f"sqlite:///{home}/countersign.sqlite"
        settings = get_settings().model_copy(update={"home": home, "database_url": url})
        self.installation: Installation = replace(open_installation(settings, BUILT_IN), now=lambda: NOW)
        self.folder = home / "files"
        self.folder.mkdir(exist_ok=True)

    def feed(self, files: Sequence[File]) -> dict[tuple[str, str], str]:
        """Replay files all at once; returns what each (list, hash) was found to be."""
        pairs = []
        for number, file in enumerate(files):
            path = self.folder / f"{number}-{file.list}.xlsx"
            path.write_bytes(file.body)
            pairs.append((file.capture, path))
        return replay(self.installation, pairs)

    def states(self, list_name: str) -> list[str]:
        from pipelines.history.publications import new_publications

        with self.installation.engine.connect() as connection:
            return [row.state for row in new_publications(connection, None, list_name)]

    def held(self) -> list[Any]:
        from pipelines.history.publications import held_publications

        with self.installation.engine.connect() as connection:
            return list(held_publications(connection))

    def findings(self) -> list[list[dict[str, Any]]]:
        """Of every publication, what was found odd."""
        from pipelines.history.publications import new_publications

        with self.installation.engine.connect() as connection:
            return [row.findings or [] for row in new_publications(connection, None)]

    def changes(self, *kinds: str, lists: Sequence[str] = ()) -> list[dict[str, Any]]:
        with self.installation.engine.connect() as connection:
            wanted = ChangeFilter(kinds=kinds, lists=lists)
            return [change_json(change) for change in read_changes(connection, wanted)]

    def log(self) -> list[dict[str, Any]]:
        """The whole change log, without when we learned of it."""
        return [{**change, "recorded_at": ""} for change in self.changes()]


@pytest.fixture
def new_history(
    tmp_path: Path, home: Path, database: Callable[[Path], str]
) -> Iterator[Callable[[], History]]:
    made: list[History] = []

    def make() -> History:
        place = tmp_path / f"home{len(made)}"
        made.append(History(place, database(place)))
        return made[-1]

    yield make
    for history in made:
        history.installation.engine.dispose()


@pytest.fixture
def history(new_history: Callable[[], History]) -> History:
    return new_history()


@pytest.fixture(scope="session")
def published() -> list[Week]:
    return weeks()


def files_of(published: Sequence[Week]) -> list[File]:
    return [
        file
        for week in published
        for file in (
            File("participating", week.published_at, week.participating, week.participating_name),
            File("pending", week.published_at, week.pending, week.pending_name),
        )
    ]


def sheet(lines: Sequence[Line], at: datetime, list_name: str = "participating") -> File:
    return File(list_name, at, workbook(lines, at, signed=list_name == "participating"))


def day_of(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T00:00:00+00:00")
