"""A bug that one publication meets is its own failure: every other list goes on as if it were not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from demo.made import Week
from pipelines import parse, run
from pipelines.history.operations import open_incidents
from pipelines.history.publications import new_publications
from pipelines.parse.table import Limits
from pipelines.rebuild import rebuild
from pipelines.run import catch_up
from pipelines.values import Table
from tests.pipelines.conftest import History, files_of


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that meets what nobody thought of, in some files."""
    whole = parse.READERS["xlsx"]

    def reader(path: Path, options: Mapping[str, str], limits: Limits) -> Table:
        if "poison" in path.read_bytes()[-200:].decode("latin-1"):
            raise LookupError(f"unknown thing {object()!r}")
        return whole(path, options, limits)

    monkeypatch.setitem(parse.READERS, "xlsx", reader)


def poisoned(history: History, published: list[Week]) -> None:
    files = files_of(published)[:6]
    files[2] = replace(files[2], body=files[2].body + b"poison")
    history.feed(files)


@pytest.mark.usefixtures("broken")
def test_all_others_are_recorded_and_the_failure_is_told(history: History, published: list[Week]) -> None:
    poisoned(history, published)
    assert history.states("participating") == ["recorded", "failed", "recorded"]
    assert "failed" not in history.states("pending")
    with history.installation.engine.connect() as connection:
        [row] = new_publications(connection, ("failed",))
        [incident] = open_incidents(connection)
    assert row.reasons[0]["name"] == "bug"
    assert "LookupError: unknown thing <object object>" in row.reasons[0]["text"]
    assert (incident.list, incident.kind, incident.text) == (
        "participating",
        "failing",
        row.reasons[0]["text"],
    )
    rebuild(history.installation)
    assert history.states("participating") == ["recorded", "failed", "recorded"]


def test_another_version_tries_again(
    history: History, published: list[Week], broken: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    del broken
    poisoned(history, published)
    catch_up(history.installation)
    assert "failed" in history.states("participating")
    monkeypatch.undo()
    monkeypatch.setattr(run, "version", lambda: "2.0")
    catch_up(history.installation)
    assert "failed" not in history.states("participating")
