"""Documents in words and as JSON: what became of each, what is odd about it, which agreements have none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from changelog.wording import FIELDS, iso
from pipelines.documents.owners import elsewhere
from pipelines.documents.said import differences
from pipelines.history.documents import (
    DocumentEvent,
    document_log,
    known_documents,
    links_now,
    without_document,
)
from pipelines.values import Finding

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
    for link, finding in elsewhere(links):
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
