"""A look at lists now: crawl, keep, take in, derive, and record how it ended. Clock, command and page all look so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from pipelines.history.looks import watched_lists
from pipelines.history.publications import latest_of_bytes
from pipelines.house import House
from pipelines.record.intake import SERVED_AGAIN
from pipelines.record.runs import (
    Ended,
    end_run,
    give_lease_back,
    note_look,
    process_name,
    start_run,
    take_lease,
)
from pipelines.run import Announce, catch_up, writing
from scraper.capture import Capture, Validators
from scraper.errors import CountersignError, UnreadableError
from scraper.lists import PublishedList

DECLARATION = "the list's declaration"
HELD = 3


@dataclass(frozen=True, slots=True)
class Look:
    """How one look at one list ended, as `crawl --json` prints it."""

    list: str
    outcome: str
    reason: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    exit_code: int = 0
    run_id: str = ""
    publication: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "list": self.list,
            "outcome": self.outcome,
            "reason": self.reason,
            "counts": dict(self.counts),
            "exit_code": self.exit_code,
            "run_id": self.run_id,
            "publication": self.publication,
        }


async def watch(
    house: House, lists: Sequence[PublishedList], trigger: str, by: str, announce: Announce | None = None
) -> list[Look]:
    """Look at `lists` once. Every look is recorded, from its start, whatever becomes of it."""
    from scraper.crawl import crawl

    run_id, holder = uuid4().hex, f"{process_name()}/{uuid4().hex[:8]}"
    mine = await asyncio.to_thread(_begin, house, lists, run_id, holder, trigger, by)
    looks = [
        Look(item.name, "busy", "Another process is looking at this list now.")
        for item in lists
        if item not in mine
    ]
    try:
        started = time.perf_counter()
        found = (
            await crawl(mine, house.archive, house.settings, _validators(house, mine), house.now)
            if mine
            else {}
        )
        fetched = time.perf_counter() - started
        for item in mine:
            looks.append(
                await asyncio.to_thread(
                    _settle, house, item, found[item.name], run_id, holder, fetched, announce
                )
            )
    finally:
        await asyncio.to_thread(_give_back, house, mine, holder)
    order = [item.name for item in lists]
    return sorted(looks, key=lambda look: order.index(look.list))


def _begin(
    house: House, lists: Sequence[PublishedList], run_id: str, holder: str, trigger: str, by: str
) -> list[PublishedList]:
    with writing(house) as connection:
        mine = [item for item in lists if take_lease(connection, item.name, holder, house.now())]
        for item in mine:
            start_run(connection, run_id, item.name, trigger, by, holder, house.now())
    return mine


def _give_back(house: House, mine: Sequence[PublishedList], holder: str) -> None:
    with writing(house) as connection:
        for item in mine:
            give_lease_back(connection, item.name, holder)


def _validators(house: House, lists: Sequence[PublishedList]) -> dict[str, Validators]:
    """What the server said of the copies we hold; none for a list whose copy never came whole."""
    with house.engine.connect() as connection:
        rows = watched_lists(connection)
    return {
        item.name: Validators(row.url, row.last_modified, row.etag, row.served_sha256)
        for item in lists
        if (row := rows.get(item.name)) and row.url and row.served_sha256
    }


def _settle(
    house: House,
    declaration: PublishedList,
    found: Capture | CountersignError,
    run_id: str,
    holder: str,
    fetched: float,
    announce: Announce | None,
) -> Look:
    """Make of what the crawl brought home a recorded outcome. A failure of our own is recorded, then raised."""
    started = time.perf_counter()
    served: dict[str, Any] = {}
    try:
        if isinstance(found, CountersignError):
            ended = Ended("failed", str(found), error=str(found), exit_code=found.exit_code)
        else:
            ended, served = _outcome(house, declaration, found, announce)
    except CountersignError as error:
        ended = Ended("failed", str(error), error=str(error), exit_code=error.exit_code)
    stages = {"fetch": fetched, "derive": time.perf_counter() - started}
    cost = {"requests": found.requests, "bytes": found.received} if isinstance(found, Capture) else {}
    with writing(house) as connection:
        now = house.now()
        note_look(connection, declaration.name, ended.outcome, now, **served)
        end_run(connection, run_id, declaration.name, _with(ended, stages, cost), now)
        give_lease_back(connection, declaration.name, holder)
    return Look(
        declaration.name, ended.outcome, ended.reason, ended.counts, ended.exit_code, run_id, ended.sha256
    )


def _with(ended: Ended, stages: Mapping[str, float], cost: Mapping[str, int]) -> Ended:
    from dataclasses import replace

    return replace(ended, stages=stages, **cost)


def _outcome(
    house: House, declaration: PublishedList, capture: Capture, announce: Announce | None
) -> tuple[Ended, dict[str, Any]]:
    if capture.outcome == "absent":
        return Ended("absent", "The page has no link to this list."), {}
    with house.engine.connect() as connection:
        row = watched_lists(connection).get(declaration.name)
    served_before = row.served_sha256 if row else None
    fresh = capture.sha256 != served_before
    if fresh:
        house.archive.keep(capture, house.now())
        catch_up(house, announce)
    since = capture.captured_at if fresh or row is None else row.served_since
    served = {"served_sha256": capture.sha256, "served_since": since, "url": capture.url}
    if capture.outcome == "fetched":
        served |= {"last_modified": capture.validators.last_modified, "etag": capture.validators.etag}
    _believe_what_stays(house, declaration, capture, since, announce)
    return _found_to_be(house, declaration, capture, fresh), served


def _believe_what_stays(
    house: House, declaration: PublishedList, capture: Capture, since: datetime, announce: Announce | None
) -> None:
    """An older list that is served again for as long as the declaration says is what the publisher means."""
    with house.engine.connect() as connection:
        row = latest_of_bytes(connection, declaration.name, capture.sha256 or "")
    if row is None or row.basis != SERVED_AGAIN or row.state != "held" or row.verdict:
        return
    if capture.captured_at - since >= declaration.believed_after:
        house.archive.append(
            "accept", house.now(), publication=row.key, list=row.list, sha256=row.sha256, by=DECLARATION,
            note=f"Served without a break since {since:%Y-%m-%d %H:%M} UTC.",
        )  # fmt: skip
        catch_up(house, announce)


def _found_to_be(house: House, declaration: PublishedList, capture: Capture, fresh: bool) -> Ended:
    """What the derivation made of the bytes that are served now."""
    with house.engine.connect() as connection:
        row = latest_of_bytes(connection, declaration.name, capture.sha256 or "")
    if row is None:
        raise UnreadableError(f"The list {declaration.name} was kept and cannot be found in the record.")
    reasons = "; ".join(reason["text"] for reason in row.reasons or ())
    match row.state:
        case "recorded" if fresh:
            return Ended("recorded", "", counts=row.counts or {}, rows=row.agreements, sha256=row.sha256)
        case "held":
            return Ended("held", reasons, exit_code=HELD, rows=row.agreements, sha256=row.sha256)
        case "unreadable":
            return Ended(
                "failed", reasons, error=reasons, exit_code=UnreadableError.exit_code, sha256=row.sha256
            )
        case "rejected":
            return Ended("unchanged", f"The list served now was rejected: {row.note}", sha256=row.sha256)
        case _:
            return Ended("unchanged", "", rows=row.agreements, sha256=row.sha256)
