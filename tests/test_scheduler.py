"""The clock under a time of our own: a year in seconds, with real jobs, real triggers and real runs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from pipelines.installation import Installation, open_installation, writing
from pipelines.record.runs import Ended, end_run, note_look, start_run
from pipelines.tables import runs, ticks
from scheduler import Clock
from scraper.errors import DatabaseError
from scraper.lists import PARTICIPATING, PENDING, Cadence, PublishedList
from scraper.settings import Settings
from tests.fake_time import live

EASTERN = ZoneInfo("America/New_York")
NIGHTLY = replace(PENDING, cadence=Cadence(("30 1 * * *", "30 2 * * *"), "America/New_York", 60))
DAY = timedelta(days=1)


class Record:
    """Looks that only write the record: what they find is no matter here."""

    def __init__(self, home: Path, lists: Sequence[PublishedList]) -> None:
        self.installation: Installation = open_installation(Settings(home=home), lists)

    async def look(self, installation: Installation, lists: Sequence[PublishedList], trigger: str) -> None:
        now = installation.now()
        with writing(installation) as connection:
            for item in lists:
                run_id = uuid4().hex
                start_run(connection, run_id, item.name, trigger, "test", "test", now)
                end_run(connection, run_id, item.name, Ended("unchanged"), now)
                note_look(connection, item.name, "unchanged", now)

    def looks(self, name: str, *triggers: str) -> list[datetime]:
        query = select(runs.c.started_at).where(runs.c.list == name).order_by(runs.c.started_at)
        if triggers:
            query = query.where(runs.c.trigger.in_(triggers))
        with self.installation.engine.connect() as connection:
            return list(connection.execute(query).scalars())

    async def up(self, until: datetime, every: timedelta = DAY / 2) -> None:
        """A process that lives until a moment, and ends as SIGTERM ends it."""
        clock = Clock(self.installation, self.look, every)
        running = asyncio.ensure_future(clock.run())
        await asyncio.sleep((until - datetime.now(UTC)).total_seconds())
        clock.stop()
        await running

    async def through_a_jump(self, by: timedelta, then: timedelta) -> None:
        """Two hours of a process, a jump of the machine's time that it does not sleep through, and some more."""
        clock = Clock(self.installation, self.look, timedelta(minutes=1))
        running = asyncio.ensure_future(clock.run())
        await asyncio.sleep(2 * 3600)
        asyncio.get_running_loop()._traveller.shift(by)  # type: ignore[attr-defined]
        await asyncio.sleep(then.total_seconds())
        clock.stop()
        await running


def hours(begin: datetime, end: datetime) -> Iterable[datetime]:
    while begin < end:
        yield begin
        begin += timedelta(hours=1)


def ice_dues(begin: datetime, end: datetime) -> list[datetime]:
    """The cadence in other words, hour by hour in Eastern time."""
    found = []
    for hour in hours(begin, end):
        local = hour.astimezone(EASTERN)
        if local.hour in (10, 18) if local.weekday() >= 5 else 9 <= local.hour <= 20:
            found.append(hour)
    return found


@pytest.mark.long
def test_a_year_of_two_lists_is_looked_at_exactly_as_often_as_the_cadence_says(tmp_path: Path) -> None:
    record = Record(tmp_path, [PARTICIPATING, NIGHTLY])
    begin = datetime(2025, 1, 1, 5, tzinfo=UTC)  # midnight in the east
    end = datetime(2026, 1, 1, 5, tzinfo=UTC)
    live(begin, lambda: record.up(end))
    ice = ice_dues(begin, end)
    found = record.looks("participating", "clock")
    assert len(found) == len(ice)
    jitter = timedelta(seconds=PARTICIPATING.cadence.jitter_seconds + 1)
    assert all(due <= look <= due + jitter for due, look in zip(ice, found, strict=True))
    by_month = Counter(look.astimezone(EASTERN).month for look in found)
    assert by_month == Counter(due.astimezone(EASTERN).month for due in ice)
    # Twice a night, on the nights of the changes too, when 2:30 does not exist and 1:30 comes twice.
    nights = Counter(look.astimezone(EASTERN).date() for look in record.looks("pending", "clock"))
    assert len(nights) == 365
    assert set(nights.values()) == {2}
    # Nobody had looked before the first start, which is made up for; nothing was ever missed after that.
    assert record.looks("participating", "make-up") == [begin]
    assert record.looks("pending", "make-up") == [begin]


@pytest.mark.long
def test_each_of_three_outages_makes_one_make_up_look(tmp_path: Path) -> None:
    record = Record(tmp_path, [PARTICIPATING, NIGHTLY])
    monday = datetime(2025, 3, 3, 5, tzinfo=UTC)
    # The second one is over the change to summer time, the third is short but holds a due moment.
    outages = [
        (monday + timedelta(hours=33, minutes=30), monday + timedelta(days=3, hours=12, minutes=20)),
        (monday + timedelta(days=5), monday + timedelta(days=8, hours=14, minutes=10)),
        (monday + timedelta(days=9, hours=13, minutes=50), monday + timedelta(days=9, hours=14, minutes=7)),
    ]
    end = monday + timedelta(days=12)

    async def life() -> None:
        for begin, again in outages:
            await record.up(begin, timedelta(minutes=20))
            await asyncio.sleep((again - datetime.now(UTC)).total_seconds())
        await record.up(end, timedelta(minutes=20))

    live(monday, life)
    starts = [again for _, again in outages]
    assert record.looks("participating", "make-up") == [monday, *starts]
    assert record.looks("pending", "make-up") == [
        monday,
        *starts[:2],
    ]  # nothing was due at night in the third
    awake = [due for due in ice_dues(monday, end) if not any(b <= due < a for b, a in outages)]
    assert len(record.looks("participating", "clock")) == len(awake)


def test_a_machine_that_sleeps_makes_one_make_up_look(tmp_path: Path) -> None:
    record = Record(tmp_path, [PARTICIPATING])
    monday = datetime(2025, 5, 12, 12, 30, tzinfo=UTC)

    live(monday, lambda: record.through_a_jump(timedelta(hours=3, minutes=20), then=timedelta(minutes=30)))
    # By the clock 13:00, 14:00 and 18:00; asleep from 14:30 to 17:50, so that 15:00 to 17:00 are one look.
    assert len(record.looks("participating", "clock")) == 3
    [_first, made_up] = record.looks("participating", "make-up")
    assert monday + timedelta(hours=5, minutes=20) <= made_up <= monday + timedelta(hours=5, minutes=22)


def test_time_set_back_does_not_silence_the_clock(tmp_path: Path) -> None:
    record = Record(tmp_path, [PARTICIPATING])
    monday = datetime(2025, 5, 12, 16, 30, tzinfo=UTC)

    live(monday, lambda: record.through_a_jump(timedelta(hours=-3), then=timedelta(hours=2)))
    again = [look for look in record.looks("participating", "clock") if look < monday + timedelta(hours=1)]
    assert len(again) >= 2  # 16:00 and 17:00 once more, by the time as it is now


def test_an_orderly_end_takes_the_tick_away(tmp_path: Path) -> None:
    record = Record(tmp_path, [PARTICIPATING])
    monday = datetime(2025, 5, 12, 12, 30, tzinfo=UTC)
    seen: list[int] = []

    async def life() -> None:
        running = asyncio.ensure_future(record.up(monday + timedelta(minutes=10), timedelta(minutes=1)))
        await asyncio.sleep(300)
        with record.installation.engine.connect() as connection:
            seen.append(len(connection.execute(select(ticks)).all()))
        await running
        with record.installation.engine.connect() as connection:
            seen.append(len(connection.execute(select(ticks)).all()))

    live(monday, life)
    assert seen == [1, 0]


class Breaking(Record):
    """Loses the database in the middle of the first look that the clock's own hour asks for."""

    broke_at: datetime | None = None

    async def look(self, installation: Installation, lists: Sequence[PublishedList], trigger: str) -> None:
        if trigger != "clock" or self.broke_at:
            return await super().look(installation, lists, trigger)
        self.broke_at = installation.now()
        with writing(installation) as connection:
            start_run(connection, "broken", lists[0].name, trigger, "test", "test", self.broke_at)
            end_run(connection, "broken", lists[0].name, Ended("died"), self.broke_at)
        raise DatabaseError


def test_a_look_that_a_lost_database_broke_off_is_made_up_at_the_next_tick(tmp_path: Path) -> None:
    record = Breaking(tmp_path, [PARTICIPATING])
    monday = datetime(2025, 5, 12, 12, 30, tzinfo=UTC)

    live(monday, lambda: record.up(monday + timedelta(minutes=50), timedelta(minutes=1)))
    [_first, made_up] = record.looks("participating", "make-up")
    assert record.broke_at
    assert timedelta() < made_up - record.broke_at <= timedelta(minutes=1, seconds=1)
