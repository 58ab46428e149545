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
from pipelines.logs import tell_of_look
from pipelines.looks.look import BUG, STOPPED, Look
from pipelines.processes import is_alive, process_name
from pipelines.record.quiet import LEASE, file_of, stopped, unchanged, writing_plainly
from pipelines.silence import silence
from pipelines.threads import whole
from scraper.capture import Capture
from scraper.crawl import Round, look_quietly
from scraper.lists import PublishedList

_AT_ONCE = 200  # looks that are recorded in one transaction, so that nobody waits long to write


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
    known = await whole(_begin, desk, file, lists, going)
    if not known:
        return
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
    except BaseException:
        await whole(_stop, desk, file, going)
        raise
    finally:
        renewing.cancel()


def _begin(desk: Desk, file: Path, lists: Sequence[PublishedList], going: QuietRound) -> dict[str, Known]:
    """The lists that are known well, leased and with a run that has begun; none when anything else is to be done."""
    journal, known = desk.archive.folder / "journal.jsonl", dict[str, Known]()
    try:
        with writing_plainly(file) as writing:
            length = journal.stat().st_size if journal.is_file() else 0
            if writing is None or not nothing_is_left(writing.db, length, is_alive):
                return {}
            now = desk.now()
            for item in lists:
                found = known_well(writing.db, item.name)
                if found and not is_leased(writing.db, item.name) and not silence(found.published, now):
                    writing.begin_look(going.run_id, item.name, going.trigger, going.by, going.holder, now)
                    known[item.name] = found
    except SqliteError:
        return {}  # whoever goes on meets it again, and explains it
    going.begun = {item.name: item for item in lists if item.name in known}
    return known


def _settle(desk: Desk, file: Path, going: QuietRound, known: Mapping[str, Known]) -> None:
    """Record what is as it was, unless something came up since the look began."""
    stages, done = {"fetch": going.fetched}, dict[str, int | None]()
    try:
        with writing_plainly(file) as writing:
            for name, before in known.items() if writing else ():
                assert writing  # noqa: S101 - for the type checker, which forgets it in a loop
                capture, now = going.crawled.results[name], desk.now()
                found = known_well(writing.db, name)
                if not isinstance(capture, Capture) or found != before or silence(before.published, now):
                    continue
                writing.note_unchanged(capture, before.served_since, now)
                ended = unchanged(capture, before.rows, stages, now)
                writing.end_look(going.run_id, name, going.holder, ended)
                done[name] = before.rows
            going.owed = writing is None or not owes_nothing(writing.db)
    except SqliteError:
        return
    for name, rows in done.items():
        capture = going.crawled.results.pop(name)
        assert isinstance(capture, Capture)  # noqa: S101 - seen above
        del going.begun[name]
        going.looks[name] = Look(name, "unchanged", run_id=going.run_id, publication=capture.sha256)
        bound = {"run": going.run_id, "list": name, "trigger": going.trigger, "by": going.by}
        told = {"requests": capture.requests, "bytes": capture.received, "rows": rows}
        tell_of_look(bound, "unchanged", told, stages)


async def _renew(desk: Desk, file: Path, going: QuietRound) -> None:
    while True:
        await asyncio.sleep(LEASE.total_seconds() / 3)
        await asyncio.to_thread(_renew_once, desk, file, going)


def _renew_once(desk: Desk, file: Path, going: QuietRound) -> None:
    with suppress(SqliteError), writing_plainly(file) as writing:
        if writing:
            writing.renew_leases(going.holder, desk.now())


def _stop(desk: Desk, file: Path, going: QuietRound) -> None:
    """We were asked to stop in the middle: nobody's failure, so no incident comes of it."""
    with suppress(SqliteError), writing_plainly(file) as writing:
        if writing:
            for name in going.begun:
                writing.end_look(going.run_id, name, going.holder, stopped(STOPPED, BUG, desk.now()))
