"""What waits is derived and written in order of its places, small files several at a time."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from pipelines.announce import announce
from pipelines.derive import derive
from pipelines.derived import Derived
from pipelines.history.holdings import Standing, as_publication, standing
from pipelines.history.publications import new_publications
from pipelines.house import House, writing
from pipelines.normalise import VERSION
from pipelines.record.publications import carry, write
from pipelines.turns import groups
from pipelines.values import Finding
from scraper.errors import UnreadableError

TOGETHER = (
    0.2  # seconds of deriving that end in one transaction: a thousand small files are not a thousand commits
)

Progress = Callable[[str, int, int], None]  # list, how many are done, of how many


def silent(_name: str, _done: int, _total: int) -> None:
    pass


def derive_new(house: House, progress: Progress, group: str | None = None) -> None:
    """Derive all new publications (of a group of lists) in order of their places.

    What an error ends is undone, what was derived before it is kept.
    """
    group_of = groups(house.lists)
    with house.engine.connect() as connection:
        waiting = [
            row
            for row in new_publications(connection)
            if row.list in group_of and group in (None, group_of[row.list])
        ]
    line, numbers = _Line(house, waiting), count(1)
    while line.waiting:
        with writing(house) as connection:
            derived = line.derive_some(connection)
        for name in derived:
            progress(name, next(numbers), len(waiting))
        if line.error is not None:
            raise line.error


class _Line:
    """The publications that wait, and how the list of each stands before the next of them; `error` is what kept
    the first of them from being derived."""

    def __init__(self, house: House, waiting: Sequence[Row[Any]]) -> None:
        self.waiting = deque(waiting)
        self.error: Exception | None = None
        self._house = house
        self._last: dict[str, Standing | None] = {}
        self._left = Counter(row.list for row in waiting)
        self._moved: set[str] = set()

    def derive_some(self, connection: Connection) -> list[str]:
        """Derive and write the next one, and more while they take no time; returns the list of each."""
        until = time.monotonic() + TOGETHER
        derived = self._take_next(connection)
        while self.waiting and self.error is None and time.monotonic() < until:
            derived += self._take_next(connection)
        for name in sorted(self._moved):
            if (last := self._last[name]) is not None:
                carry(connection, last.publication, last.packed)
        self._moved.clear()
        return derived

    def _take_next(self, connection: Connection) -> list[str]:
        row = self.waiting[0]
        try:
            derived = self._derive(connection, row)
        except SQLAlchemyError:
            raise  # the transaction may be lost with it
        except Exception as error:  # nothing of this one is written, what is written before it may stay
            self.error = error
            return []
        self.waiting.popleft()
        self._left[row.list] -= 1
        write(connection, derived)
        if not row.announced:
            announce(self._house, connection, derived)
        if derived.state in ("recorded", "unchanged") and derived.packed and derived.figures:
            self._last[row.list] = Standing(
                derived.publication, derived.figures, derived.packed, derived.reading
            )
            self._moved.add(row.list)
        return [row.list]

    def _derive(self, connection: Connection, row: Row[Any]) -> Derived:
        if row.list not in self._last:
            self._last[row.list] = standing(connection, row.list, row.place)
        publication, declaration = as_publication(row), self._house.lists[row.list]
        last, followed = self._last[row.list], self._left[row.list] > 1
        try:
            with self._house.archive.local_path(publication.sha256) as path:
                return derive(
                    connection, declaration, publication, path, last, row.verdict, followed=followed
                )
        except UnreadableError as error:
            reasons = [Finding("unreadable", str(error))]
            return Derived(publication, "unreadable", reasons=reasons, parser=VERSION)
