"""The rows of each table of the dictionary, as they are recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from changelog.dictionary import AGENCIES, AGREEMENTS, CHANGES, PUBLICATIONS, Sheet
from changelog.wording import change_json, iso
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.history.streams import all_intervals, all_publications, intervals_by_agency, keys_of_places
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
        }


def change_records(
    connection: Connection, lists: Mapping[str, PublishedList], wanted: ChangeFilter | None = None
) -> Iterator[Record]:
    """Changes with the review spread over columns of its own."""
    pending_of = {name: item.pending_list for name, item in lists.items() if item.pending_list}
    for change in read_changes(connection, wanted or ChangeFilter(), pending_of=pending_of):
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
