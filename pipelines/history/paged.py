"""Long answers, page by page: a list's agreements, its publications, and what is new since a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select, tuple_

from pipelines.history.agreements import HELD_AT_PLACE, StoredAgreement, ids_at, with_rows
from pipelines.tables import accepted, incidents, intervals, publications, reviews, runs, taken

LONG = 20_000  # rows
Mark = tuple[str, str, str, int]  # state, agency, agreement id, interval: where a page ended


def agreements_page(
    connection: Connection,
    list_name: str,
    place: str | None,
    *,
    state: str | None = None,
    text: str = "",
    after: Mark | None = None,
    limit: int = 300,
) -> tuple[list[StoredAgreement], Mark | None]:
    """Agreements of a list at a place (None: now) by state and name, and where the next page begins."""
    i = intervals.c
    key = (func.coalesce(i.state, ""), i.agency, i.agreement_id, i.id)
    if place is None:
        query = select(intervals).where(i.list == list_name, i.until_place.is_(None))
    else:  # that they are of the list is not said again: SQLite would go through all of its intervals
        query = select(intervals).where(*HELD_AT_PLACE)
    asked = {} if place is None else {"list": list_name, "place": place}
    if state:
        query = query.where(i.state == state)
    for word in text.split():
        plain = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        query = query.where(i.agency.ilike(f"%{plain}%", escape="\\"))
    if after is not None:
        query = query.where(tuple_(*key) > after)
    rows = connection.execute(query.order_by(*key).limit(limit + 1), asked).all()
    newest = place or connection.scalar(select(accepted.c.place).where(accepted.c.list == list_name)) or ""
    # Of a very long list all ids would have to be read for the rows of one page.
    is_long = len(rows) > limit and _rows_of(connection, list_name, newest) > LONG
    ids = [] if is_long else ids_at(connection, list_name, newest)
    found = with_rows(connection, list_name, newest, rows[:limit], ids)
    last = rows[limit - 1] if len(rows) > limit else None
    mark = (last.state or "", last.agency, last.agreement_id, last.id) if last is not None else None
    return found, mark


def _rows_of(connection: Connection, list_name: str, place: str) -> int:
    p = publications.c
    return connection.scalar(select(p.agreements).where(p.list == list_name, p.place == place)) or 0


def publications_page(
    connection: Connection, list_name: str | None = None, before: str | None = None, limit: int = 100
) -> Sequence[Any]:
    """Publications, whatever became of them, newest first; `before` is the place of the last one before."""
    p = publications.c
    query = (
        select(
            p.key, p.list, p.place, p.sha256, p.published_name, p.published_at, p.basis, p.captured_at,
            p.recorded_at, p.state, p.agreements, p.agencies, p.counts, p.previous_sha256,
        )
        .order_by(p.place.desc(), p.list.desc())
        .limit(limit)
    )  # fmt: skip
    if list_name is not None:
        query = query.where(p.list == list_name)
    if before is not None:
        query = query.where(p.place < before)
    return connection.execute(query).all()


def find_publications(connection: Connection, text: str, limit: int = 50) -> Sequence[Any]:
    """Publications whose file is called so, or whose hash or key begins so, newest first."""
    p = publications.c
    word = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    tests = [p.published_name.ilike(f"%{word}%", escape="\\"), p.key == text]
    if len(text) >= 8:
        tests.append(p.sha256.like(f"{word.lower()}%", escape="\\"))
    return connection.execute(
        select(p.key, p.list, p.published_at, p.published_name, p.state)
        .where(or_(*tests))
        .order_by(p.place.desc())
        .limit(limit)
    ).all()


def first_recorded_since(connection: Connection, moment: datetime) -> datetime | None:
    """The earliest time of publication among those that were recorded at or after a moment."""
    p = publications.c
    return connection.execute(select(func.min(p.published_at)).where(p.recorded_at >= moment)).scalar()


def last_written(connection: Connection) -> datetime | None:
    """When the record last grew; None while something of it is still being derived."""
    p = publications.c
    if connection.execute(select(p.id).where(p.state == "new").limit(1)).first():
        return None
    moments = [
        connection.scalar(select(func.max(column))) for column in (p.recorded_at, p.decided_at, reviews.c.at)
    ]
    return max((moment for moment in moments if moment), default=None)


def record_version(connection: Connection) -> tuple[str, str] | None:
    """Two equal versions mean that nothing derived has changed between them; None while something is derived."""
    p = publications.c
    new, head, *moments = connection.execute(
        select(
            select(p.id).where(p.state == "new").exists(),
            select(taken.c.head).scalar_subquery(),
            *(
                select(func.max(column)).scalar_subquery()
                for column in (p.recorded_at, p.decided_at, reviews.c.at)
            ),
        )
    ).one()
    return None if new or not any(moments) else (head or "", str(max(filter(None, moments))))


def live_version(connection: Connection) -> tuple[Any, ...]:
    """Two equal versions mean that no run began or ended between them, and no incident opened or closed."""
    columns = (runs.c.id, runs.c.ended_at, incidents.c.id, incidents.c.closed_at, incidents.c.last_at)
    maxima = (select(func.max(column)).scalar_subquery() for column in columns)
    return tuple(connection.execute(select(*maxima)).one())


def publication_of_bytes(connection: Connection, sha256: str) -> Any:  # a row, or None
    """The first publication of a file, in whatever list."""
    p = publications.c
    return connection.execute(
        select(p.list, p.key, p.published_name, p.published_at, p.captured_at)
        .where(p.sha256 == sha256)
        .order_by(p.place)
        .limit(1)
    ).first()
