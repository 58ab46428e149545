"""One installation in which every table has rows, to be tampered with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from demo.made import Week
from pipelines.installation import writing
from pipelines.record.notices import note_sent, owe, settle_incidents
from pipelines.record.runs import Ended, end_run, note_look, start_run, take_lease, tick
from pipelines.run import catch_up, judge_names, release, review
from tests.pipelines.conftest import NOW, History, files_of, history, new_history, published

__all__ = ["full", "history", "new_history", "published"]


@pytest.fixture
def full(new_history: Callable[[], History], published: list[Week]) -> History:
    """Weeks of lists, a cut list that is held, verdicts of people, and a record of looks."""
    made = new_history()
    files = files_of(published)
    made.feed(files[:8])
    identifiers = [change["id"] for change in made.changes("added")[:4]]
    review(made.installation, identifiers, "confirmed", "reader", "seen")
    review(made.installation, identifiers[:1], "disputed", "reader", "not so")
    one, other = (change for change in made.changes("added")[:2])
    judge_names(
        made.installation,
        "distinct",
        (one["state"], one["agency"]),
        (other["state"], other["agency"]),
        "reader",
        "",
    )
    made.feed(files[8:12])
    for row in made.held():
        release(made.installation, row.key, "accept", "reader", "known")
    paper = made.installation.archive.put(b"%PDF-1.7 an agreement")
    made.installation.archive.append(
        "document", NOW, url="https://example.org/a.pdf", event="posted", sha256=paper, bytes=21
    )
    catch_up(made.installation)
    with writing(made.installation) as connection:
        take_lease(connection, "participating", "host:1:x/1", NOW)
        for number in range(12):
            at = NOW + timedelta(hours=number)
            start_run(connection, f"run{number}", "participating", "clock", "clock", "host:1:x/1", at)
            end_run(connection, f"run{number}", "participating", Ended("unchanged", requests=2), at)
            owe(connection, f"publication/{number}", "participating", ["webhook"], {"n": number}, at)
        note_look(connection, "participating", "unchanged", NOW, url="https://example.org/a.xlsx", etag='"a"')
        note_sent(connection, 1, NOW)
        tick(connection, "clock", "host:1:x", NOW)
        settle_incidents(connection, "participating", {"failing": "No answer."}, again=True, now=NOW)
    return made
