"""The disk is full, read-only, or not ours: a clear error, a whole state, and the next look is right."""

from __future__ import annotations

import errno
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.conftest import Door

pytestmark = pytest.mark.long
PAGE = 4096
ROOM = (0, 1, 3, 6, 10, 16, 20, 26, 40, 60, 90, 130)  # pages


def fill(disk: Path, left: int) -> Path:
    """Take all room but `left` pages."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\1" * PAGE)
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - the loop has no other end
        file.truncate(max(0, file.tell() - left * PAGE))
    return ballast


@pytest.mark.usefixtures("on_sqlite")
def test_wherever_the_disk_is_full_the_look_fails_with_advice_and_the_next_is_right(
    door_on_disk: Door, disk: Path
) -> None:
    """Leaving more and more room makes another write fail each time: journal, archive, database, its log."""
    door = door_on_disk
    door.is_right()
    ended: Counter[int] = Counter()
    for left in ROOM:
        door.publish(1)
        ballast = fill(disk, left)
        code, said = door.crawl()
        ended[code] += 1
        assert code in (0, 7), said
        if code == 7:
            assert "free some space" in said.lower() or "the disk is full" in said, said
        assert door.run("verify", "--quick")[0] == 0
        ballast.unlink()
        if left % 20 == 0:
            door.is_right()
    door.is_right()
    assert ended[7] > 5
    assert ended[0] > 1, "with room enough it succeeds"
    print(f"\nlooks on a full disk, by exit code: {dict(ended)}")  # noqa: T201


@pytest.mark.usefixtures("on_sqlite")
def test_a_look_that_finds_nothing_new_on_a_full_disk_is_recorded_or_fails_with_advice(
    door_on_disk: Door, disk: Path
) -> None:
    door = door_on_disk
    door.is_right()
    ended: Counter[int] = Counter()
    for left in ROOM:
        ballast = fill(disk, left)
        code, said = door.crawl()
        ended[code] += 1
        assert code in (0, 7), said
        assert ('"outcome": "unchanged"' if code == 0 else "ree some space") in said, said
        ballast.unlink()
        door.is_right()
    assert ended[7] > 1
    assert ended[0] > 1, "with room enough it succeeds"


@pytest.mark.usefixtures("on_sqlite")
def test_a_look_that_finds_nothing_new_in_a_home_that_may_only_be_read(
    door_on_disk: Door, disk: Path
) -> None:
    door_on_disk.is_right()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    code, said = door_on_disk.crawl()
    assert code == 7, said
    assert any(advice in said for advice in ("Mount it for writing", "correct permissions", "may be written"))
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    door_on_disk.is_right()


def test_a_new_home_on_a_full_disk(door_on_disk: Door, disk: Path) -> None:
    ballast = fill(disk, 0)
    code, said = door_on_disk.crawl()
    assert code == 7
    assert "full" in said
    ballast.unlink()
    door_on_disk.is_right()


def test_a_home_that_may_only_be_read(door_on_disk: Door, disk: Path) -> None:
    door_on_disk.is_right()
    door_on_disk.publish(3)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    code, said = door_on_disk.crawl()
    assert code == 7, said
    assert any(advice in said for advice in ("Mount it for writing", "correct permissions", "may be written"))
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    door_on_disk.is_right()


@pytest.mark.parametrize("name", ["archive", "countersign.sqlite"])
def test_permission_that_was_lost(door_on_disk: Door, name: str) -> None:
    """An immutable file or folder refuses even root."""
    door = door_on_disk
    door.is_right()
    door.publish(3)
    place = door.home / name
    paths = [str(path) for path in (place, *place.rglob("*"))]
    if subprocess.run(["chattr", "+i", *paths], capture_output=True, check=False).returncode:
        subprocess.run(["chattr", "-i", *paths], capture_output=True, check=False)
        pytest.skip("this file system knows no immutable files")
    try:
        code, said = door.crawl()
    finally:
        subprocess.run(["chattr", "-i", *paths], check=True)
    assert code == 7, said
    assert "permission" in said
    door.is_right()
