"""Writing what is known of documents: what the journal tells, when they were asked for, what they say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, insert, select, update

from pipelines.tables import document_events, documents


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
