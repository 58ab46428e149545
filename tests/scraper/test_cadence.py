"""When a list is due, counted another way: hour by hour, and against cronsim where no clock changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import given, settings
from hypothesis import strategies as st

from scraper.cadence import is_due, is_overdue, last_due, next_due
from scraper.errors import ListError
from scraper.list_entry import CadenceEntry
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
def test_it_agrees_with_cronsim(fields: tuple[str, ...], begin: datetime) -> None:
    cron, moment = " ".join(fields), begin.replace(tzinfo=UTC, microsecond=0)
    try:
        theirs = CronSim(cron, moment)
    except CronSimError:
        assert next_due(Cadence((cron,)), moment) is None
        return
    for _ in range(3):
        expected = next(theirs)
        assert next_due(Cadence((cron,)), moment) == expected
        moment = expected
    assert last_due(Cadence((cron,)), moment) == moment
    before = last_due(Cadence((cron,)), moment - timedelta(seconds=1))
    assert before == next(CronSim(cron, moment, reverse=True))


ZONES = ("America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca")
# Minutes, hours and, by isoweekday, days.
WALKED = {
    "30 1 * * *": ({30}, {1}, set(range(8))),
    "15,45 2,3 * * *": ({15, 45}, {2, 3}, set(range(8))),
    "0 0 * * 0": ({0}, {0}, {7}),
    "*/30 * * * 7": ({0, 30}, set(range(24)), {7}),
    "45 */3 * * sat,sun": ({45}, {0, 3, 6, 9, 12, 15, 18, 21}, {6, 7}),
}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", WALKED)
def test_a_year_walked_through_quarter_by_quarter(zone: str, cron: str) -> None:
    """Wall clocks are read every quarter of an hour. An expression that names its hours is due the first time that
    a doubled hour comes, and what falls into a gap is moved behind it by as much as it stood in it."""
    minutes, hours, days = WALKED[cron]
    follows, local = cron.split()[1].startswith("*"), ZoneInfo(zone)
    expected, seen = set(), set()
    moment, wall = YEAR[0] - timedelta(days=1), None
    while moment < YEAR[1] + timedelta(days=1):
        now = moment.astimezone(local).replace(tzinfo=None)
        skipped = now - wall - timedelta(minutes=15) if wall else timedelta()
        for shift in (timedelta(), *([skipped] if skipped > timedelta() and not follows else [])):
            for behind in range(int(skipped / timedelta(minutes=15)) if shift else 1):
                told = now - shift + behind * timedelta(minutes=15)
                if told.minute in minutes and told.hour in hours and told.isoweekday() in days:
                    if follows or told not in seen:
                        expected.add(moment + behind * timedelta(minutes=15))
                    seen.add(told)
        moment, wall = moment + timedelta(minutes=15), now
    within = sorted(due for due in expected if YEAR[0] < due < YEAR[1])
    assert list(dues(Cadence((cron,), zone), *YEAR)) == within
    backwards, at = [], within[-1]
    while at > YEAR[0]:
        backwards.append(at)
        found = last_due(Cadence((cron,), zone), at - timedelta(microseconds=1))
        assert found is not None
        at = found
    assert backwards[::-1] == within


def test_an_interval_is_anchored_so_that_nothing_need_be_stored() -> None:
    every = Cadence(("every 45 minutes",))
    assert next_due(every, datetime(2025, 5, 12, 14, 30, tzinfo=UTC)) == datetime(2025, 5, 12, 15, tzinfo=UTC)
    assert last_due(every, datetime(2025, 5, 12, 14, 30, tzinfo=UTC)) == datetime(
        2025, 5, 12, 14, 15, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "0 9 * *",
        "60 * * * *",
        "* * * * 8",
        "5-1 * * * *",
        "* * * * L",
        "a b c d e",
        "0 9 * * fri-mon",
        "0 22-2 * * *",
        "0 0 L * *",
        "0 9 * * 1#2",
        "*/0 * * * *",
        "0 9 * * * *",
        "@reboot",
        "every 99999999 days",
    ],
)
def test_what_is_no_cadence_is_refused_with_advice_by_whoever_asks(cron: str) -> None:
    with pytest.raises(ListError, match="is no cadence"):
        next_due(Cadence((cron,)), YEAR[0])
    with pytest.raises(ValueError, match="is no cadence"):
        CadenceEntry(crons=(cron,))


def test_a_weekday_or_a_day_of_the_month_is_enough_when_both_are_given() -> None:
    either = dues(Cadence(("0 0 13 * fri",)), *YEAR)
    assert {(due.day == 13, due.isoweekday() == 5) for due in either} == {
        (True, True),
        (True, False),
        (False, True),
    }


def test_an_interval_of_zero_and_names_of_any_case_are_read() -> None:
    assert next_due(Cadence(("@DAILY",)), YEAR[0]) == YEAR[0] + timedelta(days=1)
    assert next_due(Cadence(("0 0 * JAN SUN",)), YEAR[0]) == datetime(2025, 1, 5, tzinfo=UTC)
    assert next_due(Cadence(("every 0 hours",)), YEAR[0]) == YEAR[0] + timedelta(hours=1)


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
