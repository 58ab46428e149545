"""A rebuild that is killed, or finds the disk full, leaves the record that stood; the next one succeeds."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from demo.made import Week
from pipelines.installation import open_installation, writing
from pipelines.rebuild import rebuild
from pipelines.run import catch_up
from pipelines.tables import changes, metadata
from pipelines.verify import record_problems
from scraper.lists import BUILT_IN
from tests.faults.conftest import Door
from tests.faults.mortal import Fate
from tests.faults.test_disk import fill
from tests.pipelines.conftest import History, files_of, history, new_history, published
from tests.pipelines.test_rebuild import OLD, mark_old

__all__ = ["history", "new_history", "published"]
POINTS = 24


def one_life(history: History, kill_at: int) -> tuple[int, int]:
    """A rebuild in a process of its own: how many points it passed when it lived on, and how it ended."""
    history.installation.engine.dispose()
    told, tell = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            installation = open_installation(history.installation.settings, BUILT_IN)
            fate = Fate(kill_at)
            fate.rule()
            rebuild(installation)
            fate.kill_at = 0
            os.write(tell, str(fate.passed).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(tell)
    with os.fdopen(told, "rb") as answer:
        passed = answer.read()
    return int(passed or 0), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def record(history: History) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, but for the numbers that PostgreSQL gives anew."""
    with history.installation.engine.connect() as connection:
        return {
            table.name: sorted(
                (
                    tuple(value for name, value in row._mapping.items() if (table.name, name) != _NUMBER)
                    for row in connection.execute(select(table))
                ),
                key=repr,
            )
            for table in metadata.tables.values()
        }


_NUMBER = ("publications", "id")


@pytest.mark.long
def test_killed_anywhere_the_record_is_the_old_one_or_the_new_one_whole(
    history: History, published: list[Week]
) -> None:
    history.feed(files_of(published)[:6])
    new = record(history)
    mark_old(history)
    old = record(history)
    points, ended = one_life(history, 0)
    assert ended == 0
    assert record(history) == new
    mark_old(history)
    found: Counter[str] = Counter()
    # Evenly, and closely where one record takes the other's place.
    for point in [*range(1, points, points // POINTS), *range(points - POINTS, points + 1)]:
        one_life(history, point)
        now = record(history)
        assert now in (old, new), f"killed at point {point} of {points}"
        found["old" if now == old else "new"] += 1
        if now == new:
            assert list(record_problems(history.installation)) == []
        catch_up(history.installation)
        assert record(history) == now
        mark_old(history)
    assert found["old"] > POINTS
    assert found["new"] > 1
    rebuild(history.installation)
    assert record(history) == new
    assert list(record_problems(history.installation)) == []
    assert not (history.installation.settings.home / "rebuilding").exists()
    print(f"\nkilled at {sum(found.values())} of {points} points: {dict(found)}")  # noqa: T201


@pytest.mark.long
def test_wherever_the_disk_is_full_the_old_record_stays_and_the_next_rebuild_succeeds(
    door_on_disk: Door, disk: Path
) -> None:
    door = door_on_disk
    door.publish(100)
    door.is_right()
    door.publish(1)
    door.is_right()
    installation = open_installation()
    with writing(installation) as connection:
        connection.execute(changes.update().values(agency=OLD))
    installation.engine.dispose()
    ended: Counter[tuple[int, bool]] = Counter()
    for left in (0, 1, 4, 10, 30, 60, 80, 100, 120, 130, 140, 150, 160, 180, 200, 230, 260, 300):
        ballast = fill(disk, left)
        code, _, err = door.run("rebuild")
        assert code in (0, 7), err
        if code == 7:
            assert "ull" in err
            assert not (door.home / "rebuilding").exists()
        ballast.unlink()
        told = door.run("changes", "--format", "csv")[1]
        ended[code, OLD in told] += 1
        assert door.recorded() == door.rows
    assert set(ended) <= {(7, True), (0, False), (7, False)}, ended
    assert ended[7, True] > 5
    assert ended[0, False] > 0, "with room enough it succeeds"
    door.is_right()
    print(f"\nrebuilds on a full disk, by exit code and whether the old record stood: {dict(ended)}")  # noqa: T201
