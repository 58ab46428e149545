"""Four years of real lists, replayed: figures that we know from other sources must come out."""

from __future__ import annotations

import csv
import random
import re
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.history.agreements import agreements_at
from pipelines.history.publications import publication_at
from pipelines.rebuild import rebuild
from pipelines.run import replay
from scraper.lists import PARTICIPATING, PENDING
from scraper.past_files import past_captures
from tests.pipelines.conftest import History, day_of

pytestmark = [pytest.mark.corpus, pytest.mark.long]

W20 = ("2025-05-12T00:00:00Z", "2025-05-19T00:00:00Z")
ADDRESS = re.compile(r"[\w.+-]+(@|%40)[\w-]+\.[\w.]+", re.I)


def manifest(corpus: Path, folder: Path, seed: int | None = None) -> Path:
    """The corpus's manifest with absolute paths, shuffled when a seed is given."""
    with (corpus / "manifest.csv").open(newline="") as file:
        rows = [{**row, "path": str(corpus / row["path"])} for row in csv.DictReader(file)]
    if seed is not None:
        random.Random(seed).shuffle(rows)  # noqa: S311 - any order will do
    path = folder / f"manifest-{seed}.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def replay_all(history: History, path: Path) -> dict[tuple[str, str], str]:
    captures = [pair for item in (PARTICIPATING, PENDING) for pair in past_captures(path, item)]
    return replay(history.installation, captures)


@pytest.fixture(scope="module")
def replayed(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[History, dict[tuple[str, str], str]]:
    corpus = Path(__file__).parents[3] / "shared" / "corpus"
    if not (corpus / "manifest.csv").is_file():
        pytest.skip(f"the corpus of real lists is not at {corpus}")
    folder = tmp_path_factory.mktemp("corpus")
    history = History(folder)
    return history, replay_all(history, manifest(corpus, folder))


def added_in(history: History, since: str, until: str) -> list[dict[str, Any]]:
    changes = history.changes("added", lists=["participating"])
    return [change for change in changes if since <= change["published_at"] < until]


def test_every_file_is_taken_and_none_fails(replayed: tuple[History, dict[tuple[str, str], str]]) -> None:
    _, found = replayed
    assert len(found) == 871
    assert set(found.values()) <= {"recorded", "unchanged", "held", "cleared"}
    assert sum(state in ("held", "cleared") for state in found.values()) <= 3


def test_the_week_of_the_fifty_five(replayed: tuple[History, dict[tuple[str, str], str]]) -> None:
    history, _ = replayed
    added = added_in(history, *W20)
    assert len(added) == 55
    names = {change["agency"] for change in added}
    assert "Marco Island Police Department" not in names  # a misspelt name put right
    assert "Hardee County Sheriff's Office" not in names  # re-dated while its document was pending


def test_the_list_of_8_april(replayed: tuple[History, dict[tuple[str, str], str]]) -> None:
    history, _ = replayed
    with history.installation.engine.connect() as connection:
        row = publication_at(connection, "participating", day_of("2025-04-09"))
        assert row is not None
        assert (row.agreements, row.agencies) == (444, 344)
        assert len(agreements_at(connection, "participating", row.place)) == 444
        baseline = publication_at(connection, "participating", day_of("2025-01-21"))
        assert baseline is not None
        assert (baseline.agreements, baseline.agencies) == (135, 133)


def test_no_staff_address_out_of_a_wrapper_is_stored(
    replayed: tuple[History, dict[tuple[str, str], str]],
) -> None:
    history, _ = replayed
    with sqlite3.connect(history.installation.settings.home / "countersign.sqlite") as connection:
        for line in connection.iterdump():
            assert not ADDRESS.search(line), line[:300]
    connection.close()


def test_learning_in_another_order_and_rebuilding_give_the_same_log(
    replayed: tuple[History, dict[tuple[str, str], str]], tmp_path: Path, corpus: Path
) -> None:
    history, _ = replayed
    shuffled = History(tmp_path)
    replay_all(shuffled, manifest(corpus, tmp_path, seed=3))
    assert shuffled.log() == history.log()
    before = shuffled.changes()
    rebuild(replace(shuffled.installation))
    assert shuffled.changes() == before
