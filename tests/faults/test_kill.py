"""Killed at any point of a look and started again: no change and no notice is lost or doubled."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import pytest
from sqlalchemy import create_engine, select

from demo.made import weeks
from demo.publisher import Publisher
from pipelines.tables import changes, incidents, leases, outbox, publications, runs
from scraper.archive import Archive
from tests.changelog.receiver import Receiver, receiver

__all__ = ["receiver"]  # a fixture

ROOT = Path(__file__).parents[2]
SEEN_AFTER = timedelta(minutes=20)
STARTED_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True)
class Published:
    """What the publisher shows at a moment: body and name by list."""

    at: datetime
    files: dict[str, tuple[bytes, str]]


class Lives:
    """A installation that is lived in by processes of their own."""

    def __init__(self, publisher: Publisher, receiver: Receiver, room: Path) -> None:
        self.publisher, self.receiver, self.room = publisher, receiver, room
        self.number = 0
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/faults/mortal.py")],
            cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": ""}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def show(self, published: Published) -> None:
        for name, (body, file) in published.files.items():
            self.publisher.show(name, body, file, published.at)

    def begin(self, now: datetime) -> None:
        self._order(self.room / "warm", "warm", now, 0)

    def live(self, home: Path, hook: str, now: datetime, kill_at: int = 0) -> tuple[int, int]:
        """One life: how many points it passed (when it lived on), and its exit code."""
        self._order(home, hook, now, kill_at)
        answer = json.loads(_pipe(self._process.stdout).readline())
        return answer["passed"], answer["ended"]

    def _order(self, home: Path, hook: str, now: datetime, kill_at: int) -> None:
        order = {
            "home": str(home),
            "page": self.publisher.page_url,
            "hook": f"{self.receiver.url}/{hook}",
            "now": now.isoformat(),
            "kill_at": kill_at,
        }
        _pipe(self._process.stdin).write(json.dumps(order) + "\n")
        _pipe(self._process.stdin).flush()

    def copy_of(self, home: Path) -> Path:
        self.number += 1
        return Path(shutil.copytree(home, self.room / f"trial{self.number}"))

    def told(self, hook: str) -> list[str]:
        return [one.json["id"] for one in self.receiver.got if one.path == f"/{hook}"]

    def end(self) -> None:
        _pipe(self._process.stdin).close()
        self._process.wait(10)
        _pipe(self._process.stdout).close()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


@pytest.fixture
def lives(tmp_path: Path, home: Path, publisher: Publisher, receiver: Receiver) -> Iterator[Lives]:
    for name in ("participating", "pending"):
        publisher.hide(name)
    made = Lives(publisher, receiver, tmp_path)
    yield made
    made.end()


def facts(home: Path) -> dict[str, Any]:
    """All that must be the same, whenever it was written."""
    engine = create_engine(f"sqlite:///{home}/countersign.sqlite")
    with engine.connect() as connection:
        found = {
            "changes": sorted(
                (row.id, row.list, row.kind, row.agency, row.sha256, row.row, str(row.after))
                for row in connection.execute(select(changes))
            ),
            "publications": sorted(
                (row.key, row.list, row.state, row.announced)
                for row in connection.execute(select(publications))
            ),
            "notices": sorted(
                (row.key, row.sent_at is not None) for row in connection.execute(select(outbox))
            ),
            "incidents": sorted((row.list, row.kind) for row in connection.execute(select(incidents))),
        }
    engine.dispose()
    return found


def run_outcomes(home: Path) -> Counter[str]:
    engine = create_engine(f"sqlite:///{home}/countersign.sqlite")
    with engine.connect() as connection:
        outcomes = [row.outcome for row in connection.execute(select(runs))]
        assert connection.execute(select(leases)).all() == []
    engine.dispose()
    assert None not in outcomes
    return Counter(outcomes)


def kill_everywhere(lives: Lives, history: Sequence[Published], points: int) -> int:
    """Live through `history`, and at each of its publications die at points spread evenly over all of them."""
    lives.show(history[0])
    lives.begin(history[0].at)
    base, spaces = lives.room / "base", []
    before = []
    for number, published in enumerate(history):
        before.append(lives.copy_of(base) if base.exists() else None)
        lives.show(published)
        passed, ended = lives.live(base, f"whole{number}", published.at + SEEN_AFTER)
        assert ended == 0
        spaces.append(passed)
    step = max(1, sum(spaces[1:]) // points)
    tried = 0
    whole = lives.room / "whole"
    shutil.rmtree(base)
    for number, published in enumerate(history[1:], 1):
        start = before[number]
        assert start is not None
        lives.show(published)
        shutil.copytree(start, whole)
        lives.live(whole, f"again{number}", published.at + SEEN_AFTER)
        expected, news = facts(whole), sorted(lives.told(f"again{number}"))
        for point in range(1 + tried % step, spaces[number] + 1, step):
            die_and_go_on(lives, start, published, point, expected, news)
            tried += 1
        shutil.rmtree(whole)
    return tried


def die_and_go_on(
    lives: Lives, start: Path, published: Published, point: int, expected: dict[str, Any], news: list[str]
) -> None:
    home, hook = lives.copy_of(start), f"trial{lives.number}"
    seen = published.at + SEEN_AFTER
    _, ended = lives.live(home, hook, seen, kill_at=point)
    before = run_states(home)
    lives.live(home, hook, seen + STARTED_AGAIN)
    assert facts(home) == expected, f"died at point {point} of {published.at}"
    told = lives.told(hook)
    # Killed between a receiver's answer and our note of it, a notice goes out once more under the same id, by
    # which its receiver knows it; nothing else can be told twice, and never two of them.
    assert sorted(set(told)) == news
    assert len(told) - len(set(told)) <= 1
    outcomes = run_outcomes(home)
    assert outcomes["died"] - died(start) == before.count(None), f"killed with {ended} at {point}"
    assert [problem for problem in Archive(home).verify() if problem.damage] == []
    shutil.rmtree(home)


def run_states(home: Path) -> list[str | None]:
    engine = create_engine(f"sqlite:///{home}/countersign.sqlite")
    with engine.connect() as connection:
        found = [row.outcome for row in connection.execute(select(runs))]
    engine.dispose()
    return found


def died(home: Path) -> int:
    return run_states(home).count("died")


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_killed_over_made_weeks(lives: Lives) -> None:
    assert kill_everywhere(lives, made_history(4), points=40) >= 40


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_killed_at_every_point_of_a_look_that_finds_nothing_new(lives: Lives) -> None:
    [seen] = made_history(1)
    again = replace(seen, at=seen.at + timedelta(hours=1))
    assert kill_everywhere(lives, [seen, again], points=1000) >= 20


def made_history(weeks_long: int) -> list[Published]:
    return [
        Published(
            week.published_at,
            {
                "participating": (week.participating, week.participating_name),
                "pending": (week.pending, week.pending_name),
            },
        )
        for week in weeks()[:weeks_long]
    ]


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.corpus
def test_killed_over_the_busiest_weeks(lives: Lives, corpus: Path) -> None:
    history = list(_published(corpus, datetime(2025, 5, 9, tzinfo=UTC), datetime(2025, 5, 17, tzinfo=UTC)))
    assert kill_everywhere(lives, history, points=200) >= 200


def _published(corpus: Path, begin: datetime, end: datetime) -> Iterator[Published]:
    """What stood on the page at each moment at which a list of these days was published."""
    standing: dict[str, tuple[bytes, str]] = {}
    manifest = (corpus / "manifest.csv").read_text().splitlines()
    rows = sorted(csv.DictReader(manifest), key=lambda row: Path(row["path"]).name)
    for row in rows:
        at = datetime.strptime(Path(row["path"]).name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if at >= end:
            return
        standing[row["list"]] = ((corpus / row["path"]).read_bytes(), row["published_name"])
        if at >= begin and len(standing) == 2:
            yield Published(at, dict(standing))
