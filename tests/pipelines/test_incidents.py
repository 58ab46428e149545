"""Incidents: opened once, counted, spoken of at growing intervals, closed with how long they lasted."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from demo.made import Week
from demo.publisher import Publisher
from demo.rudeness import answering
from pipelines.fetch_runs import fetch_lists
from pipelines.history.operations import open_incidents, recent_incidents
from pipelines.incidents import Facts, notice_due, troubles
from pipelines.installation import Installation, open_installation
from pipelines.maintenance import maintain
from pipelines.tables import outbox
from scraper.lists import PARTICIPATING, Cadence
from scraper.settings import Settings

MONDAY = datetime(2025, 10, 6, 13, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECRET = SecretStr("of these tests alone")


class Desk:
    """An installation that owes its notices to one webhook, and a time of its own."""

    def __init__(self, home: Path, publisher: Publisher) -> None:
        settings = Settings(home=home, webhook_url="http://127.0.0.1:9/", webhook_secret=SECRET, retries=0)
        self.at = MONDAY
        hourly = Cadence(("0 * * * *",), jitter_seconds=0)
        lists = [replace(item, cadence=hourly) for item in publisher.lists()]
        self.installation: Installation = replace(open_installation(settings, lists), now=lambda: self.at)

    def look(self, name: str = "participating") -> str:
        [look] = asyncio.run(fetch_lists(self.installation, [self.installation.lists[name]], "clock", "test"))
        return look.outcome

    def owed(self) -> list[dict[str, Any]]:
        with self.installation.engine.connect() as connection:
            rows = connection.execute(select(outbox.c.payload).order_by(outbox.c.id)).scalars()
            return [payload for payload in rows if payload["kind"] == "incident"]

    def open_kinds(self) -> list[str]:
        with self.installation.engine.connect() as connection:
            return [row.kind for row in open_incidents(connection)]


@pytest.fixture
def show(publisher: Publisher, published: list[Week]) -> Publisher:
    week = published[0]
    publisher.show_week(week)
    return publisher


@pytest.fixture
def desk(tmp_path: Path, home: Path, show: Publisher) -> Desk:
    return Desk(tmp_path / "desk", show)


def test_two_days_of_failure_every_hour_are_told_four_times_or_fewer(desk: Desk, show: Publisher) -> None:
    assert desk.look() == "recorded"
    show.be_rude("page", answering(503))
    for _ in range(48):
        desk.at += HOUR
        assert desk.look() == "failed"
        maintain(desk.installation)
    show.be_kind()
    desk.at += HOUR
    assert desk.look() == "unchanged"
    told = desk.owed()
    assert {notice["incident"] for notice in told} == {"failing"}
    events = Counter(notice["event"] for notice in told)
    assert events["opened"] == 1
    assert 1 <= events["reminder"] <= 3
    assert events["closed"] == 1
    [incident] = _all(desk)
    assert incident.repeats == 48
    assert incident.closed_at - incident.opened_at == timedelta(hours=48)
    assert "503" in incident.text
    assert desk.open_kinds() == []


def _all(desk: Desk) -> list[Any]:
    with desk.installation.engine.connect() as connection:
        return list(recent_incidents(connection))


def test_a_list_that_left_its_page_is_absent_and_not_failing(desk: Desk, show: Publisher) -> None:
    desk.look("pending")
    show.hide("pending")
    desk.at += HOUR
    assert desk.look("pending") == "absent"
    assert desk.open_kinds() == ["absent"]
    show.be_rude("page", answering(503))
    desk.at += HOUR
    desk.look("pending")
    assert sorted(desk.open_kinds()) == ["absent", "failing"]  # nobody knows whether it is back


def test_a_list_that_is_held_opens_an_incident_until_one_is_believed(
    desk: Desk, show: Publisher, published: list[Week]
) -> None:
    desk.look()
    week = published[1]
    later = week.published_at + timedelta(hours=1)
    # The pending list behind the link of the other one.
    show.show("participating", week.pending, week.participating_name, later)
    desk.at += HOUR
    assert desk.look() == "held"
    assert desk.open_kinds() == ["held"]
    show.show("participating", week.participating, "again.xlsx", later + HOUR)
    desk.at += HOUR
    assert desk.look() == "recorded"
    assert desk.open_kinds() == []
    assert [notice["event"] for notice in desk.owed()] == ["opened", "closed"]


def test_a_process_that_was_away_says_so(desk: Desk) -> None:
    desk.look()
    desk.look("pending")
    desk.at += timedelta(hours=9)
    maintain(desk.installation)
    assert desk.open_kinds() == ["overdue", "overdue"]
    desk.look()
    assert desk.open_kinds() == ["overdue"]


def test_a_list_that_fails_and_recovers_by_turns_is_not_news_each_time(desk: Desk, show: Publisher) -> None:
    desk.look()
    for _ in range(24):
        show.be_rude("page", answering(503))
        desk.at += HOUR
        desk.look()
        show.be_kind()
        desk.at += HOUR
        desk.look()
    assert len(desk.owed()) <= 8
    assert len(_all(desk)) == 1


def _silent(last: datetime, now: datetime, pauses: list[int]) -> bool:
    published = [last]
    for days in pauses:
        published.insert(0, published[0] - timedelta(days=days))
    facts = Facts("unchanged", "", [], now, published)
    return "silent" in troubles(PARTICIPATING, facts, {}, now)


def test_silence_is_judged_by_the_lists_own_history() -> None:
    now = datetime(2025, 8, 1, 18, tzinfo=UTC)
    pauses = [1, 3, 2, 7, 1, 1, 4, 2, 3, 5] * 3  # never more than a week
    assert not _silent(now - timedelta(days=10), now, pauses)
    assert _silent(now - timedelta(days=11), now, pauses)
    assert not _silent(now - timedelta(days=40), now, [*pauses, 28])  # it has been silent for a month before
    assert not _silent(now - timedelta(days=400), now, pauses[:10])  # too short a history to tell


def test_reminders_grow_rarer() -> None:
    at, told, notices, noticed, found = MONDAY, None, 0, None, []
    for hour in range(24 * 120):
        now = at + timedelta(hours=hour)
        event = notice_due(told, noticed, notices, closed=False, now=now)
        if event:
            told, noticed, notices = "open", now, notices + 1
            found.append(hour)
    gaps = [later - earlier for earlier, later in pairwise(found)]
    assert gaps[:6] == [6, 24, 72, 168, 336, 672]
    assert set(gaps[6:]) == {672}


def test_what_closes_before_anybody_was_told_needs_no_word() -> None:
    assert notice_due(None, None, 0, closed=True, now=MONDAY) is None
