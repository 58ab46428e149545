"""Writing the record of looks that find nothing new, in SQLite's own words (see pipelines.history.quiet).

What is written is said in pipelines.record.looked, for both ways of writing it. Each function here writes what its
namesake in pipelines.record.runs writes. Every statement is a constant; the tests hold its columns against the tables.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.moments import as_text
from pipelines.record.looked import LEASE, Ended, served_columns, watched_columns
from pipelines.revision import BUSY_SECONDS, HEAD, PRAGMAS
from scraper.capture import Capture, Validators

FILES = ("sqlite:///", "sqlite+pysqlite:///")

LEASED = "INSERT INTO leases (name, holder, expires_at) VALUES (:name, :holder, :expires_at)"
RENEWED = "UPDATE leases SET expires_at = :expires_at WHERE holder = :holder"
GIVEN_BACK = "DELETE FROM leases WHERE name = :name AND holder = :holder"
STARTED = """INSERT INTO runs (run_id, list, "trigger", "by", started_at, process)
VALUES (:run_id, :list, :trigger, :by, :started_at, :process)"""
ENDED = """UPDATE runs SET ended_at = :ended_at, outcome = :outcome, reason = :reason, error = :error,
exit_code = :exit_code, requests = :requests, bytes = :bytes, "rows" = :rows, counts = :counts, stages = :stages,
seconds = :seconds, sha256 = :sha256
WHERE run_id = :run_id AND list = :list AND ended_at IS NULL"""
WATCHED = """UPDATE watched SET url = :url, last_modified = :last_modified, etag = :etag,
served_sha256 = :served_sha256, served_since = :served_since, last_look = :last_look, last_success = :last_success,
last_outcome = :last_outcome
WHERE list = :list"""


def file_of(database_url: str) -> Path | None:
    """The file of an SQLite database; None for any other, and where there is none yet."""
    start = next((start for start in FILES if database_url.startswith(start)), None)
    path = Path(database_url.removeprefix(start)) if start else None
    return path.absolute() if path and "?" not in database_url and path.is_file() else None


@contextmanager
def held_open(file: Path) -> Iterator[None]:
    """Whoever closes a database last moves its log into its file, which takes longer than all else that is written
    of a quiet look. While it is held open, no other connection is the last."""
    with ExitStack() as held:
        with suppress(sqlite3.Error):
            db = held.enter_context(closing(_connected(file, 0)))
            db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        yield


@contextmanager
def writing_plainly(file: Path, patience: float = BUSY_SECONDS) -> Iterator[Writing | None]:
    """One transaction that writes; None when the tables are not of this version.

    What is not committed is undone as the connection closes. `patience` are the seconds to wait for who writes now.
    """
    with closing(_connected(file, patience)) as db:
        for pragma in PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
        db.execute("BEGIN IMMEDIATE")
        if not _is_ours(db):
            yield None
            return
        writing = Writing(db)
        yield writing
        db.execute("COMMIT")


def _connected(file: Path, patience: float) -> sqlite3.Connection:
    # The file may be moved away since it was seen, and an empty one in its place would be taken for a new home.
    return sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=patience, isolation_level=None)


def _is_ours(db: sqlite3.Connection) -> bool:
    named = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    return bool(named) and db.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]


class Writing:
    """A transaction that writes."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def begin_look(self, run_id: str, name: str, trigger: str, by: str, holder: str, now: datetime) -> None:
        """Take the list's lease, which nobody holds, and start its run."""
        self.db.execute(LEASED, {"name": name, "holder": holder, "expires_at": as_text(now + LEASE)})
        run = {"run_id": run_id, "list": name, "trigger": trigger, "by": by, "process": holder}
        self.db.execute(STARTED, run | {"started_at": as_text(now)})

    def renew_leases(self, holder: str, now: datetime) -> None:
        self.db.execute(RENEWED, {"holder": holder, "expires_at": as_text(now + LEASE)})

    def end_look(self, run_id: str, name: str, holder: str, ended: Ended, now: datetime) -> None:
        """End the run, unless somebody took us for dead and did, and give the lease back."""
        run = _stored(ended.columns(now)) | {"run_id": run_id, "list": name}
        self.db.execute(ENDED, run)
        self.db.execute(GIVEN_BACK, {"name": name, "holder": holder})

    def note_unchanged(
        self, capture: Capture, known: Validators, since: datetime, outcome: str, now: datetime
    ) -> None:
        """`known` and `since` are what is written of the list's copy already."""
        kept = {"last_modified": known.last_modified, "etag": known.etag}
        told = watched_columns(outcome, now, kept | served_columns(capture, since))
        self.db.execute(WATCHED, _stored(told) | {"list": capture.list})


def _stored(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Times and JSON as the types of pipelines.tables store them."""
    return {name: _value(value) for name, value in columns.items()}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return as_text(value)
    return json.dumps(value) if isinstance(value, dict) else value
