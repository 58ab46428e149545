"""A publisher of one small list, and the command line that watches it as a cron job does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn

import pytest

from countersign import run
from demo.publisher import Publisher

_LIST = """
[lists.guards]
file = "{url}/guards.csv"
format = "csv"
key = ["state", "agency"]
private_addresses = true
delay_seconds = 0

[lists.guards.columns]
"State" = "state"
"Agency" = "agency"
"Signed" = "signed"

[lists.guards.cadence]
crons = ["0 10 * * *"]

[lists.guards.wording]
title = "Guards"
added = "licensed"
removed = "no longer licensed"

[lists.guards.plausible]
rows = [1, 2000]
"""
FIRST = datetime(2025, 6, 2, 12, tzinfo=UTC)


for _name in (
    "scraper.crawl",
    "pipelines.fetch_runs",
    "pipelines.verify",
    "changelog.json",
    "alembic.command",
):
    import_module(_name)  # once here instead of in every fork


class Door:
    """Commands go through the door in a process of their own, as a cron job's do: it ends, and its lease and
    every open file with it, whatever it could not write. (Forked, since starting Python takes a second.)"""

    def __init__(self, home: Path, publisher: Publisher) -> None:
        self.home = home
        self.publisher = publisher
        self.rows = 40

    def publish(self, more: int) -> None:
        """The next list has `more` rows."""
        self.rows += more
        states = ("Iowa", "Ohio", "Utah")
        body = "State,Agency,Signed\n" + "".join(
            f"{states[n % 3]},Agency number {n} of the county,2025-05-{n % 28 + 1:02}\n"
            for n in range(self.rows)
        )
        self.publisher.serve("/guards.csv", body.encode(), "text/csv", FIRST + timedelta(hours=self.rows))

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # the publisher's thread stays here
                child = os.fork()
            if child == 0:
                _run_and_leave(arguments, out, err)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            out.seek(0)
            err.seek(0)
            return code, out.read(), err.read()

    def crawl(self) -> tuple[int, str]:
        """The exit code, and all that was said."""
        code, out, err = self.run("crawl", "guards", "--json")
        return code, out + err

    def recorded(self) -> int:
        """How many agencies the record holds now."""
        code, out, err = self.run("show", "guards", "--format", "json")
        assert code == 0, err
        told: dict[str, Any] = json.loads(out)
        return len(told["agreements"])

    def is_right(self) -> None:
        """The next look finds what is published, nothing is damaged, and looking again is quiet."""
        code, said = self.crawl()
        assert code == 0, said
        assert self.recorded() == self.rows
        code, _, err = self.run("verify")
        assert code == 0, err
        assert json.loads(self.run("crawl", "guards", "--json")[1])["outcome"] == "unchanged"


def _run_and_leave(arguments: Sequence[str], out: IO[str], err: IO[str]) -> NoReturn:
    sys.stdout, sys.stderr = out, err
    code = 99
    try:
        code = run(arguments)
        out.flush()
        err.flush()
    finally:
        os._exit(code)


@pytest.fixture
def playing() -> Iterator[Publisher]:
    with Publisher() as publisher:
        yield publisher


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system in memory of its own. Skips where nobody may mount one."""
    with tempfile.TemporaryDirectory(prefix="countersign-disk-") as name:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", name]
        done = subprocess.run(mount, capture_output=True, check=False) if os.geteuid() == 0 else None
        if done is None or done.returncode:
            pytest.skip(
                "a file system of a fixed size can only be mounted by root, where mounting is allowed"
            )
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "-l", name], check=True)


@pytest.fixture
def disk() -> Iterator[Path]:
    with small_disk(4) as place:
        yield place


def door_at(
    home: Path,
    playing: Publisher,
    monkeypatch: pytest.MonkeyPatch,
    lists: Path,
) -> Door:
    lists.write_text(_LIST.format(url=playing.url), encoding="utf-8")
    monkeypatch.setenv("COUNTERSIGN_HOME", str(home))
    monkeypatch.setenv("COUNTERSIGN_LISTS", str(lists))
    monkeypatch.setenv("COUNTERSIGN_RETRIES", "0")
    monkeypatch.setenv("COUNTERSIGN_TIMEOUT_SECONDS", "5")
    door = Door(home, playing)
    door.publish(0)
    return door


@pytest.fixture
def door(
    home: Path,
    playing: Publisher,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Door:
    return door_at(home, playing, monkeypatch, tmp_path / "lists.toml")


@pytest.fixture
def door_on_disk(
    disk: Path,
    home: Path,
    playing: Publisher,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Door:
    """Its home is on a disk of 4 MB. (`home` is asked for because it hides the machine's own settings.)"""
    assert home != disk
    return door_at(disk / "home", playing, monkeypatch, tmp_path / "lists.toml")
