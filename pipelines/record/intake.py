"""Taking the journal in: captures become publications, people's verdicts become rows, once each.

The archive's journal is the truth and this database follows it: what was journaled and not yet taken in (a crash
between the two, another machine) is taken in at the next start, and rebuilding is taking in everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from pipelines.derived import publication_key
from pipelines.names.likeness import name_key
from pipelines.record.documents import take_document
from pipelines.tables import intervals, judgements, publications, reviews, taken
from pipelines.values import Publication
from scraper.capture import Capture
from scraper.journal import Position

SERVED_AGAIN = "served again"
Entry = Mapping[str, Any]
# Asked and written for every capture, so they are put together once.
_P = publications.c
_NEWEST = select(func.max(_P.place)).where(_P.list == bindparam("of"), _P.basis != SERVED_AGAIN)
_KNOWN = select(publications).where(_P.key == bindparam("of"))
_ENTER = insert(publications)
# When a file says it was published, and by what evidence; "unreadable" files are dated by their capture.
Dated = Callable[[Capture], tuple[datetime, str]]


@dataclass(slots=True)
class Intake:
    """What was taken in: from which place on each list is to be derived again."""

    dirty: dict[str, str] = field(default_factory=dict)

    def mark(self, list_name: str, place: str) -> None:
        self.dirty[list_name] = min(place, self.dirty.get(list_name, place))


def position(connection: Connection) -> Position:
    """How far this database has taken the journal in; the beginning when it has taken in nothing."""
    row = connection.execute(select(taken)).first()
    return Position(row.offset, row.entries, row.head) if row else Position()


def take(
    connection: Connection, entries: Iterable[tuple[Entry, Position]], dated: Dated, *, announce: bool
) -> Intake:
    """Take entries in and say which lists are to be derived again. One transaction: the caller's."""
    intake = Intake()
    last: Position | None = None
    for entry, end in entries:
        last = end
        _TAKERS.get(entry["kind"], _ignore)(connection, entry, intake, dated, announce)
    if last is not None:
        connection.execute(delete(taken))
        connection.execute(insert(taken).values(id=1, entries=last.n, offset=last.offset, head=last.prev))
    return intake


def _ignore(_c: Connection, _e: Entry, _i: Intake, _d: Dated, _a: bool) -> None:
    """Entries of kinds that other rooms keep (seals, backfills) are no business of the tables here."""


def _take_capture(connection: Connection, entry: Entry, intake: Intake, dated: Dated, announce: bool) -> None:
    capture = Capture.from_entry(entry)
    if capture.sha256 is None:
        return
    published_at, basis = dated(capture)
    recorded_at = datetime.fromisoformat(entry["at"])
    publication = _publication(capture, published_at, basis, recorded_at)
    live = capture.by == "crawl"
    newest = connection.execute(_NEWEST, {"of": capture.list}).scalar() if live else None
    again = newest is not None and publication.place < newest
    known = connection.execute(_KNOWN, {"of": publication_key(publication)}).first()
    if known is None:
        _enter(connection, publication, intake, announced=not (live and announce) or again)
    elif publication.captured_at < known.captured_at:
        _move(connection, known, publication, intake)
    if again:
        served = _publication(capture, capture.captured_at, SERVED_AGAIN, recorded_at)
        if not _entered(connection, served):
            _enter(connection, served, intake, announced=not announce)
    elif live:
        _clear_served_again(connection, publication, intake)


def _publication(capture: Capture, published_at: datetime, basis: str, recorded_at: datetime) -> Publication:
    sha256 = capture.sha256 or ""
    return Publication(
        list=capture.list,
        sha256=sha256,
        published_name=capture.published_name,
        published_at=published_at,
        captured_at=capture.captured_at,
        recorded_at=recorded_at,
        basis=basis,
        place=f"{published_at:%Y-%m-%dT%H:%M:%SZ} {capture.captured_at:%Y%m%d%H%M%S} {sha256[:12]}",
        page=capture.page,
    )


def _enter(connection: Connection, publication: Publication, intake: Intake, *, announced: bool) -> None:
    entered = {
        "key": publication_key(publication),
        "list": publication.list,
        "place": publication.place,
        "sha256": publication.sha256,
        "published_name": publication.published_name,
        "published_at": publication.published_at,
        "basis": publication.basis,
        "captured_at": publication.captured_at,
        "recorded_at": publication.recorded_at,
        "page": dict(publication.page) or None,
        "state": "new",
        "announced": announced,
    }
    connection.execute(_ENTER, entered)
    intake.mark(publication.list, publication.place)


def _entered(connection: Connection, publication: Publication) -> bool:
    query = select(publications.c.id).where(publications.c.key == publication_key(publication))
    return connection.execute(query).first() is not None


def _move(connection: Connection, known: Row[Any], publication: Publication, intake: Intake) -> None:
    """An earlier capture of the same file: it was seen sooner than we knew."""
    connection.execute(
        update(publications)
        .where(publications.c.id == known.id)
        .values(
            place=publication.place,
            captured_at=publication.captured_at,
            published_name=publication.published_name,
            page=dict(publication.page) or known.page,
        )
    )
    intake.mark(publication.list, min(known.place, publication.place))


def _clear_served_again(connection: Connection, publication: Publication, intake: Intake) -> None:
    open_ones = connection.execute(
        select(publications.c.id, publications.c.place).where(
            publications.c.list == publication.list,
            publications.c.basis == SERVED_AGAIN,
            publications.c.verdict.is_(None),
        )
    ).all()
    for row in open_ones:
        connection.execute(update(publications).where(publications.c.id == row.id).values(verdict="clear"))
        intake.mark(publication.list, row.place)


def _take_verdict(
    connection: Connection, entry: Entry, intake: Intake, _dated: Dated, _announce: bool
) -> None:
    row = connection.execute(
        select(publications.c.list, publications.c.place).where(publications.c.key == entry["publication"])
    ).first()
    if row is None:
        return
    connection.execute(
        update(publications)
        .where(publications.c.key == entry["publication"])
        .values(
            verdict=entry["kind"],
            decided_by=entry["by"],
            decided_at=datetime.fromisoformat(entry["at"]),
            note=entry.get("note") or "",
        )
    )
    intake.mark(row.list, row.place)


def _take_review(
    connection: Connection, entry: Entry, _intake: Intake, _dated: Dated, _announce: bool
) -> None:
    connection.execute(delete(reviews).where(reviews.c.change_id == entry["change"]))
    if entry["status"] != "undone":
        connection.execute(
            insert(reviews).values(
                change_id=entry["change"],
                status=entry["status"],
                by=entry["by"],
                at=datetime.fromisoformat(entry["at"]),
                note=entry.get("note") or "",
            )
        )


def _take_judgement(
    connection: Connection, entry: Entry, intake: Intake, _dated: Dated, _announce: bool
) -> None:
    """Two names are one agency, or two: every list is derived again from where either first stood."""
    names = [
        (entry["state"], name_key(entry["agency"])),
        (entry["other_state"], name_key(entry["other_agency"])),
    ]
    connection.execute(
        insert(judgements).values(
            state=names[0][0], name_key=names[0][1], other_state=names[1][0], other_name_key=names[1][1],
            verdict=entry["kind"], by=entry["by"], at=datetime.fromisoformat(entry["at"]),
            note=entry.get("note") or "",
        )
    )  # fmt: skip
    for state, key in names:
        first = connection.execute(
            select(intervals.c.list, func.min(intervals.c.from_place))
            .where(intervals.c.state == state, intervals.c.name_key == key)
            .group_by(intervals.c.list)
        )
        for list_name, place in first:
            intake.mark(list_name, place)


def _take_document(
    connection: Connection, entry: Entry, _intake: Intake, _dated: Dated, _announce: bool
) -> None:
    take_document(connection, entry)


_TAKERS: dict[str, Callable[[Connection, Entry, Intake, Dated, bool], None]] = {
    "capture": _take_capture,
    "document": _take_document,
    "accept": _take_verdict,
    "baseline": _take_verdict,
    "reject": _take_verdict,
    "review": _take_review,
    "same": _take_judgement,
    "distinct": _take_judgement,
    "unjudged": _take_judgement,
}
