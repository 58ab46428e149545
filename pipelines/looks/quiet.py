"""Looks that find nothing new, from their start to their record, without what only news needs.

On SQLite every round begins so. A list that is known, of which nothing is to be said, and that is just as it was,
is done with here; all others go on in pipelines.looks.watch from where they are.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from sqlite3 import Error as SqliteError
from uuid import uuid4

from pipelines.desk import Desk
from pipelines.history.quiet import Known, is_leased, known_well, nothing_is_left, owes_nothing
from pipelines.looks.look import BUG, Look
from pipelines.looks.telling import told
from pipelines.processes import is_alive, process_name
from pipelines.record.looked import LEASE, Ended
from pipelines.record.quiet import Writing, file_of, held_open, writing_plainly
from pipelines.silence import silence
from pipelines.threads import whole
from scraper.capture import Capture
from scraper.crawl import Round, look_quietly
from scraper.lists import PublishedList

_AT_ONCE = 200  # looks that are recorded in one transaction, so that nobody waits long to write
_PATIENCE = 5  # seconds; whoever goes on waits longer, and says what kept the database locked
# What a database or an archive may meet us with. It is met again, and explained, by whoever goes on.
_TROUBLE = (SqliteError, OSError, ValueError, TypeError)
_ASKED_TO_STOP = "The process was asked to stop before the look ended."
STOPPED = Ended("stopped", _ASKED_TO_STOP, error=_ASKED_TO_STOP, exit_code=BUG)


@dataclass(slots=True)
class QuietRound:
    """`looks` are over and recorded. `begun` are leased to `holder` and have started their run; `crawled` is how
    far they came. `owed` says that there may be something to deliver."""

    run_id: str
    holder: str
    trigger: str
    by: str
    looks: dict[str, Look] = field(default_factory=dict)
    begun: dict[str, PublishedList] = field(default_factory=dict)
    crawled: Round = field(default_factory=Round)
    fetched: float = 0.0
    owed: bool = True


def new_round(trigger: str, by: str) -> QuietRound:
    return QuietRound(uuid4().hex, f"{process_name()}/{uuid4().hex[:8]}", trigger, by)


async def look_for_nothing_new(desk: Desk, lists: Sequence[PublishedList], going: QuietRound) -> None:
    """Every list of the round that is as it was is done with afterwards. Trouble of any kind is left to others."""
    file = file_of(desk.settings.database_url)
    if file is None or desk.settings.archive_url:
        return
    with held_open(file):
        try:
            known = await whole(_begin, desk, file, lists, going)
            if known:
                await _look(desk, file, known, going)
        except asyncio.CancelledError:
            await whole(_stop, desk, file, going)
            raise


async def _look(desk: Desk, file: Path, known: Mapping[str, Known], going: QuietRound) -> None:
    renewing = asyncio.create_task(_renew(desk, file, going))
    started = time.perf_counter()
    try:
        validators = {name: one.validators for name, one in known.items()}
        going.crawled = await look_quietly(
            [*going.begun.values()], desk.archive, desk.settings, validators, desk.now
        )
        going.fetched = time.perf_counter() - started
        names = iter([*going.crawled.results])
        while chunk := [*islice(names, _AT_ONCE)]:
            await whole(_settle, desk, file, going, {name: known[name] for name in chunk})
    finally:
        renewing.cancel()


def _begin(desk: Desk, file: Path, lists: Sequence[PublishedList], going: QuietRound) -> dict[str, Known]:
    """The lists that are known well, leased and with a run that has begun; none when anything else is to be done."""
    journal, known = desk.archive.journal.path, dict[str, Known]()
    try:
        with writing_plainly(file, _PATIENCE) as writing:
            length = journal.stat().st_size if journal.is_file() else 0
            if writing is None or not nothing_is_left(writing.db, length, is_alive):
                return {}
            now = desk.now()
            for item in lists:
                found = known_well(writing.db, item.name)
                if found and not is_leased(writing.db, item.name) and not silence(found.published, now):
                    writing.begin_look(going.run_id, item.name, going.trigger, going.by, going.holder, now)
                    known[item.name] = found
    except _TROUBLE:
        return {}
    going.begun = {item.name: item for item in lists if item.name in known}
    return known


def _settle(desk: Desk, file: Path, going: QuietRound, known: Mapping[str, Known]) -> None:
    """Record what is as it was, unless something came up since the look began."""
    ended = dict[str, Ended]()
    try:
        with writing_plainly(file, _PATIENCE) as writing:
            if writing is None:
                return
            for name, before in known.items():
                if made := _settled(desk, writing, going, name, before):
                    ended[name] = made
            owed = not owes_nothing(writing.db)
    except _TROUBLE:
        return
    going.owed = owed
    for name, made in ended.items():
        del going.crawled.results[name], going.begun[name]
        going.looks[name] = told(going.run_id, name, going.trigger, going.by, made)


def _settled(desk: Desk, writing: Writing, going: QuietRound, name: str, before: Known) -> Ended | None:
    """How the look ended, in the record; None, and nothing is written, when more is to be said of the list."""
    capture, now = going.crawled.results[name], desk.now()
    if not isinstance(capture, Capture) or capture.sha256 != before.validators.sha256:
        return None
    if known_well(writing.db, name) != before or silence(before.published, now):
        return None
    ended = Ended(
        "unchanged",
        requests=capture.requests,
        bytes=capture.received,
        rows=before.rows,
        stages={"fetch": going.fetched},
        sha256=capture.sha256,
    )
    writing.note_unchanged(capture, before.validators, before.served_since, ended.outcome, now)
    writing.end_look(going.run_id, name, going.holder, ended, now)
    return ended


async def _renew(desk: Desk, file: Path, going: QuietRound) -> None:
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 3)
        await asyncio.to_thread(_renew_once, desk, file, going)


def _renew_once(desk: Desk, file: Path, going: QuietRound) -> None:
    # It may be possible again before the lease ends.
    with suppress(SqliteError), writing_plainly(file) as writing:
        if writing:
            writing.renew_leases(going.holder, desk.now())


def _stop(desk: Desk, file: Path, going: QuietRound) -> None:
    """We were asked to stop in the middle: nobody's failure, so no incident comes of it.

    When it cannot be written, the run is found without an end later, and ended as of a process that died.
    """
    with suppress(SqliteError), writing_plainly(file) as writing:
        if writing:
            for name in going.begun:
                writing.end_look(going.run_id, name, going.holder, STOPPED, desk.now())
