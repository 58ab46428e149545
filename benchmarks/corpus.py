"""Both lists of the corpus replayed as a person does it, and git-history over some of the same lists.

git-history keeps the history of a file of a repository. It is given what ours has to find out first: the rows
read, in normal form, as JSON. It tells rows apart by state, agency and support type, and judges no likeness.
"""

from __future__ import annotations

import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks.homes import MANIFEST, NO_CORPUS
from benchmarks.processes import Cost, cost
from benchmarks.table import Line
from pipelines.former_formats import as_published
from pipelines.normalise import Normaliser
from pipelines.parse import read
from scraper.capture import Capture
from scraper.lists import PARTICIPATING, PENDING
from scraper.past_files import past_captures

TIMES, PEER_TIMES, PEER_LISTS = 3, 3, 20
GOAL_SECONDS, GOAL_PEER = 20, 50
BIN = Path(sys.executable).parent
IDS = ("state", "agency", "support_type")
# The options of one command for both lists, and those of a command for each.
ONE: Sequence[Sequence[str]] = ((),)
TWO: Sequence[Sequence[str]] = (("--list", "participating"), ("--list", "pending"))
Past = Sequence[tuple[Capture, Path]]


def measure() -> list[Line]:
    if not MANIFEST.is_file():
        return [
            Line("both lists of the corpus, whole replay", f"under {GOAL_SECONDS} s", "-", note=NO_CORPUS)
        ]
    published = [past_captures(MANIFEST, item) for item in (PARTICIPATING, PENDING)]
    with tempfile.TemporaryDirectory() as folder:
        turns = [
            [_replayed(Path(folder) / f"home{turn}-{len(ways)}", MANIFEST, ways) for ways in (ONE, TWO)]
            for turn in range(TIMES)
        ]
        together, apart = (statistics.median(turn[way].seconds for turn in turns) for way in (0, 1))
        cpu = statistics.median(turn[0].cpu for turn in turns)
        number = sum(map(len, published))
        told = Line(
            "both lists of the corpus, whole replay with identity and evidence",
            f"under {GOAL_SECONDS} s",
            f"{together:.1f} s, of which {cpu:.1f} s CPU",
            together < GOAL_SECONDS,
            f"{number} lists by one command `countersign replay`, medians of {TIMES}",
        )
        twice = Line(
            "the same by two commands, a list each",
            "-",
            f"{apart:.1f} s",
            note="the second has the sister list judged again beside it",
        )
        return [told, twice, *_against_peer(Path(folder), published[0], together / number)]


def _replayed(home: Path, manifest: Path, ways: Sequence[Sequence[str]]) -> Cost:
    """What the commands cost together."""
    own = {"COUNTERSIGN_HOME": str(home), "COUNTERSIGN_DATABASE_URL": "", "COUNTERSIGN_ARCHIVE_URL": ""}
    command = [str(BIN / "countersign"), "replay", str(manifest)]
    costs = [_allowed([*command, *way], {**os.environ, **own}) for way in ways]
    return Cost(
        sum(one.seconds for one in costs), sum(one.cpu for one in costs), max(one.megabytes for one in costs)
    )


def _allowed(command: Sequence[str], environment: dict[str, str]) -> Cost:
    # A replay in which a list is held ends with a code of its own.
    return cost(["/bin/sh", "-c", '"$@"; [ $? -eq 0 ] || [ $? -eq 3 ]', "sh", *command], environment)


def _against_peer(folder: Path, published: Past, ours: float) -> list[Line]:
    goal, work = f"at least {GOAL_PEER} x git-history", "the corpus, seconds for each list"
    if find_spec("git_history") is None:
        return [Line(work, goal, "-", note="git-history is not installed")]
    # Spread over the whole time, so that their size is that of all.
    some = [published[(2 * place + 1) * len(published) // (2 * PEER_LISTS)] for place in range(PEER_LISTS)]
    rows = _repository(folder / "repository", some)
    peer = statistics.median(_peer_seconds(folder, turn) for turn in range(PEER_TIMES))
    manifest = folder / "some.csv"
    _write_manifest(manifest, some)
    same = statistics.median(
        _replayed(folder / f"some{turn}", manifest, ONE).seconds for turn in range(PEER_TIMES)
    )
    ratio = peer / PEER_LISTS / ours
    note = (
        f"git-history on {PEER_LISTS} lists spread evenly over the corpus ({rows:,} rows) takes {peer:.1f} s, given "
        f"the rows in normal form as JSON; ours is the whole replay above, from workbook to record, by its lists"
    )
    return [
        Line(work, goal, f"{ratio:.1f} x ({1000 * ours:.0f} against {1000 * peer / PEER_LISTS:.0f} ms)",
             ratio >= GOAL_PEER, note),
        Line(f"the same {PEER_LISTS} lists, a cold process each", "-",
             f"{peer / same:.1f} x ({same:.1f} against {peer:.1f} s)",
             note="so far apart most of these lists are full of changes"),
    ]  # fmt: skip


def _repository(place: Path, published: Past) -> int:
    """One commit for each list; returns how many rows they have together."""
    place.mkdir()
    _git(place, "init", "--quiet", "--initial-branch=main")
    rows = 0
    for number, (capture, path) in enumerate(published):
        agreements = _in_normal_form(capture, path)
        rows += len(agreements)
        (place / "list.json").write_text(json.dumps(agreements))
        _git(place, "add", "list.json")
        _git(
            place,
            "commit",
            "--quiet",
            "--allow-empty",
            f"--date={capture.captured_at.isoformat()}",
            "-m",
            str(number),
        )
    return rows  # fmt: skip


def _in_normal_form(capture: Capture, path: Path) -> list[dict[str, object]]:
    declared = as_published(path, PARTICIPATING)
    table = read(path, declared.format, declared.options)
    normaliser = Normaliser(table.header, declared.columns, capture.captured_at.date())
    return [normaliser.agreement(row)[0].as_json() for row in table.rows]


def _git(place: Path, *words: str) -> None:
    who = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]
    subprocess.run(["git", *who, *words], cwd=place, check=True, capture_output=True)


def _peer_seconds(folder: Path, turn: int) -> float:
    ids = [word for name in IDS for word in ("--id", name)]
    options = ["--repo", str(folder / "repository"), "--ignore-duplicate-ids", "--silent", *ids]
    command = [str(BIN / "git-history"), "file", str(folder / f"peer{turn}.db"), "list.json", *options]
    return cost(command, os.environ).seconds


def _write_manifest(path: Path, published: Past) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("list", "captured_at", "captured_by", "published_name", "path"))
        for capture, body in published:
            writer.writerow(
                (capture.list, capture.captured_at.isoformat(), capture.by, capture.published_name, body)
            )
