"""What the clock minds between looks: missed looks, incidents that come with time, the weekly digest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta

from pipelines.announce import announce_digest, announce_incident
from pipelines.history.looks import first_look, last_looks
from pipelines.history.outbox import was_owed
from pipelines.house import House, writing
from pipelines.looks.watch import assess
from pipelines.record.incidents import settle_incidents
from scraper.cadence import is_due
from scraper.lists import PublishedList

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DIGEST_AT = time(13, tzinfo=UTC)  # nine in the morning in the east, when summer time holds
WEEK = timedelta(days=7)
AT_ONE_TICK = 500  # lists: what takes a second of the only writer's time


def due_lists(house: House, grace: timedelta, tick: timedelta) -> list[PublishedList]:
    """The lists at which a look was missed. With a `grace`, a job may still see to it, jitter and all."""
    now = house.now()
    with house.engine.connect() as connection:
        looked = last_looks(connection, house.lists)
    found = []
    for name, declaration in house.lists.items():
        waited = grace + tick + timedelta(seconds=declaration.cadence.jitter_seconds) if grace else grace
        if is_due(declaration.cadence, looked[name], now, waited):
            found.append(declaration)
    return found


def keep_watch(house: House, lists: Iterable[PublishedList] | None = None) -> None:
    """Open, remind of and close incidents that come with time alone, of these lists or of all; owe the digest
    once its day has come."""
    with writing(house) as connection:
        for declaration in house.lists.values() if lists is None else lists:
            assess(house, connection, declaration)
        for name, text in house.wrong_lists.items():
            notices = settle_incidents(connection, name, {"failing": text}, again=False, now=house.now())
            for incident, event, number in notices:
                announce_incident(house, connection, incident, event, number)
        week = digest_due(house.now(), house.settings.digest_day)
        if week is not None:
            name, begin = week
            first = first_look(connection)
            if first is not None and first < begin + WEEK and not was_owed(connection, f"digest/{name}"):
                announce_digest(house, connection, name)


class Turns:
    """Which lists come with which tick. Of few lists all; ten thousand have had their turn after twenty ticks."""

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
