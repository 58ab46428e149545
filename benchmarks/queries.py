"""How fast the record answers: the log against diffing whole lists, and after few and very many publications."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from benchmarks.histories import LIST, History, written
from benchmarks.homes import FILE
from benchmarks.table import Line, medians
from pipelines.history.agreements import StoredAgreement, agreements_at
from pipelines.history.changes import ChangeFilter, StoredChange, read_changes
from pipelines.history.publications import publication_at
from pipelines.installation import Installation

PERIOD = timedelta(days=30)
DAILY = History(5 * 365, rows=1_000, changed=3)
# For comparison: the fewer lists a month has, the less there is to diff, while its changes are as many.
WEEKLY = History(5 * 52, rows=1_000, changed=20, every=timedelta(days=7))
FEW = History(100, rows=500, changed=3)
MANY = History(10_000, rows=500, changed=3)
OF_LOG, TIMES = 30, 9
GOAL_LOG, GOAL_GROWTH = 0.05, 1.3
Answer = Sequence[StoredChange] | Sequence[StoredAgreement]


def measure() -> list[Line]:
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for name, history in (("daily", DAILY), ("weekly", WEEKLY)):
            installation = written(Path(folder) / name, history)
            lines.append(_log_line(name, history, installation))
            installation.engine.dispose()
        few, many = written(Path(folder) / "few", FEW), written(Path(folder) / "many", MANY)
        lines += _growth(few, many)
        for installation in (few, many):
            installation.engine.dispose()
    return lines


def _log_line(name: str, history: History, installation: Installation) -> Line:
    """Thirty days from the middle on; both sides have the database in memory."""
    since = history.moment(history.publications // 2)
    until = since + PERIOD
    snapshots = installation.settings.home / "snapshots.sqlite"
    lists = _stored_anew(installation.settings.home / FILE, snapshots, since, until)
    with installation.engine.connect() as connection, closing(sqlite3.connect(snapshots)) as db:
        log = partial(changes_between, connection, since, until)
        differing = partial(_diffed, db)
        found = [*log()]
        assert len(found) == differing() == history.changed * (lists - 1)  # noqa: S101 - the same answer
        took = medians({"log": log, "diff": differing}, TIMES)
    ratio = took["log"] / took["diff"]
    return Line(
        f"the change log of 30 days out of five years, {name} lists",
        f"at most {GOAL_LOG} x diffing the lists of those days" if history is DAILY else "-",
        f"{ratio:.3f} x ({1000 * took['log']:.1f} against {1000 * took['diff']:.0f} ms)",
        ratio <= GOAL_LOG if history is DAILY else None,
        f"{len(found)} changes out of {history.publications:,} publications of {history.rows:,} rows; the other side "
        f"reads {lists} lists, stored whole, as plain tuples and compares their rows by key; medians of {TIMES}",
    )


def changes_between(connection: Connection, since: datetime, until: datetime) -> list[StoredChange]:
    return [*read_changes(connection, ChangeFilter((LIST,), since, until))]


def _stored_anew(record: Path, copy: Path, since: datetime, until: datetime) -> int:
    """The lists of the period and the one before it, whole, with an index by which each is found."""
    begin, end = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (since, until))
    with closing(sqlite3.connect(copy)) as db:
        db.execute("ATTACH ? AS record", (str(record),))
        db.execute(
            """CREATE TABLE anew AS SELECT p.place, i.agreement_id, i.state, i.agency, i.support_type, i.signed, i.type,
            i.county, i.moa, i.addendum, i.extra FROM record.publications p JOIN record.intervals i
            ON i.list = p.list AND i.from_place <= p.place AND (i.until_place IS NULL OR i.until_place > p.place)
            WHERE p.place < ? AND p.place >= (SELECT max(place) FROM record.publications WHERE place < ?)""",
            (end, begin),
        )
        db.execute("CREATE INDEX by_place ON anew (place)")
        db.commit()
        return int(db.execute("SELECT count(DISTINCT place) FROM anew").fetchone()[0])


def _diffed(db: sqlite3.Connection) -> int:
    """How many agreements are said otherwise, from each list to the next."""
    count, before = 0, None
    for (place,) in db.execute("SELECT DISTINCT place FROM anew ORDER BY place").fetchall():
        rows = db.execute("SELECT * FROM anew WHERE place = ?", (place,))
        now = {row[1]: row[2:] for row in rows}
        if before is not None:
            count += sum(before.get(key) != row for key, row in now.items()) + len(before.keys() - now.keys())
        before = now
    return count


def _growth(few: Installation, many: Installation) -> list[Line]:
    with few.engine.connect() as one, many.engine.connect() as other:
        sides = ((FEW, one), (MANY, other))
        lines = []
        for when, part in (("the first day", 0.0), ("a day in the middle", 0.5), ("the last day", 1.0)):
            days = [history.moment(int(part * (history.publications - 1))) for history, _ in sides]
            asked = [
                partial(_as_of, connection, day) for day, (_, connection) in zip(days, sides, strict=True)
            ]
            lines.append(_grown(f"the agreements as of {when}", asked))
        logs = []
        for history, connection in sides:
            since = history.moment(history.publications // 2)
            logs.append(partial(changes_between, connection, since, since + OF_LOG * history.every))
        lines.append(_grown(f"the change log of {OF_LOG} publications", logs))
    return lines


def _as_of(connection: Connection, moment: datetime) -> Sequence[StoredAgreement]:
    row = publication_at(connection, LIST, before=moment + timedelta(seconds=1))
    assert row is not None  # noqa: S101 - there is one before every moment that is asked for
    return agreements_at(connection, LIST, row.place)


def _grown(question: str, asked: Sequence[Callable[[], Answer]]) -> Line:
    few, many = asked
    answer = len(few())
    assert answer == len(many()) > 0  # noqa: S101 - the same size
    took = medians({"few": few, "many": many}, TIMES)
    ratio = took["many"] / took["few"]
    return Line(
        f"{question}: {MANY.publications:,} publications against {FEW.publications}",
        f"at most {GOAL_GROWTH} x",
        f"{ratio:.2f} x ({1000 * took['many']:.1f} against {1000 * took['few']:.1f} ms)",
        ratio <= GOAL_GROWTH,
        f"{answer} in either answer; medians of {TIMES}, in turns",
    )
