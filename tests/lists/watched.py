"""One declared list whose versions are published a day apart, and what each of them changes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from changelog.wording import change_json
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.installation import Installation, open_installation
from pipelines.run import replay
from scraper.capture import Capture
from scraper.list_file import declared_lists
from scraper.settings import get_settings

BEGUN = datetime(2025, 3, 3, 12, tzinfo=UTC)


class Watched:
    def __init__(self, home: Path, toml: str, header: str) -> None:
        file = home.parent / "lists.toml"
        file.write_text(toml, encoding="utf-8")
        [self.declared] = [
            one for one in declared_lists(file) if one.name not in ("participating", "pending")
        ]
        self.installation: Installation = open_installation(get_settings(), (self.declared,))
        self._folder, self._header = home.parent, header
        self.day = 0

    def outcome(self, *rows: str, days: int = 1) -> str:
        self.day += days
        path = self._folder / f"{self.day}.csv"
        path.write_text("\n".join((self._header, *rows)) + "\n", encoding="utf-8")
        capture = Capture(
            self.declared.name, self.declared.file or "", self.now, "fetched", published_name=path.name
        )
        [found] = replay(self.installation, [(capture, path)]).values()
        return found

    def publish(self, *rows: str, days: int = 1) -> list[dict[str, Any]]:
        """The changes that a version makes; it must not be held."""
        found = self.outcome(*rows, days=days)
        assert found in ("recorded", "unchanged"), found
        return self.changes(self.now)

    @property
    def now(self) -> datetime:
        return BEGUN + timedelta(days=self.day)

    def changes(self, since: datetime = BEGUN) -> list[dict[str, Any]]:
        with self.installation.engine.connect() as connection:
            found = read_changes(connection, ChangeFilter(since=since))
            return [json.loads(json.dumps(change_json(one, self.declared))) for one in found]


def told(changes: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(change["kind"], change["title"]) for change in changes]
