"""Documents: which agreements link to which, what became of them, and which agreements have none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from pipelines.history.baseline import as_agreement
from pipelines.tables import document_events, documents, intervals
from pipelines.values import Agreement

LINKS = ("moa", "addendum")
CHUNK = 400


@dataclass(frozen=True, slots=True)
class Linked:
    """An agreement's link to a document: `field` is moa or addendum, `since` the place that first had it."""

    list: str
    agreement_id: str
    agency_id: str
    agreement: Agreement
    field: str
    url: str
    since: str


@dataclass(frozen=True, slots=True)
class DocumentEvent:
    """What became of a document, with the agreements that linked to it then."""

    id: str
    url: str
    kind: str
    at: datetime
    sha256: str | None
    previous_sha256: str | None
    linked: tuple[Linked, ...]


def links_now(connection: Connection, lists: Sequence[str]) -> list[Linked]:
    """The links of all agreements that stand in these lists, the oldest link first."""
    return sorted(_links(connection, lists), key=lambda link: (link.since, link.list, link.url, link.field))


def _links(connection: Connection, lists: Sequence[str]) -> Iterator[Linked]:
    i = intervals.c
    rows = connection.execute(
        select(intervals).where(
            i.list.in_(lists), i.until_place.is_(None), or_(i.moa.like("http%"), i.addendum.like("http%"))
        )
    )
    for row in rows:
        yield from _of(row)


def _of(row: Row[Any]) -> Iterator[Linked]:
    for field in LINKS:
        url = getattr(row, field)
        if url and url.startswith("http"):
            yield Linked(
                row.list, row.agreement_id, row.agency_id, as_agreement(row), field, url, row.from_place
            )


def known_documents(connection: Connection) -> dict[str, Row[Any]]:
    """Rows of `documents` by address."""
    return {row.url: row for row in connection.execute(select(documents))}


def unread_documents(connection: Connection, read_by: int) -> Sequence[Row[Any]]:
    """Documents that are here and were not read by this version of the reader."""
    d = documents.c
    return connection.execute(
        select(documents)
        .where(d.sha256.is_not(None), or_(d.read_by.is_(None), d.read_by != read_by))
        .order_by(d.id)
    ).all()


def document_log(
    connection: Connection,
    lists: Sequence[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    agency_ids: Sequence[str] = (),
) -> list[DocumentEvent]:
    """What became of documents, oldest first; of these lists or agencies only, where any are named."""
    e = document_events.c
    query = select(document_events).order_by(e.at, e.id)
    if since is not None:
        query = query.where(e.at >= since)
    if until is not None:
        query = query.where(e.at < until)
    rows = connection.execute(query).all()
    linked = _linked(connection, sorted({row.url for row in rows}))
    found = []
    for row in rows:
        # The agreements that linked to it when it happened, each once.
        moment = f"{row.at:%Y-%m-%dT%H:%M:%SZ}"
        here = {
            (link.list, link.agreement_id, link.field): link
            for link, until_place in linked[row.url]
            if link.since <= f"{moment}~" and (until_place is None or until_place > moment)
        }
        chosen = tuple(
            link
            for link in here.values()
            if (not lists or link.list in lists) and (not agency_ids or link.agency_id in agency_ids)
        )
        if chosen or not (lists or agency_ids):
            found.append(
                DocumentEvent(row.id, row.url, row.kind, row.at, row.sha256, row.previous_sha256, chosen)
            )
    return found


def _linked(connection: Connection, urls: Sequence[str]) -> dict[str, list[tuple[Linked, str | None]]]:
    """Every link that an agreement ever had to these addresses, with the place at which it ended."""
    i = intervals.c
    found: dict[str, list[tuple[Linked, str | None]]] = defaultdict(list)
    for start in range(0, len(urls), CHUNK):
        some = urls[start : start + CHUNK]
        rows = connection.execute(
            select(intervals).where(or_(i.moa.in_(some), i.addendum.in_(some))).order_by(i.from_place, i.id)
        )
        for row in rows:
            for link in _of(row):
                if link.url in some:
                    found[link.url].append((link, row.until_place))
    return found


def without_document(connection: Connection, lists: Sequence[str]) -> list[tuple[str, str, Agreement, str]]:
    """(list, agreement id, agreement, since when it is listed) of agreements without a link to an MOA, oldest
    first. Lists without such a column are left out."""
    i = intervals.c
    rows = connection.execute(
        select(intervals)
        .where(i.list.in_(lists), i.until_place.is_(None), i.moa.is_not(None), i.moa.not_like("http%"))
        .order_by(i.from_place)
    ).all()
    begun = _begun(connection, [row.agreement_id for row in rows])
    found = [
        (row.list, row.agreement_id, as_agreement(row), begun[row.list, row.agreement_id]) for row in rows
    ]
    return sorted(found, key=lambda one: (str(one[2].signed or one[3][:10]), one[3], one[1]))


def _begun(connection: Connection, ids: Sequence[str]) -> dict[tuple[str, str], str]:
    i = intervals.c
    found: dict[tuple[str, str], str] = {}
    for start in range(0, len(ids), CHUNK):
        rows = connection.execute(
            select(i.list, i.agreement_id, i.from_place)
            .where(i.agreement_id.in_(ids[start : start + CHUNK]))
            .order_by(i.from_place.desc())
        )
        found.update({(row.list, row.agreement_id): row.from_place for row in rows})
    return found
