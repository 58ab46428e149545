"""The record's answers as JSON: changes, lists, the life of an agency, its documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row

from changelog.dictionary import AGENCIES, AGREEMENTS, CHANGES, PUBLICATIONS, Sheet
from changelog.query import counties_of, levels_of
from changelog.wording import FIELDS, carried, change_json, end_of, iso
from pipelines.documents.statements import differences, misattributed
from pipelines.history.agencies import Held, Life, agency_life, find_agencies, places_of
from pipelines.history.agreements import StoredAgreement, agreements_at
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.history.documents import (
    DocumentEvent,
    document_log,
    known_documents,
    links_now,
    without_document,
)
from pipelines.history.dump import all_intervals, all_publications, intervals_by_agency, keys_of_places
from pipelines.history.places import (
    NOWHERE,
    StoredPlace,
    all_places,
    places_of_agreements,
    places_of_list,
)
from pipelines.history.publications import publication_at
from pipelines.installation import Installation
from pipelines.values import Finding
from scraper.errors import UsageError
from scraper.lists import PublishedList

Record = dict[str, Any]


def records_of(connection: Connection, lists: Mapping[str, PublishedList], sheet: Sheet) -> Iterator[Record]:
    """The rows of a table, in an order that does not depend on the database."""
    readers = {
        PUBLICATIONS.name: lambda: _publications(connection),
        AGREEMENTS.name: lambda: _agreements(connection),
        CHANGES.name: lambda: change_records(connection, lists),
        AGENCIES.name: lambda: _agencies(connection),
    }
    return readers[sheet.name]()


def _publications(connection: Connection) -> Iterator[Record]:
    for row in all_publications(connection):
        yield {
            "key": row.key,
            "list": row.list,
            "published_at": iso(row.published_at),
            "basis": row.basis,
            "captured_at": iso(row.captured_at),
            "recorded_at": iso(row.recorded_at),
            "published_name": row.published_name,
            "sha256": row.sha256,
            "previous_sha256": row.previous_sha256,
            "state": row.state,
            "agreements": row.agreements,
            "agencies": row.agencies,
            "by_state": row.by_state,
            "by_support_type": row.by_support_type,
            "counts": row.counts,
            "reasons": [reason["text"] for reason in row.reasons] if row.reasons else None,
            "verdict": row.verdict,
            "decided_by": row.decided_by,
            "decided_at": iso(row.decided_at),
            "note": row.note,
        }


def _agreements(connection: Connection) -> Iterator[Record]:
    keys = keys_of_places(connection)
    where = all_places(connection)
    for row in all_intervals(connection):
        first, since = keys[row.list, row.from_place]
        last, until = keys[row.list, row.until_place] if row.until_place else (None, None)
        yield {
            "list": row.list,
            "agreement_id": row.agreement_id,
            "agency_id": row.agency_id,
            "valid_from": iso(since),
            "valid_until": iso(until),
            "from_publication": first,
            "until_publication": last,
            "row": row.row,
            "state": row.state,
            "agency": row.agency,
            "type": row.type,
            "county": row.county,
            "support_type": row.support_type,
            "signed": row.signed,
            "moa": row.moa,
            "addendum": row.addendum,
            "extra": dict(row.extra) if row.extra else None,
            "printed": dict(row.printed) if row.printed else None,
            **where.get(row.agreement_id, NOWHERE).as_json(),
        }


def change_records(
    connection: Connection, lists: Mapping[str, PublishedList], wanted: ChangeFilter | None = None
) -> Iterator[Record]:
    """Changes with the review spread over columns of its own."""
    for change in read_changes(connection, wanted or ChangeFilter()):
        told = change_json(change, lists.get(change.list))
        review = told.pop("review") or {}
        yield told | {f"review_{name}": review.get(name) for name in ("status", "by", "at", "note")}


def _agencies(connection: Connection) -> Iterator[Record]:
    keys = keys_of_places(connection)
    for rows in intervals_by_agency(connection):
        last = rows[-1]
        current = {row.agreement_id for row in rows if row.until_place is None}
        names = {(row.state or "", row.agency) for row in rows} - {(last.state or "", last.agency)}
        left = None if current else max(row.until_place for row in rows if row.until_place)
        yield {
            "list": last.list,
            "agency_id": last.agency_id,
            "state": last.state,
            "agency": last.agency,
            "other_names": [f"{name} ({state or '?'})" for state, name in sorted(names)] or None,
            "agreements_now": len(current),
            "agreements_ever": len({row.agreement_id for row in rows}),
            "first_listed": iso(keys[last.list, rows[0].from_place][1]),
            "left_at": iso(keys[last.list, left][1]) if left else None,
        }


_EVENTS = {
    "posted": "was posted",
    "replaced": "was replaced by other bytes at the same address",
    "gone": "is there no more",
    "returned": "is there again",
}


def document_title(event: DocumentEvent) -> str:
    """One line for people, in the manner of a change's title."""
    what = _EVENTS[event.kind]
    if not event.linked:
        return f"{event.url}: the document {what}"
    link = event.linked[0]
    who = f"{link.agreement.agency} ({link.agreement.state or '?'})"
    model = f", {link.agreement.support_type}" if link.agreement.support_type else ""
    more = f" (linked by {len(event.linked)} agreements)" if len(event.linked) > 1 else ""
    return f"{who}{model}: the {FIELDS[link.field]} {what}{more}"


def event_json(event: DocumentEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "kind": "document",
        "event": event.kind,
        "at": iso(event.at),
        "url": event.url,
        "sha256": event.sha256,
        "previous_sha256": event.previous_sha256,
        "title": document_title(event),
        "agreements": [
            {
                "list": link.list,
                "agreement_id": link.agreement_id,
                "agency_id": link.agency_id,
                "agency": link.agreement.agency,
                "state": link.agreement.state,
                "support_type": link.agreement.support_type,
                "field": link.field,
            }
            for link in event.linked
        ],
    }


def document_events(
    connection: Connection, lists: Sequence[str] = (), agency_ids: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """What became of documents, oldest first."""
    for event in document_log(connection, lists, agency_ids=agency_ids):
        yield event_json(event)


def linked_documents(
    connection: Connection, lists: Sequence[str], *, odd: bool = False
) -> Iterator[dict[str, Any]]:
    """Every link that stands in the lists, with its document and what is odd about it."""
    links = links_now(connection, lists)
    known = known_documents(connection)
    strange: dict[tuple[str, str, str], list[Finding]] = {}
    for link, finding in misattributed(links):
        strange.setdefault((link.list, link.agreement_id, link.field), []).append(finding)
    for link in links:
        row = known.get(link.url)
        findings = list(strange.get((link.list, link.agreement_id, link.field), ()))
        if row is not None and row.said and link.field == "moa":
            findings += differences(row.said, link.agreement)
        if odd and not findings:
            continue
        yield {
            "list": link.list,
            "state": link.agreement.state,
            "agency": link.agreement.agency,
            "support_type": link.agreement.support_type,
            "field": link.field,
            "linked_since": link.since[:20],
            "url": link.url,
            "document": row.state if row else "new",
            "sha256": row.sha256 if row else None,
            "pages": row.pages if row else None,
            "checked_at": iso(row.checked_at) if row else None,
            "trouble": row.trouble if row else None,
            "findings": [finding.as_json() for finding in findings],
        }


def missing_documents(connection: Connection, lists: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Agreements without a link to their document, the oldest first."""
    for name, agreement_id, agreement, since in without_document(connection, lists):
        yield {
            "list": name,
            "agreement_id": agreement_id,
            "state": agreement.state,
            "agency": agreement.agency,
            "support_type": agreement.support_type,
            "signed": agreement.signed.isoformat() if agreement.signed else None,
            "listed_since": since[:20],
            "moa": agreement.moa,
        }


def listed(
    installation: Installation,
    list_name: str,
    as_of: str | None,
    known_at: str | None,
    *,
    counties: Iterable[str] = (),
    levels: Iterable[str] = (),
) -> dict[str, Any]:
    """The list as published on a date, and as we knew it on another. Raises UsageError when nothing stood."""
    [declaration] = installation.chosen([list_name])
    with installation.engine.connect() as connection:
        row = publication_at(
            connection,
            list_name,
            end_of(as_of, declaration.time_zone) if as_of else None,
            end_of(known_at, declaration.time_zone) if known_at else None,
        )
        if row is None:
            raise UsageError(
                f"Nothing of the list {list_name} is recorded{f' as of {as_of}' if as_of else ''}."
            )
        stored = agreements_at(connection, list_name, row.place)
        where = places_of_list(connection, list_name) if declaration.has_places else None
    wanted, leveled = counties_of(counties, installation.registers), levels_of(levels)
    if wanted or leveled:
        stored = [one for one in stored if _is_in(where, one.agreement_id, wanted, leveled)]
    return {
        "list": list_name,
        "as_of": as_of,
        "known_at": known_at,
        **publication_figures(row),
        "agreements": [agreement_json(agreement, declaration, where) for agreement in stored],
    }


def _is_in(
    where: Mapping[str, StoredPlace] | None, agreement_id: str, counties: Sequence[str], levels: Sequence[str]
) -> bool:
    found = (where or {}).get(agreement_id, NOWHERE)
    return (not counties or not {*counties}.isdisjoint(found.fips)) and (not levels or found.level in levels)


def publication_figures(row: Any) -> dict[str, Any]:
    """Of a row of `publications`."""
    return {
        "published_at": iso(row.published_at),
        "captured_at": iso(row.captured_at),
        "recorded_at": iso(row.recorded_at),
        "published_name": row.published_name,
        "sha256": row.sha256,
        "total_agreements": row.agreements,
        "total_agencies": row.agencies,
        "total_states": len([state for state in row.by_state or {} if state]),
        "by_support_type": row.by_support_type,
        "by_state": row.by_state,
    }


def agreement_json(
    stored: StoredAgreement, declaration: PublishedList, where: Mapping[str, StoredPlace] | None = None
) -> dict[str, Any]:
    """With the fields that the list has."""
    have = {"agency", *carried(declaration)}
    told: dict[str, Any] = {"agreement_id": stored.agreement_id, "agency_id": stored.agency_id}
    said = stored.agreement.as_json().items()
    told |= {name: value for name, value in said if name in have or name not in FIELDS}
    told["row"] = stored.agreement.row
    if stored.row_of is not None:
        told["published_name"] = stored.row_of
    return told if where is None else told | where.get(stored.agreement_id, NOWHERE).as_json()


def held_json(row: Row[Any]) -> dict[str, Any]:
    """A publication that waits, or waited, for a person."""
    return {
        "id": row.key,
        "list": row.list,
        "published_at": iso(row.published_at),
        "captured_at": iso(row.captured_at),
        "published_name": row.published_name,
        "sha256": row.sha256,
        "state": "accepted" if row.verdict == "accept" else row.state,
        "reasons": row.reasons or [],
        "counts": row.counts or {},
        "agreements": row.agreements,
    }


LIVES = 20


def lives_of(installation: Installation, text: str) -> list[dict[str, Any]]:
    """The lives of the agencies whose name holds every word of the text, or whose id it is; at most LIVES."""
    told: list[dict[str, Any]] = []
    seen: set[str] = set()
    with installation.engine.connect() as connection:
        for identifier in [text, *(found.agency_id for found in find_agencies(connection, text))]:
            if identifier in seen or len(told) >= LIVES:
                continue
            life = agency_life(connection, identifier)
            if life is not None:
                seen.update(life.ids)
                told.append(life_json(connection, installation, identifier, life))
    return told


def life_json(
    connection: Connection, installation: Installation, identifier: str, life: Life
) -> dict[str, Any]:
    """An agency as `agency --format json` and the API give it; `identifier` is the id that was asked for."""
    newest = max(life.held, key=lambda item: (item.until is None, item.stored.since)).stored.agreement
    where = places_of_agreements(connection, {item.stored.agreement_id for item in life.held})
    files = places_of(connection, {(item.list, item.stored.since) for item in life.held})
    changes = [
        change
        for agency_id in life.ids
        for change in read_changes(connection, ChangeFilter(agency_id=agency_id))
    ]
    changes.sort(key=lambda change: change.cursor)
    return {
        "agency_id": identifier,
        "agency_ids": list(life.ids),
        "state": newest.state,
        "agency": newest.agency,
        "spellings": [
            {"list": s.list, "state": s.state, "agency": s.agency, "first": s.first[:20], "last": s.last[:20]}
            for s in life.spellings
        ],
        "documents": sorted(_documents(life)),
        "agreements": [
            {
                "list": name,
                "agreement_id": agreement_id,
                **(where[agreement_id].as_json() if agreement_id in where else {}),
                "periods": [_period(item, files.get((item.list, item.stored.since))) for item in group],
            }
            for (name, agreement_id), group in groupby(
                life.held, lambda item: (item.list, item.stored.agreement_id)
            )
        ],
        "changes": [change_json(change, installation.lists.get(change.list)) for change in changes],
        "document_events": list(document_events(connection, agency_ids=life.ids)),
    }


def _documents(life: Life) -> set[str]:
    links = (
        link for item in life.held for link in (item.stored.agreement.moa, item.stored.agreement.addendum)
    )
    return {link for link in links if link and link.startswith("http")}


def _period(item: Held, file: Any) -> dict[str, Any]:
    """What was printed of an agreement from one publication until another, and the row that shows it."""
    return {
        "since": item.stored.since[:20],
        "until": item.until[:20] if item.until else None,
        **item.stored.agreement.as_json(),
        "row": item.stored.agreement.row,
        "published_name": file.published_name if file else None,
        "published_at": iso(file.published_at) if file else None,
        "sha256": file.sha256 if file else None,
    }
