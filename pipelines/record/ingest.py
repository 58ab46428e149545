"""Writing what is known of documents: what the journal tells, when they were asked for, what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, or_, select, update

from pipelines.names.likeness import name_key
from pipelines.publication_time import Dated
from pipelines.record.places import take_word
from pipelines.result import publication_key
from pipelines.tables import document_events, documents, intervals, judgements, publications, reviews, taken
from pipelines.values import Publication
from scraper.capture import LIVE, Capture
from scraper.journal import Position


def document_id(url: str) -> str:
    return blake2b(url.encode(), digest_size=8).hexdigest()


def take_document(connection: Connection, entry: Mapping[str, Any]) -> None:
    """An entry of the journal of the kind "document": a document was posted, replaced, gone or returned."""
    url, kind, at = entry["url"], entry["event"], datetime.fromisoformat(entry["at"])
    identifier = _known(connection, url)
    before = connection.execute(select(documents).where(documents.c.id == identifier)).one()
    values: dict[str, Any] = {"state": "gone" if kind == "gone" else "posted", "changed_at": at}
    if kind != "gone":
        headers = entry.get("headers", {})
        values |= {
            "sha256": entry["sha256"],
            "published_name": entry.get("published_name"),
            "bytes": entry.get("bytes"),
            "last_modified": headers.get("last-modified"),
            "etag": headers.get("etag"),
            "first_at": before.first_at or at,
        }
        if entry["sha256"] != before.sha256:
            values |= {"pages": None, "said": None, "read_by": None}
    connection.execute(update(documents).where(documents.c.id == identifier).values(**values))
    connection.execute(
        insert(document_events).values(
            id=blake2b(f"{url}|{kind}|{entry['n']}".encode(), digest_size=8).hexdigest(),
            document_id=identifier,
            url=url,
            kind=kind,
            at=at,
            sha256=entry.get("sha256"),
            previous_sha256=before.sha256,
        )
    )


def note_asked(connection: Connection, url: str, now: datetime, trouble: str | None, **said: str) -> None:
    """A document was asked for; `said` are the validators that its server gave with the same bytes."""
    identifier = _known(connection, url)
    connection.execute(
        update(documents).where(documents.c.id == identifier).values(checked_at=now, trouble=trouble, **said)
    )


def note_read(
    connection: Connection, identifier: str, pages: int | None, said: Mapping[str, Any], read_by: int
) -> None:
    connection.execute(
        update(documents)
        .where(documents.c.id == identifier)
        .values(pages=pages, said=dict(said), read_by=read_by)
    )


def _known(connection: Connection, url: str) -> str:
    identifier = document_id(url)
    if connection.execute(select(documents.c.id).where(documents.c.id == identifier)).first() is None:
        connection.execute(insert(documents).values(id=identifier, url=url, state="new"))
    return identifier


SERVED_AGAIN, SEEN = "served again", "capture"
RECORDED_WITHIN = timedelta(days=1)
# A list is judged beside its sister list as that was seen by then, and shortly after: one look comes before the other.
TOGETHER = timedelta(hours=1)
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
Entry = Mapping[str, Any]
# Asked and written for every capture, so they are put together once.
_P = publications.c
_LAST = select(publications).where(_P.list == bindparam("of")).order_by(_P.place.desc()).limit(1)
# What is served again has no place of its own among the lists, unless somebody believes that it is meant.
_NOT_RETRACTED = or_(_P.verdict.is_(None), _P.verdict != "retract")
_NEWEST = _LAST.where(or_(_P.basis != SERVED_AGAIN, _P.verdict == "accept"), _NOT_RETRACTED)
_KNOWN = select(publications).where(_P.key == bindparam("of"))
_ENTER = insert(publications)
Dating = Callable[[Capture], Dated]  # a file that cannot be read is dated all the same


@dataclass(slots=True)
class Ingested:
    """What was taken in: from which place on each list is to be derived again, and of what was seen since when its
    sister list too; of which agreements people said where they are."""

    dirty: dict[str, str] = field(default_factory=dict)
    since: dict[str, datetime] = field(default_factory=dict)
    placed: set[str] = field(default_factory=set)

    def mark(self, list_name: str, place: str, since: datetime = ALWAYS) -> None:
        self.dirty[list_name] = min(place, self.dirty.get(list_name, place))
        self.since[list_name] = min(since, self.since.get(list_name, since))


def position(connection: Connection) -> Position:
    """How far this database has taken the journal in; the beginning when it has taken in nothing."""
    row = connection.execute(select(taken)).first()
    return Position(row.offset, row.entries, row.head) if row else Position()


def take(
    connection: Connection, entries: Iterable[tuple[Entry, Position]], dated: Dating, *, announce: bool
) -> Ingested:
    """Take entries in and say which lists are to be derived again. One transaction: the caller's."""
    intake = Ingested()
    last: Position | None = None
    for entry, end in entries:
        last = end
        _TAKERS.get(entry["kind"], _ignore)(connection, entry, intake, dated, announce)
    if last is not None:
        connection.execute(delete(taken))
        connection.execute(insert(taken).values(id=1, entries=last.n, offset=last.offset, head=last.prev))
    return intake


def _ignore(_c: Connection, _e: Entry, _i: Ingested, _d: Dating, _a: bool) -> None:
    """Entries of kinds that other rooms keep (seals, backfills) are no business of the tables here."""


def _take_capture(
    connection: Connection, entry: Entry, intake: Ingested, dated: Dating, announce: bool
) -> None:
    capture = Capture.from_entry(entry)
    if capture.sha256 is None:
        return
    publication = _publication(capture, dated(capture), datetime.fromisoformat(entry["at"]))
    if publication.live:
        _take_live(connection, publication, intake, announce)
        return
    known = connection.execute(_KNOWN, {"of": publication_key(publication)}).first()
    if known is None:
        _enter(connection, publication, intake, announced=True)
    elif publication.captured_at < known.captured_at:
        _move(connection, known, publication, intake)


def _take_live(connection: Connection, publication: Publication, intake: Ingested, announce: bool) -> None:
    """What a look at the live page brings comes after everything that the record holds of the list, whatever it says
    of itself: only a person's replay or backfill may place a list in the past."""
    of = {"of": publication.list}
    newest, last = connection.execute(_NEWEST, of).first(), connection.execute(_LAST, of).first()
    if newest is not None and newest.sha256 == publication.sha256:
        _clear_served_again(connection, publication, intake)
        return
    if newest is not None and publication.place < newest.place and _holds(connection, publication):
        publication = replace(publication, basis=SERVED_AGAIN)
    # A file that was retracted, and is published after all, begins anew.
    begun = _entered(connection, publication)
    if last is not None and (publication.place <= last.place or publication.basis == SERVED_AGAIN or begun):
        publication = _when_seen(publication, last)
    if not _entered(connection, publication):
        _enter(connection, publication, intake, announced=not announce)


def _when_seen(publication: Publication, last: Row[Any]) -> Publication:
    """Published at the moment it was seen, after the `last` one."""
    basis = publication.basis if publication.basis == SERVED_AGAIN else SEEN
    seen = replace(publication, published_at=publication.captured_at, basis=basis)
    if _placed(seen).place <= last.place:
        seen = replace(seen, published_at=last.published_at + timedelta(seconds=1))
    return _placed(seen)


def _publication(capture: Capture, found: Dated, recorded_at: datetime) -> Publication:
    return _placed(
        Publication(
            list=capture.list,
            sha256=capture.sha256 or "",
            published_name=capture.published_name,
            published_at=found.published_at,
            captured_at=capture.captured_at,
            recorded_at=recorded_at,
            basis=found.basis,
            place="",
            page=capture.page,
            saved_at=found.saved_at,
            last_modified=found.last_modified,
            captured_by=_seen_by(capture, recorded_at),
        )
    )


def _seen_by(capture: Capture, recorded_at: datetime) -> str:
    """Older journals may call a file of the past a look, when a person's manifest did: a look is recorded at once."""
    if capture.by == LIVE and abs(recorded_at - capture.captured_at) > RECORDED_WITHIN:
        return "replay"
    return capture.by


def _placed(publication: Publication) -> Publication:
    """Of two files that were saved in the same second the one with the earlier name comes first; a place has at most
    64 letters. Where only the server or the capture dates a file, the capture tells them apart."""
    at, seen = publication.published_at, publication.captured_at
    if publication.basis == "workbook":
        rest = f"{publication.published_name[:34]} {publication.sha256[:8]}"
    else:
        rest = f"{seen:%Y%m%d%H%M%S} {publication.sha256[:12]}"
    return replace(publication, place=f"{at:%Y-%m-%dT%H:%M:%SZ} {rest}")


def _enter(connection: Connection, publication: Publication, intake: Ingested, *, announced: bool) -> None:
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
        "saved_at": publication.saved_at,
        "last_modified": publication.last_modified,
        "captured_by": publication.captured_by,
    }
    connection.execute(_ENTER, entered)
    since = publication.captured_at - TOGETHER if publication.live else ALWAYS
    intake.mark(publication.list, publication.place, since)


def _entered(connection: Connection, publication: Publication) -> bool:
    return connection.execute(_KNOWN, {"of": publication_key(publication)}).first() is not None


def _holds(connection: Connection, publication: Publication) -> bool:
    query = select(_P.id).where(_P.list == publication.list, _P.sha256 == publication.sha256, _NOT_RETRACTED)
    return connection.execute(query).first() is not None


def _move(connection: Connection, known: Row[Any], publication: Publication, intake: Ingested) -> None:
    """An earlier capture of the same file: it was seen sooner than we knew."""
    connection.execute(
        update(publications)
        .where(publications.c.id == known.id)
        .values(
            place=publication.place,
            captured_at=publication.captured_at,
            published_name=publication.published_name,
            page=dict(publication.page) or known.page,
            captured_by=publication.captured_by,
        )
    )
    intake.mark(publication.list, min(known.place, publication.place))


def _clear_served_again(connection: Connection, publication: Publication, intake: Ingested) -> None:
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
    connection: Connection, entry: Entry, intake: Ingested, _dated: Dating, _announce: bool
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


def _take_retraction(
    connection: Connection, entry: Entry, intake: Ingested, _dated: Dating, _announce: bool
) -> None:
    """A file was taken in by mistake: all that it was taken for goes."""
    found = connection.execute(select(_P.list, _P.place).where(_P.sha256 == entry["sha256"])).all()
    decided = {
        "decided_by": entry["by"],
        "decided_at": datetime.fromisoformat(entry["at"]),
        "note": entry["note"],
    }
    connection.execute(
        update(publications).where(_P.sha256 == entry["sha256"]).values(verdict="retract", **decided)
    )
    for row in found:
        intake.mark(row.list, row.place)


def _take_review(
    connection: Connection, entry: Entry, _intake: Ingested, _dated: Dating, _announce: bool
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
    connection: Connection, entry: Entry, intake: Ingested, _dated: Dating, _announce: bool
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
    connection: Connection, entry: Entry, _intake: Ingested, _dated: Dating, _announce: bool
) -> None:
    take_document(connection, entry)


def _take_place(
    connection: Connection, entry: Entry, intake: Ingested, _dating: Dating, _announce: bool
) -> None:
    take_word(connection, entry)
    intake.placed.add(entry["agreement"])


_TAKERS: dict[str, Callable[[Connection, Entry, Ingested, Dating, bool], None]] = {
    "capture": _take_capture,
    "document": _take_document,
    "accept": _take_verdict,
    "baseline": _take_verdict,
    "reject": _take_verdict,
    "retract": _take_retraction,
    "review": _take_review,
    "place": _take_place,
    "same": _take_judgement,
    "distinct": _take_judgement,
    "unjudged": _take_judgement,
}
