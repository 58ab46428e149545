"""When a list is due, counted another way: hour by hour, and against croniter where no clock changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from croniter import CroniterBadDateError, croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.cadence import is_due, is_overdue, last_due, next_due
from scraper.errors import ListError
from scraper.lists import ICE_CADENCE, Cadence

YEAR = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
NEW_YORK = "America/New_York"


def dues(cadence: Cadence, begin: datetime, end: datetime) -> Iterator[datetime]:
    moment = next_due(cadence, begin)
    while moment is not None and moment < end:
        yield moment
        moment = next_due(cadence, moment)


def test_ice_is_looked_at_hourly_by_day_and_twice_at_weekends_in_eastern_time() -> None:
    zone, hour, expected = ZoneInfo(NEW_YORK), YEAR[0], []
    while hour < YEAR[1]:
        local = hour.astimezone(zone)
        weekend = local.weekday() >= 5
        if hour > YEAR[0] and (local.hour in (10, 18) if weekend else 9 <= local.hour <= 20):
            expected.append(hour)
        hour += timedelta(hours=1)
    assert list(dues(ICE_CADENCE, *YEAR)) == expected


@pytest.mark.parametrize(
    ("cron", "spring", "autumn"),
    [
        ("30 1 * * *", ["06:30"], ["05:30"]),  # in the doubled hour: once
        ("30 2 * * *", ["07:30"], ["07:30"]),  # in the hour left out: behind it
        ("0 */6 * * *", ["05:00", "10:00", "16:00", "22:00"], ["04:00", "11:00", "17:00", "23:00"]),
    ],
)
def test_a_named_hour_is_due_once_whatever_the_clocks_do(
    cron: str, spring: list[str], autumn: list[str]
) -> None:
    for day, expected in (("2025-03-09T04:01", spring), ("2025-11-02T03:01", autumn)):
        begin = datetime.fromisoformat(day).replace(tzinfo=UTC)
        found = dues(Cadence((cron,), NEW_YORK), begin, begin + timedelta(hours=22))
        assert [f"{moment:%H:%M}" for moment in found] == expected


def test_an_hourly_cadence_follows_real_time_through_both_changes() -> None:
    for day in (datetime(2025, 3, 9, tzinfo=UTC), datetime(2025, 11, 2, tzinfo=UTC)):
        found = list(dues(Cadence(("0 * * * *",), NEW_YORK), day, day + timedelta(days=1)))
        assert found == [day + timedelta(hours=hour) for hour in range(1, 24)]


_FIELDS = st.tuples(
    st.sampled_from(["0", "*/20", "5,50", "*", "10-12", "30/10"]),
    st.sampled_from(["*", "9-20", "*/7", "0", "23", "3,4"]),
    st.sampled_from(["*", "1", "31", "1-7", "29"]),
    st.sampled_from(["*", "2", "jan-mar", "*/5", "12"]),
    st.sampled_from(["*", "0", "7", "mon-fri", "1-5", "sat,sun", "2"]),
)


@settings(deadline=None, max_examples=150)
@given(fields=_FIELDS, begin=st.datetimes(datetime(2023, 1, 1), datetime(2030, 1, 1)))  # noqa: DTZ001
def test_it_agrees_with_croniter(fields: tuple[str, ...], begin: datetime) -> None:
    cron, moment = " ".join(fields), begin.replace(tzinfo=UTC, microsecond=0)
    theirs = croniter(cron, moment, max_years_between_matches=9)
    for _ in range(3):
        try:
            expected = theirs.get_next(datetime)
        except CroniterBadDateError:
            assert next_due(Cadence((cron,)), moment) is None
            return
        found = next_due(Cadence((cron,)), moment)
        assert found == expected
        moment = expected
    assert last_due(Cadence((cron,)), moment) == moment
    before = last_due(Cadence((cron,)), moment - timedelta(seconds=1))
    assert before == croniter(cron, moment, max_years_between_matches=9).get_prev(datetime)


def test_an_interval_is_anchored_so_that_nothing_need_be_stored() -> None:
    every = Cadence(("every 45 minutes",))
    assert next_due(every, datetime(2025, 5, 12, 14, 30, tzinfo=UTC)) == datetime(2025, 5, 12, 15, tzinfo=UTC)
    assert last_due(every, datetime(2025, 5, 12, 14, 30, tzinfo=UTC)) == datetime(
        2025, 5, 12, 14, 15, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "cron", ["", "0 9 * *", "60 * * * *", "* * * * 8", "5-1 * * * *", "* * * * L", "a b c d e"]
)
def test_what_is_no_cadence_is_refused_with_advice(cron: str) -> None:
    with pytest.raises(ListError, match="is no cadence"):
        next_due(Cadence((cron,)), YEAR[0])


def test_a_date_that_never_comes_is_never_due() -> None:
    assert next_due(Cadence(("0 0 30 2 *",)), YEAR[0]) is None


def test_a_list_is_overdue_only_after_a_second_missed_hour() -> None:
    hourly = Cadence(("0 * * * *",), jitter_seconds=0)
    seen = datetime(2025, 5, 12, 9, 0, 5, tzinfo=UTC)
    assert not is_overdue(hourly, seen, datetime(2025, 5, 12, 11, 29, tzinfo=UTC))
    assert is_overdue(hourly, seen, datetime(2025, 5, 12, 11, 31, tzinfo=UTC))
    assert is_overdue(hourly, None, seen)


def test_a_look_from_a_clock_that_ran_ahead_does_not_count() -> None:
    now = datetime(2025, 5, 12, 9, 30, tzinfo=UTC)
    assert is_due(Cadence(("0 * * * *",)), now + timedelta(days=1), now)
