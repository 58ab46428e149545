"""What waits is derived and written in order of its places, small files several at a time."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row

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

# Seconds of deriving that end in one transaction: a thousand small files are not a thousand commits.
TOGETHER = 0.2

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
    line, together, number = _Line(house, waiting), TOGETHER, 0
    while line.waiting:
        try:
            with writing(house) as connection:
                line.derive_some(connection, together)
        except Exception:
            if not (together and line.derived):
                raise
            # Once more, one at a time: then the error undoes only what it ends.
            line, together = _Line(house, waiting[number:]), 0.0
            continue
        for name in line.derived:
            number += 1
            progress(name, number, len(waiting))
        line.derived.clear()


class _Line:
    """The publications that wait, and how the list of each stands before the next of them; `derived` are the lists
    of those that the transaction at hand holds."""

    def __init__(self, house: House, waiting: Sequence[Row[Any]]) -> None:
        self.waiting = deque(waiting)
        self.derived: list[str] = []
        self._house = house
        self._last: dict[str, Standing | None] = {}
        self._left = Counter(row.list for row in waiting)

    def derive_some(self, connection: Connection, seconds: float) -> None:
        """Derive and write the next one, and more while they take no time."""
        until = time.monotonic() + seconds
        moved = self._take_next(connection)
        while self.waiting and time.monotonic() < until:
            moved |= self._take_next(connection)
        for name in sorted(moved):
            if (last := self._last[name]) is not None:
                carry(connection, last.publication, last.packed)

    def _take_next(self, connection: Connection) -> set[str]:
        """Returns the list that has another last accepted publication now, if it has."""
        row = self.waiting.popleft()
        derived = self._derive(connection, row)
        self._left[row.list] -= 1
        write(connection, derived)
        if not row.announced:
            announce(self._house, connection, derived)
        self.derived.append(row.list)
        if derived.state not in ("recorded", "unchanged") or not derived.packed or not derived.figures:
            return set()
        self._last[row.list] = Standing(derived.publication, derived.figures, derived.packed, derived.reading)
        return {row.list}

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
