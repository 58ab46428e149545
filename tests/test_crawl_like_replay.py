"""Real lists of ten days in May 2025, crawled one after another as published, against their replay."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from changelog.wording import change_json
from demo.publisher import Publisher, UrlForm
from pipelines.fetch_runs import RunResult, fetch_lists
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.installation import Installation, open_installation
from pipelines.run import replay
from scraper.capture import Capture
from scraper.lists import PARTICIPATING, PENDING
from scraper.past_files import past_captures
from scraper.settings import get_settings

pytestmark = [pytest.mark.corpus, pytest.mark.long]

FIRST, LAST = "2025-05-12", "2025-05-24"


def files(corpus: Path) -> list[tuple[Capture, Path]]:
    """Both lists, in the order in which they were made (a file's name begins with it)."""
    pairs = [
        pair for item in (PARTICIPATING, PENDING) for pair in past_captures(corpus / "manifest.csv", item)
    ]
    chosen = [pair for pair in pairs if FIRST.replace("-", "") <= pair[1].name[:8] < LAST.replace("-", "")]
    return sorted(chosen, key=lambda pair: pair[1].name)


def told(installation: Installation) -> Iterator[dict[str, Any]]:
    """The change log without what differs by who looked when."""
    with installation.engine.connect() as connection:
        for change in read_changes(connection, ChangeFilter()):
            yield change_json(change) | {"captured_at": "", "recorded_at": ""}


def test_crawling_gives_what_replaying_gives(corpus: Path, home: Path, tmp_path: Path) -> None:
    pairs = files(corpus)
    assert len(pairs) >= 15
    crawled: list[RunResult] = []
    with Publisher() as publisher:
        installation = open_installation(get_settings(), publisher.lists())
        for number, (capture, path) in enumerate(pairs):
            form: UrlForm = "number" if number % 3 == 2 else "doclib"
            publisher.show(capture.list, path.read_bytes(), capture.published_name, url_form=form)
            crawled += asyncio.run(
                fetch_lists(installation, list(installation.lists.values()), trigger="person", by="test")
            )
    assert not [look for look in crawled if look.outcome in ("failed", "held")]

    settings = get_settings().model_copy(
        update={
            "home": tmp_path / "replayed",
            "database_url": f"sqlite:///{tmp_path}/replayed/countersign.sqlite",
        }
    )
    again = open_installation(settings, [replace(PARTICIPATING), replace(PENDING)])
    replay(again, pairs)
    assert list(told(installation)) == list(told(again))
    assert (
        sum(change["kind"] == "added" and change["list"] == "participating" for change in told(installation))
        > 60
    )
