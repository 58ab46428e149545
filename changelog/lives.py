"""The life of an agency as JSON: the same for the command line and the API."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from changelog.papers import document_events
from changelog.wording import change_json, iso
from pipelines.history.agencies import Held, Life, agency_life, find_agencies, places_of
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.house import House

LIVES = 20


def lives_of(house: House, text: str) -> list[dict[str, Any]]:
    """The lives of the agencies whose name holds every word of the text, or whose id it is; at most LIVES."""
    told: list[dict[str, Any]] = []
    seen: set[str] = set()
    with house.engine.connect() as connection:
        for identifier in [text, *(found.agency_id for found in find_agencies(connection, text))]:
            if identifier in seen or len(told) >= LIVES:
                continue
            life = agency_life(connection, identifier)
            if life is not None:
                seen.update(life.ids)
                told.append(life_json(connection, house, identifier, life))
    return told


def life_json(connection: Connection, house: House, identifier: str, life: Life) -> dict[str, Any]:
    """An agency as `agency --format json` and the API give it; `identifier` is the id that was asked for."""
    newest = max(life.held, key=lambda item: (item.until is None, item.stored.since)).stored.agreement
    files = places_of(connection, {(item.list, item.stored.since) for item in life.held})
    pending_of = {name: item.pending_list for name, item in house.lists.items() if item.pending_list}
    changes = [
        change
        for agency_id in life.ids
        for change in read_changes(connection, ChangeFilter(agency_id=agency_id), pending_of=pending_of)
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
                "periods": [_period(item, files.get((item.list, item.stored.since))) for item in group],
            }
            for (name, agreement_id), group in groupby(
                life.held, lambda item: (item.list, item.stored.agreement_id)
            )
        ],
        "changes": [change_json(change, house.lists.get(change.list)) for change in changes],
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
