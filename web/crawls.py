"""Crawl now: one look at a time, started from the page, followed while it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from changelog.notices import round_of
from changelog.wording import iso
from pipelines.history.looks import recent_runs
from pipelines.house import House
from pipelines.looks.look import Look
from scraper.lists import PublishedList

TICK_SECONDS = 0.4


class BusyError(Exception):
    """A look is going on; only one at a time is started from here."""


class Crawls:
    def __init__(self, house: House) -> None:
        self._house = house
        self._task: asyncio.Task[None] | None = None
        self._lists: Sequence[PublishedList] = ()
        self._looks: Sequence[Look] = ()
        self._failed = ""
        self.began: datetime | None = None

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    def begin(self, lists: Sequence[PublishedList], by: str) -> None:
        """Start to look at `lists`; raises BusyError while another look goes on."""
        if self.running:
            raise BusyError
        self._lists, self._looks, self._failed = lists, (), ""
        self.began = self._house.now()
        self._task = asyncio.get_running_loop().create_task(self._look(lists, by))

    async def _look(self, lists: Sequence[PublishedList], by: str) -> None:
        try:
            self._looks = await round_of(self._house, lists, "person", by)
        except Exception as error:
            # Whoever watches the page is told; the log has the rest.
            self._failed = f"The look broke off: {error}"
            raise

    async def end(self) -> None:
        """Break off a look when the page closes; its lease is given back."""
        if self._task is not None and self.running:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def progress(self) -> dict[str, Any]:
        """How far the look has come, list by list."""
        looks = {look.list: look for look in self._looks}
        with self._house.engine.connect() as connection:
            rows = recent_runs(connection, limit=4 * len(self._lists) or 1)
        runs = {row.list: row for row in reversed(rows) if self.began and row.started_at >= self.began}
        return {
            "running": self.running,
            "began": iso(self.began),
            "failed": self._failed,
            "lists": [_told(item, looks.get(item.name), runs.get(item.name)) for item in self._lists],
        }

    async def followed(self) -> AsyncIterator[dict[str, Any]]:
        """The progress each time that it moves, until the look has ended."""
        last: dict[str, Any] | None = None
        while True:
            running = self.running
            now = await asyncio.to_thread(self.progress)
            if now != last:
                yield now
                last = now
            if not running:
                return
            await asyncio.sleep(TICK_SECONDS)


def _told(item: PublishedList, look: Look | None, run: Any) -> dict[str, Any]:
    outcome = look.outcome if look else run.outcome if run else None
    counts = dict(look.counts) if look else (run.counts or {}) if run else {}
    return {
        "list": item.name,
        "title": item.wording.title,
        "step": "ended" if outcome else "asking the publisher" if run else "waiting",
        "outcome": outcome,
        "reason": (look.reason if look else (run.reason or "") if run else ""),
        "counts": counts,
    }
