"""A rebuild derives beside what stands: whoever reads or works meanwhile meets the old record whole, then the new."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from demo.made import Week
from pipelines.installation import writing
from pipelines.rebuild import rebuild
from pipelines.record.runs import tick
from pipelines.tables import changes, outbox, publications, ticks
from pipelines.verify import record_problems
from scraper.archive import Archive
from scraper.capture import Capture
from scraper.errors import ArchiveError
from tests.pipelines.conftest import NOW, File, History, files_of

OLD = "Of the old record"


def mark_old(history: History) -> None:
    """Now the record says something that does not follow from the archive."""
    with writing(history.installation) as connection:
        connection.execute(update(changes).values(agency=OLD))


def agencies(history: History) -> list[str]:
    with history.installation.engine.connect() as connection:
        return list(connection.execute(select(changes.c.agency).order_by(changes.c.id)).scalars())


def test_readers_meet_the_old_record_whole_until_the_new_one_stands(
    history: History, published: list[Week]
) -> None:
    history.feed(files_of(published))
    new = agencies(history)
    mark_old(history)
    old = agencies(history)
    seen = []
    with history.installation.engine.connect() as reader:
        before = reader.execute(select(changes.c.agency)).scalars().all()
        rebuild(history.installation, lambda *_: seen.append(agencies(history)))
    assert seen == [old] * len(seen)
    assert len(seen) == len(files_of(published))
    assert set(before) == {OLD}
    assert agencies(history) == new
    assert list(record_problems(history.installation)) == []
    assert not (history.installation.settings.home / "rebuilding").exists()


def test_work_goes_on_during_a_rebuild_and_nothing_of_it_is_lost(
    new_history: Callable[[], History], published: list[Week]
) -> None:
    files = files_of(published)
    history, plain = new_history(), new_history()
    plain.feed(files)
    history.feed(files[2:-2])
    other: list[threading.Thread] = []

    def work(_name: str, done: int, _total: int) -> None:
        if done == 1 and not other:
            other.append(threading.Thread(target=_feed_and_tick, args=(history, [*files[:2], *files[-2:]])))
            other[0].start()
        if done == 4:
            other[0].join(60)

    rebuild(history.installation, work)
    assert not other[0].is_alive(), "whoever takes in waits for the change of place only"
    assert history.log() == plain.log()
    with history.installation.engine.connect() as connection:
        assert connection.execute(select(ticks.c.process)).scalar() == "another"
    assert list(record_problems(history.installation)) == []


def _feed_and_tick(history: History, files: list[File]) -> None:
    history.feed(files)
    with writing(history.installation) as connection:
        tick(connection, "clock", "another", NOW)


def test_an_error_in_the_middle_leaves_the_old_record(history: History, published: list[Week]) -> None:
    history.feed(files_of(published))
    new = agencies(history)
    mark_old(history)
    old = agencies(history)
    last = history.changes()[-1]["sha256"]
    path = history.installation.archive.path(last)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(ArchiveError):
        rebuild(history.installation)
    assert agencies(history) == old
    assert not (history.installation.settings.home / "rebuilding").exists()
    path.write_bytes(whole)
    rebuild(history.installation)
    assert agencies(history) == new


def test_two_rebuilds_at_once_are_one_after_the_other(history: History, published: list[Week]) -> None:
    history.feed(files_of(published)[:4])
    new = agencies(history)
    mark_old(history)
    both = [threading.Thread(target=rebuild, args=(history.installation,)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    assert agencies(history) == new
    assert list(record_problems(history.installation)) == []


def test_news_that_was_still_to_come_comes_once(history: History, published: list[Week]) -> None:
    """What was taken in and not derived when a process died, and what was only journaled, is news all the same."""
    from pipelines.run import _take_tail  # all that a process did before it died

    settings = history.installation.settings.model_copy(update={"notify": ("json://127.0.0.1:9/",)})
    history.installation = replace(history.installation, settings=settings)
    files = files_of(published)
    history.feed(files[:2])
    _keep(history, files[2])
    with writing(history.installation) as connection:
        _take_tail(history.installation, connection, announce=True)
    _keep(history, files[4])
    rebuild(history.installation)
    told = _told(history)
    assert len(told) == 2
    rebuild(history.installation)
    assert _told(history) == told
    with history.installation.engine.connect() as connection:
        assert all(connection.execute(select(publications.c.announced)).scalars())
    assert list(record_problems(history.installation)) == []


def _keep(history: History, file: File) -> None:
    archive: Archive = history.installation.archive
    sha256 = archive.put(file.body)
    archive.keep(
        Capture(
            list=file.list, url="", captured_at=NOW, outcome="fetched", sha256=sha256,
            published_name=file.name, bytes=len(file.body), by="crawl",
        ),
        NOW,
    )  # fmt: skip


def _told(history: History) -> list[Any]:
    with history.installation.engine.connect() as connection:
        return list(connection.execute(select(outbox.c.key).order_by(outbox.c.id)).scalars())


def test_what_was_told_is_not_told_again(history: History, published: list[Week]) -> None:
    history.feed(files_of(published)[:4])
    with writing(history.installation) as connection:
        connection.execute(
            insert(outbox).values(
                key="publication/x", channel="webhook", lane="x", payload={}, created_at=NOW, due_at=NOW,
                attempts=1, sent_at=NOW,
            )
        )  # fmt: skip
    rebuild(history.installation)
    assert _told(history) == ["publication/x"]


def test_what_a_killed_rebuild_left_is_cleared_by_the_next(history: History, published: list[Week]) -> None:
    history.feed(files_of(published)[:2])
    left: Path = history.installation.settings.home / "rebuilding" / "beside.sqlite"
    left.parent.mkdir()
    left.write_bytes(b"half a database")
    rebuild(history.installation)
    assert not left.parent.exists()
