"""What is news to whom: decided in the transaction that writes it, so that it is owed once it is recorded.

Nothing is sent here. A notice that is owed names what it tells of; it is worded when it goes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from pipelines.installation import Installation
from pipelines.record.notices import mark_announced, owe
from pipelines.values import Change
from scraper.settings import Settings

if TYPE_CHECKING:
    from pipelines.result import Result

WEBHOOK = "webhook"


def channels(settings: Settings) -> list[str]:
    """The channels that are set up, by name. An address may hold a password, so its hash stands for it."""
    named = [apprise_channel(address) for address in settings.notify]
    return [*([WEBHOOK] if settings.webhook_url else []), *dict.fromkeys(named)]


def apprise_channel(address: str) -> str:
    return f"apprise:{blake2b(address.encode(), digest_size=4).hexdigest()}"


def announce(installation: Installation, connection: Connection, derived: Result) -> None:
    """Owe one notice for a publication with changes. A held one stays unannounced: believed, it is news."""
    # A clock with nothing due opens and closes incidents; it derives nothing.
    from pipelines.result import publication_key

    publication = derived.publication
    if derived.state in ("held", "unreadable", "failed"):
        return
    mark_announced(connection, publication.list, publication.place)
    told = [change for change in derived.changes if wants_change(installation.settings, change)]
    if derived.state != "recorded" or not told or not wants_list(installation.settings, publication.list):
        return
    key = publication_key(publication)
    payload = {"kind": "publication", "list": publication.list, "publication": key}
    owe(
        connection,
        f"publication/{key}",
        publication.list,
        channels(installation.settings),
        payload,
        installation.now(),
    )


def announce_incident(
    installation: Installation, connection: Connection, incident: Mapping[str, Any], event: str, number: int
) -> None:
    """Owe a notice of an incident that was opened, goes on ("reminder"), or was closed."""
    if not wants_list(installation.settings, incident["list"]):
        return
    payload = {
        "kind": "incident",
        "event": event,
        "list": incident["list"],
        "incident": incident["kind"],
        "text": incident["text"],
        "repeats": incident["repeats"],
        "opened_at": incident["opened_at"].isoformat(),
        "closed_at": incident["closed_at"].isoformat() if incident["closed_at"] else None,
    }
    owe(
        connection,
        f"incident/{incident['id']}/{number}-{event}",
        incident["list"],
        channels(installation.settings),
        payload,
        installation.now(),
    )


def announce_digest(installation: Installation, connection: Connection, week: str) -> None:
    """Owe the summary of a week ("2025-W20") over all lists, once."""
    owe(
        connection,
        f"digest/{week}",
        "digest",
        channels(installation.settings),
        {"kind": "digest", "week": week},
        installation.now(),
    )


def wants_list(settings: Settings, name: str) -> bool:
    return not settings.notify_lists or name in settings.notify_lists


def wants_change(settings: Settings, change: Change) -> bool:
    shown = change.after or change.before
    states = {side.state for side in (change.before, change.after) if side}
    return (
        shown is not None
        and (not settings.notify_kinds or change.kind in settings.notify_kinds)
        and (not settings.notify_states or bool(states & set(settings.notify_states)))
    )
