"""Publications: which there are, what became of each, and which list stood at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, Row, func, select

from pipelines.tables import publications, taken
from pipelines.values import Publication, Turnover

ACCEPTED = ("recorded", "unchanged")
REMEMBERED = 200  # as many publications say how a list is used to change


def stamp(moment: datetime) -> str:
    """A moment as the beginning of a place."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def new_publications(
    connection: Connection, states: Sequence[str] | None = ("new",), list_name: str | None = None
) -> Sequence[Row[Any]]:
    """Publications in these states (all when None), in order of their places over all lists."""
    query = select(publications).order_by(publications.c.place, publications.c.list)
    if states is not None:
        query = query.where(publications.c.state.in_(states))
    if list_name is not None:
        query = query.where(publications.c.list == list_name)
    return connection.execute(query).all()


def is_caught_up(connection: Connection, journal_bytes: int) -> bool:
    """Was all of the journal ingested, and every publication processed? One that a bug ended may be tried again."""
    ingested = connection.execute(select(taken.c.offset)).scalar() or 0
    waits = select(publications.c.id).where(publications.c.state.in_(("new", "failed"))).limit(1)
    return ingested == journal_bytes and connection.execute(waits).first() is None


def first_new(connection: Connection, list_name: str, place: str, since: datetime) -> str | None:
    """The place of the list's first publication at or after `place` that was seen `since`."""
    p = publications.c
    return connection.execute(
        select(func.min(p.place)).where(p.list == list_name, p.place >= place, p.captured_at >= since)
    ).scalar()


def emptied_before(
    connection: Connection, list_name: str, place: str, within: timedelta, *, not_believed: bool = False
) -> str | None:
    """The place of the list's first publication without rows that is less than `within` older than `place`."""
    moment = datetime.fromisoformat(place[:20])
    query = select(func.min(publications.c.place)).where(
        publications.c.list == list_name,
        publications.c.place >= stamp(moment - within),
        publications.c.place < place,
        publications.c.agreements == 0,
    )
    if not_believed:
        query = query.where(publications.c.state.in_(("held", "cleared")))
    return connection.execute(query).scalar()


def count_from(connection: Connection, list_name: str, place: str) -> int:
    """How many publications the list has at or after `place`."""
    query = select(func.count()).where(publications.c.list == list_name, publications.c.place >= place)
    return connection.execute(query).scalar_one()


def publication_by_key(connection: Connection, key: str) -> Row[Any] | None:
    return connection.execute(select(publications).where(publications.c.key == key)).first()


def publication_at(
    connection: Connection, list_name: str, before: datetime | None = None, known_at: datetime | None = None
) -> Row[Any] | None:
    """The accepted publication that stood just before a moment, of those recorded before another moment."""
    query = (
        select(publications)
        .where(publications.c.list == list_name, publications.c.state.in_(ACCEPTED))
        .order_by(publications.c.place.desc())
        .limit(1)
    )
    if before is not None:
        query = query.where(publications.c.place < f"{before:%Y-%m-%dT%H:%M:%SZ}")
    if known_at is not None:
        query = query.where(publications.c.recorded_at < known_at)
    return connection.execute(query).first()


def first_accepted(connection: Connection, list_name: str) -> Row[Any] | None:
    """The baseline of a list."""
    return connection.execute(
        select(publications)
        .where(publications.c.list == list_name, publications.c.state.in_(ACCEPTED))
        .order_by(publications.c.place)
        .limit(1)
    ).first()


def latest_of_bytes(connection: Connection, list_name: str, sha256: str) -> Row[Any] | None:
    """The newest publication of a list that has these bytes."""
    return connection.execute(
        select(publications)
        .where(publications.c.list == list_name, publications.c.sha256 == sha256)
        .order_by(publications.c.place.desc())
        .limit(1)
    ).first()


def held_publications(connection: Connection, list_name: str | None = None) -> Sequence[Row[Any]]:
    """The publications that wait for a person, oldest first."""
    return new_publications(connection, ("held",), list_name)


def cleared_since(connection: Connection, moment: datetime) -> Sequence[Row[Any]]:
    """Publications that were held and that a later list put right, of those recorded since a moment; newest first."""
    p = publications.c
    query = select(publications).where(p.state == "cleared", p.reasons.is_not(None), p.recorded_at >= moment)
    return connection.execute(query.order_by(p.place.desc())).all()


def held_count(connection: Connection) -> int:
    return connection.execute(select(func.count()).where(publications.c.state == "held")).scalar_one()


def earlier_with_content(
    connection: Connection, list_name: str, content: str, before: str
) -> datetime | None:
    """When the same rows were published before the last accepted list, if they were."""
    return connection.execute(
        select(publications.c.published_at)
        .where(
            publications.c.list == list_name,
            publications.c.state == "recorded",
            publications.c.place < before,
            publications.c.content == content,
        )
        .order_by(publications.c.place.desc())
        .limit(1)
    ).scalar()


def original_of(connection: Connection, publication: Publication) -> datetime | None:
    """When the file that is served again was first published."""
    return connection.execute(
        select(func.min(publications.c.published_at)).where(
            publications.c.list == publication.list, publications.c.sha256 == publication.sha256
        )
    ).scalar()


def unmoved_witnesses(connection: Connection, list_name: str, before: str) -> frozenset[str]:
    """Which of "workbook" and "last-modified" said the same of every different file that was accepted so far."""
    p = publications.c
    files, saved, changed = connection.execute(
        select(
            func.count(p.sha256.distinct()),
            func.count(p.saved_at.distinct()),
            func.count(p.last_modified.distinct()),
        ).where(p.list == list_name, p.state.in_(ACCEPTED), p.place < before)
    ).one()
    moments = {"workbook": saved, "last-modified": changed}
    return frozenset(name for name, count in moments.items() if files > 1 and count <= 1)


def losses_before(connection: Connection, list_name: str, place: str) -> list[tuple[int, int]]:
    """(rows before, rows removed) of every accepted publication before `place` that lost any."""
    rows = connection.execute(
        select(publications.c.agreements, publications.c.counts)
        .where(
            publications.c.list == list_name, publications.c.state == "recorded", publications.c.place < place
        )
        .order_by(publications.c.place)
    ).all()
    pairs = pairwise(rows)
    return [
        (before.agreements or 0, lost)
        for before, after in pairs
        if (lost := (after.counts or {}).get("removed", 0))
    ]


def turnovers_before(connection: Connection, list_name: str, place: str) -> list[Turnover]:
    """What the publications before `place` would have changed in the last accepted ones, believed or not."""
    p = publications.c
    rows = connection.execute(
        select(p.published_at, p.agreements, p.counts, p.state, p.reasons)
        .where(p.list == list_name, p.state.in_((*ACCEPTED, "held", "cleared")), p.place < place)
        .order_by(p.place.desc())
        .limit(REMEMBERED)
    ).all()[::-1]
    found: list[Turnover] = []
    base: Any = None
    for row in rows:
        counts = row.counts or {}
        if base is not None and counts:
            found.append(
                Turnover(
                    at=row.published_at,
                    after=row.published_at - base.published_at,
                    rows=base.agreements or 0,
                    went=counts.get("removed", 0),
                    came=counts.get("added", 0) + counts.get("returned", 0),
                    held_for=frozenset(reason["name"] for reason in row.reasons or ())
                    if row.state == "held"
                    else frozenset(),
                )
            )
        if row.state in ACCEPTED:
            base = row
    return found


def accepted_publications(connection: Connection, list_name: str) -> Sequence[Row[Any]]:
    """Every publication of the list that was believed, oldest first."""
    return new_publications(connection, ACCEPTED, list_name)
