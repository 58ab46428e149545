"""What is seen to between runs: missed runs, incidents that come with time, the weekly digest, what is owed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import Connection

from pipelines.announce import announce_digest, announce_incident
from pipelines.history.operations import (
    deliverable,
    first_look,
    incident_facts,
    last_looks,
    last_round,
    last_whole_look,
    standing_incidents,
    was_owed,
)
from pipelines.incidents import troubles
from pipelines.installation import Installation, writing
from pipelines.record.notices import settle_incidents
from pipelines.record.runs import Ended
from scraper.cadence import is_due
from scraper.lists import Cadence, PublishedList

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DIGEST_AT = time(13, tzinfo=UTC)  # nine in the morning in the east, when summer time holds
WEEK = timedelta(days=7)
# Lists are fetched on the hour; this is well after it, and the jitter keeps it well before the next one.
DOCUMENTS_CADENCE = Cadence(("20 */2 * * *",), jitter_seconds=900)
AT_ONE_TICK = 500  # lists: what takes a second of the only writer's time


def due_lists(installation: Installation, grace: timedelta, tick: timedelta) -> list[PublishedList]:
    """The lists whose run was missed. With a `grace`, a job may still see to it, jitter and all."""
    now = installation.now()
    with installation.engine.connect() as connection:
        looked = last_looks(connection, installation.lists)
    found = []
    for name, declaration in installation.lists.items():
        waited = grace + tick + timedelta(seconds=declaration.cadence.jitter_seconds) if grace else grace
        if is_due(declaration.cadence, looked[name], now, waited):
            found.append(declaration)
    return found


def still_due(connection: Connection, lists: Sequence[PublishedList], now: datetime) -> list[PublishedList]:
    """Those of which no run began, and came to an end, since they were due: another clock or worker may have
    been there first, and one that died or was stopped in the middle has done nothing."""
    return [item for item in lists if is_due(item.cadence, last_whole_look(connection, item.name), now)]


def maintain(installation: Installation, lists: Iterable[PublishedList] | None = None) -> None:
    """Open, remind of and close incidents that come with time alone, of these lists or of all; owe the digest
    once its day has come."""
    with writing(installation) as connection:
        for declaration in installation.lists.values() if lists is None else lists:
            assess(installation, connection, declaration)
        for name, text in installation.wrong_lists.items():
            notices = settle_incidents(
                connection, name, {"failing": text}, again=False, now=installation.now()
            )
            for incident, event, number in notices:
                announce_incident(installation, connection, incident, event, number)
        week = digest_due(installation.now(), installation.settings.digest_day)
        if week is not None:
            name, begin = week
            first = first_look(connection)
            if first is not None and first < begin + WEEK and not was_owed(connection, f"digest/{name}"):
                announce_digest(installation, connection, name)


def anything_owed(installation: Installation) -> bool:
    """Is there a notice that can be delivered now?"""
    with installation.engine.connect() as connection:
        return bool(deliverable(connection, installation.now()))


def anything_to_report(installation: Installation) -> bool:
    """Is there a notice to be delivered after runs, or somebody who waits for a ping?"""
    return bool(installation.settings.ping_url) or anything_owed(installation)


def due_for_documents(installation: Installation) -> list[PublishedList]:
    """The lists whose documents are to be asked for now."""
    with installation.engine.connect() as connection:
        before = {
            name: last_round(connection, name) for name, item in installation.lists.items() if item.documents
        }
    return [
        installation.lists[name]
        for name, run in before.items()
        if is_due(DOCUMENTS_CADENCE, run.started_at if run else None, installation.now())
    ]


class Portions:
    """Which lists come with which tick. Of few lists all; ten thousand have all come after twenty ticks."""

    def __init__(self) -> None:
        self._begun = 0

    def next(self, lists: Sequence[PublishedList]) -> Sequence[PublishedList]:
        begun = self._begun if self._begun < len(lists) else 0
        self._begun = begun + AT_ONE_TICK
        return lists[begun : self._begun]


def digest_due(now: datetime, day: str) -> tuple[str, datetime] | None:
    """The last whole week, by name and first moment, once its digest's day and hour have come."""
    if day == "off":
        return None
    today = now.astimezone(UTC).date()
    monday = today - timedelta(days=today.weekday())
    if now < datetime.combine(monday + timedelta(days=DAYS.index(day)), DIGEST_AT):
        return None
    begin = datetime.combine(monday - WEEK, time(), UTC)
    return f"{begin:%G-W%V}", begin


def assess(
    installation: Installation, connection: Connection, declaration: PublishedList, ended: Ended | None = None
) -> None:
    """Open, count and close the list's incidents, after a look (or, without one, as time goes by)."""
    name, now = declaration.name, installation.now()
    facts = incident_facts(connection, name, ended.outcome if ended else None, ended.reason if ended else "")
    found = troubles(declaration, facts, standing_incidents(connection, name), now)
    for incident, event, number in settle_incidents(
        connection, name, found, again=ended is not None, now=now
    ):
        announce_incident(installation, connection, incident, event, number)
