"""What a look that finds nothing new has to know, read in SQLite's own words.

SQLAlchemy takes longer to load than all the rest of such a look. So these questions, and the answers that are
written in pipelines.record.quiet, are put without it; a test proves that both ways leave the same record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection

from pipelines.silence import PAUSES
from scraper.capture import Validators


@dataclass(frozen=True, slots=True)
class Known:
    """A list as it was seen last, when all was well. `published` are the times of its last different lists."""

    validators: Validators
    served_since: datetime
    rows: int | None
    published: list[datetime]


def nothing_is_left(db: Connection, journal_bytes: int, alive: Callable[[str], bool | None]) -> bool:
    """Has everything been taken in and derived, and does everybody live who holds a lease or makes a run?"""
    taken = db.execute("SELECT offset FROM taken").fetchone()
    if (taken[0] if taken else 0) != journal_bytes:
        return False
    if db.execute("SELECT 1 FROM publications WHERE state = 'new' LIMIT 1").fetchone():
        return False
    at_work = db.execute("SELECT process FROM runs WHERE ended_at IS NULL UNION SELECT holder FROM leases")
    return all(alive(process) for (process,) in at_work.fetchall())


def known_well(db: Connection, name: str) -> Known | None:
    """None for a list that was never seen, or of which anything at all is to be said."""
    row = db.execute(
        "SELECT url, last_modified, etag, served_sha256, served_since FROM watched WHERE list = ?", (name,)
    ).fetchone()
    if row is None or not (row[0] and row[3] and row[4]):
        return None
    served = db.execute(
        "SELECT state, agreements FROM publications WHERE list = ? AND sha256 = ? ORDER BY place DESC LIMIT 1",
        (name, row[3]),
    ).fetchone()
    if served is None or served[0] not in ("recorded", "unchanged") or _trouble(db, name):
        return None
    published = db.execute(
        "SELECT published_at FROM publications WHERE list = ? AND state = 'recorded' ORDER BY place DESC LIMIT ?",
        (name, PAUSES + 1),
    )
    moments = [datetime.fromisoformat(moment) for (moment,) in published]
    return Known(Validators(*row[:4]), datetime.fromisoformat(row[4]), served[1], moments[::-1])


def _trouble(db: Connection, name: str) -> bool:
    return any(
        db.execute(question, (name,)).fetchone()
        for question in (
            "SELECT 1 FROM publications WHERE list = ? AND state = 'held' LIMIT 1",
            "SELECT 1 FROM incidents WHERE list = ? AND closed_at IS NULL LIMIT 1",
        )
    )


def is_leased(db: Connection, name: str) -> bool:
    return db.execute("SELECT 1 FROM leases WHERE name = ?", (name,)).fetchone() is not None


def owes_nothing(db: Connection) -> bool:
    waits = db.execute("SELECT 1 FROM outbox WHERE sent_at IS NULL AND gave_up_at IS NULL LIMIT 1")
    return waits.fetchone() is None
