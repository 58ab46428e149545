"""Lists as JSON: one at a moment, with its totals and agreements; and one that is held."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from changelog.moments import end_of
from changelog.wording import iso
from pipelines.history.agreements import StoredAgreement, agreements_at
from pipelines.history.publications import publication_at
from pipelines.house import House
from scraper.errors import UsageError


def listed(house: House, list_name: str, as_of: str | None, known_at: str | None) -> dict[str, Any]:
    """The list as published on a date, and as we knew it on another. Raises UsageError when nothing stood."""
    [declaration] = house.chosen([list_name])
    with house.engine.connect() as connection:
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
    return {
        "list": list_name,
        "as_of": as_of,
        "known_at": known_at,
        **publication_figures(row),
        "agreements": [agreement_json(agreement) for agreement in stored],
    }


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


def agreement_json(stored: StoredAgreement) -> dict[str, Any]:
    return {"agreement_id": stored.agreement_id, "agency_id": stored.agency_id, **stored.agreement.as_json()}


def held_json(row: Row[Any]) -> dict[str, Any]:
    """A publication that waits, or waited, for a person."""
    return {
        "id": row.key,
        "list": row.list,
        "published_at": iso(row.published_at),
        "captured_at": iso(row.captured_at),
        "published_name": row.published_name,
        "sha256": row.sha256,
        "reasons": row.reasons or [],
        "counts": row.counts or {},
        "agreements": row.agreements,
    }
