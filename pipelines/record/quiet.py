"""Writing the record of looks that find nothing new, in SQLite's own words (see pipelines.history.quiet).

Each function writes what its namesake in pipelines.record.runs writes, and each transaction leaves the marks of its
rows, as pipelines.record.marks does.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.record.digests import digest
from pipelines.revision import BUSY_SECONDS, HEAD
from scraper.capture import Capture

LEASE = timedelta(minutes=5)  # renewed while the look goes on, so that a dead machine's lease is soon free
FILES = ("sqlite:///", "sqlite+pysqlite:///")
# The key and the columns of the tables that are written here, in the order of pipelines.tables.
MARKED: Mapping[str, tuple[str, str]] = {
    "leases": ("name", "name, holder, expires_at"),
    "runs": (
        "id",
        'id, run_id, list, "trigger", "by", started_at, ended_at, outcome, reason, error, exit_code, requests, '
        'bytes, "rows", counts, stages, seconds, sha256, process',
    ),
    "watched": (
        "list",
        "list, url, last_modified, etag, served_sha256, served_since, last_look, last_success, last_outcome",
    ),
}


def file_of(database_url: str) -> Path | None:
    """The file of an SQLite database; None for any other, and where there is none yet."""
    start = next((start for start in FILES if database_url.startswith(start)), None)
    path = Path(database_url.removeprefix(start)) if start else None
    return path if path and "?" not in database_url and path.is_file() else None


@contextmanager
def writing_plainly(file: Path) -> Iterator[Writing | None]:
    """One transaction that writes; None when the tables are not of this version."""
    with closing(sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)) as db:
        for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
            db.execute(f"PRAGMA {pragma}")
        db.execute("BEGIN IMMEDIATE")
        writing = Writing(db)
        try:
            yield writing if _is_ours(db) else None
            writing.leave_marks()
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise


def _is_ours(db: sqlite3.Connection) -> bool:
    named = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    return bool(named) and db.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]


class Writing:
    """A transaction, and which rows it wrote."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self._written: dict[tuple[str, Any], None] = {}

    def begin_look(self, run_id: str, name: str, trigger: str, by: str, holder: str, now: datetime) -> None:
        """Take the list's lease, which nobody holds, and start its run."""
        self.db.execute(
            "INSERT INTO leases (name, holder, expires_at) VALUES (?, ?, ?)",
            (name, holder, stored(now + LEASE)),
        )
        made = self.db.execute(
            'INSERT INTO runs (run_id, list, "trigger", "by", started_at, process) VALUES (?, ?, ?, ?, ?, ?)',
            (run_id, name, trigger, by, stored(now), holder),
        )
        self._note("leases", name)
        self._note("runs", made.lastrowid)

    def renew_leases(self, holder: str, now: datetime) -> None:
        held = self.db.execute(
            "UPDATE leases SET expires_at = ? WHERE holder = ? RETURNING name", (stored(now + LEASE), holder)
        )
        for (name,) in held.fetchall():
            self._note("leases", name)

    def end_look(self, run_id: str, name: str, holder: str, values: Mapping[str, Any]) -> None:
        """End the run and give the lease back. `values` are columns of the run."""
        changed = ", ".join(f'"{column}" = :{column}' for column in values)
        ended = self.db.execute(
            f"UPDATE runs SET {changed} WHERE run_id = :run_id AND list = :list AND ended_at IS NULL RETURNING id",  # noqa: S608
            {**values, "run_id": run_id, "list": name},
        )
        for (number,) in ended.fetchall():
            self._note("runs", number)
        self.db.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (name, holder))
        self._note("leases", name)

    def note_unchanged(self, capture: Capture, served_since: str, now: datetime) -> None:
        values = {
            "last_look": stored(now),
            "last_outcome": "unchanged",
            "last_success": stored(now),
            "served_sha256": capture.sha256,
            "served_since": served_since,
            "url": capture.url,
        }
        if capture.outcome == "fetched":
            told = capture.validators
            values |= {"last_modified": told.last_modified, "etag": told.etag}
        changed = ", ".join(f"{column} = :{column}" for column in values)
        self.db.execute(f"UPDATE watched SET {changed} WHERE list = :list", {**values, "list": capture.list})  # noqa: S608
        self._note("watched", capture.list)

    def _note(self, table: str, key: Any) -> None:
        self._written[table, key] = None

    def leave_marks(self) -> None:
        for table, key in self._written:
            name, columns = MARKED[table]
            self.db.execute('DELETE FROM marks WHERE "table" = ? AND "key" = ?', (table, str(key)))
            row = self.db.execute(f"SELECT {columns} FROM {table} WHERE {name} = ?", (key,)).fetchone()  # noqa: S608
            if row is not None:
                self.db.execute(
                    'INSERT INTO marks ("table", "key", digest) VALUES (?, ?, ?)',
                    (table, str(key), digest(row)),
                )


def unchanged(
    capture: Capture, rows: int | None, stages: Mapping[str, float], now: datetime
) -> dict[str, Any]:
    """The columns of a run that found nothing new."""
    return {
        "ended_at": stored(now),
        "outcome": "unchanged",
        "reason": "",
        "exit_code": 0,
        "requests": capture.requests,
        "bytes": capture.received,
        "rows": rows,
        "stages": json.dumps({name: round(seconds, 4) for name, seconds in stages.items()}),
        "seconds": round(sum(stages.values()), 4),
        "sha256": capture.sha256,
    }


def stopped(reason: str, exit_code: int, now: datetime) -> dict[str, Any]:
    """The columns of a run that was broken off by whoever started it."""
    return {
        "ended_at": stored(now),
        "outcome": "stopped",
        "reason": reason,
        "error": reason,
        "exit_code": exit_code,
        "requests": 0,
        "bytes": 0,
        "seconds": 0.0,
    }


def stored(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
