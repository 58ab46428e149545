"""What became of one list that was looked at: kept, taken in, derived, and found to be what it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from pipelines.history.looks import watched_list
from pipelines.history.publications import latest_of_bytes
from pipelines.house import House
from pipelines.record.intake import SERVED_AGAIN
from pipelines.record.runs import Ended, served_columns
from pipelines.run import catch_up, http_time
from pipelines.silence import duration
from scraper.capture import Capture
from scraper.errors import ClockError, UnreadableError
from scraper.lists import PublishedList

DECLARATION = "the list's declaration"
HELD = 3
CLOCK_AHEAD = timedelta(days=1)


@contextmanager
def timed(stages: dict[str, float], name: str) -> Iterator[None]:
    """Add the seconds that it takes to what `stages` has under the name."""
    started = time.perf_counter()
    try:
        yield
    finally:
        stages[name] = stages.get(name, 0.0) + time.perf_counter() - started


def outcome(
    house: House, declaration: PublishedList, capture: Capture, stages: dict[str, float]
) -> tuple[Ended, dict[str, Any]]:
    """How the look ended, and what to ask the server for next time. `stages` gains seconds by stage."""
    if capture.outcome == "absent":
        return Ended("absent", "The page has no link to this list."), {}
    with house.engine.connect() as connection:
        row = watched_list(connection, declaration.name)
    served_before = row.served_sha256 if row else None
    fresh = capture.sha256 != served_before
    before = _found(house, capture)
    if fresh:
        _must_agree_on_the_time(capture)
        with timed(stages, "keep"):
            house.archive.keep(capture, house.now())
        with timed(stages, "derive"):
            catch_up(house, needed=[declaration.name])
    since = capture.captured_at if fresh or row is None else row.served_since
    served = served_columns(capture, since)
    with timed(stages, "read"):
        row = _served_now(house, capture)
    with timed(stages, "derive"):
        if _believe_what_stays(house, declaration, capture, row, since):
            row = _served_now(house, capture)
    return _found_to_be(
        row, news=before is None or (before.key, before.state) != (row.key, row.state)
    ), served


def _found(house: House, capture: Capture) -> Row[Any] | None:
    with house.engine.connect() as connection:
        return latest_of_bytes(connection, capture.list, capture.sha256 or "")


def _must_agree_on_the_time(capture: Capture) -> None:
    """A capture that is dated ahead would make every real list after it look older."""
    theirs = http_time(capture.headers.get("date"))
    age = capture.headers.get("age", "")
    if theirs is None:
        return
    theirs += timedelta(seconds=int(age) if age.isascii() and age.isdigit() else 0)
    if capture.captured_at - theirs > CLOCK_AHEAD:
        raise ClockError(
            f"This machine's clock says {capture.captured_at:%Y-%m-%d %H:%M} UTC, the publisher's server "
            f"{theirs:%Y-%m-%d %H:%M} UTC. Nothing was kept. Set the clock right and try again."
        )


def _served_now(house: House, capture: Capture) -> Row[Any]:
    """What the derivation made of the bytes that are served now."""
    row = _found(house, capture)
    if row is None:
        raise UnreadableError(f"The list {capture.list} was kept and cannot be found in the record.")
    return row


def _believe_what_stays(
    house: House, declaration: PublishedList, capture: Capture, row: Row[Any], since: datetime
) -> bool:
    """An older list that is served again for as long as the declaration says is what the publisher means."""
    stays = capture.captured_at - since >= declaration.believed_after
    waits = row.basis == SERVED_AGAIN and row.state == "held" and not row.verdict
    if stays and waits:
        house.archive.append(
            "accept", house.now(), publication=row.key, list=row.list, sha256=row.sha256, by=DECLARATION,
            note=f"Served without a break for {duration(capture.captured_at - since)}.",
        )  # fmt: skip
        catch_up(house, needed=[declaration.name])
    return stays and waits


def _found_to_be(row: Row[Any], *, news: bool) -> Ended:
    """`news` says that the record did not know this before: what a replay recorded is not recorded again."""
    reasons = "; ".join(reason["text"] for reason in row.reasons or ())
    match row.state:
        case "recorded" if news:
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
