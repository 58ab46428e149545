"""Whatever a publisher's page brings, in whatever order and under whatever time: the past stays as it was recorded."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from demo.agencies import agencies
from demo.made import Week
from demo.publisher import Publisher
from demo.workbooks import Line, workbook
from pipelines.fetch_runs import fetch_lists
from pipelines.history.publications import ACCEPTED, new_publications
from pipelines.installation import Installation, open_installation
from pipelines.rebuild import derived_beside
from pipelines.record.ingest import SERVED_AGAIN, TOGETHER
from pipelines.run import catch_up, release, replay
from pipelines.tables import changes, intervals
from pipelines.verify import differences, snapshot
from scraper.capture import LIVE, Capture
from scraper.errors import ClockError
from scraper.lists import BUILT_IN
from scraper.settings import Settings

START = datetime(2025, 5, 12, 12, tzinfo=UTC)
LISTS = ("participating", "pending")
AGENCIES = list(agencies())[:40]
# Small lists are plausible here.
SMALL = [
    replace(item, plausible=replace(item.plausible, rows=(1, 20_000)))
    for item in BUILT_IN
    if item.name in LISTS
]
LISTED = {0: AGENCIES[:24], 1: AGENCIES[:26], 2: AGENCIES[2:27], 3: AGENCIES[:9], 4: AGENCIES[20:40]}


@cache
def body(which: int, saved: datetime, list_name: str) -> bytes:
    lines = [Line(agency, "TFM", date(2025, 5, 1)) for agency in LISTED[which]]
    return workbook(lines, saved, signed=list_name == "participating")


@dataclass(frozen=True)
class Event:
    """Hours pass, and a look, a person's replay or a person's verdict comes. `saved` and `changed` are hours before
    the look (negative: a time that is forged ahead; None: nothing is said)."""

    kind: str
    list: str
    which: int
    saved: int
    changed: int | None
    hours: int


EVENTS = st.builds(
    Event,
    kind=st.sampled_from(["look", "look", "look", "look", "replay", "accept", "reject"]),
    list=st.sampled_from(LISTS),
    which=st.sampled_from([*LISTED]),
    saved=st.sampled_from([-30, 0, 1, 2, 25, 50, 100, 400, 5000]),
    changed=st.sampled_from([None, None, -30, 0, 1, 30, 400]),
    hours=st.sampled_from([0, 0, 1, 5, 24, 24, 200]),
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("empty")
    opened(place).engine.dispose()
    return place


def opened(place: Path, at: datetime = START) -> Installation:
    home = Settings(home=place, database_url=f"sqlite:///{place}/countersign.sqlite")
    return replace(open_installation(home, SMALL), now=lambda: at)


def capture(event: Event, at: datetime) -> Capture:
    headers = {}
    if event.changed is not None:
        changed = at - timedelta(hours=event.changed)
        headers = {"last-modified": f"{changed:%a, %d %b %Y %H:%M:%S} GMT"}
    return Capture(event.list, "https://example.org/a.xlsx", at, "fetched", "", 1, "a.xlsx", headers=headers)


def happen(installation: Installation, event: Event, at: datetime, place: Path) -> None:
    saved = (at - timedelta(hours=event.saved)).replace(minute=0)
    made = body(event.which, saved, event.list)
    if event.kind == "look":
        installation.archive.keep(replace(capture(event, at), sha256=installation.archive.put(made)), at)
        catch_up(installation)
    elif event.kind == "replay":
        file = place / "past.xlsx"
        file.write_bytes(made)
        past = replace(capture(event, at - timedelta(hours=max(event.saved, 0))), by="replay")
        replay(installation, [(past, file)])
    else:
        for row in rows(installation):
            if row.state == "held" and row.list == event.list:
                release(installation, row.key, event.kind, "reader", "")
                break


def rows(installation: Installation) -> list[Any]:
    with installation.engine.connect() as connection:
        return list(new_publications(connection, None))


def record(installation: Installation) -> dict[str, dict[Any, Mapping[str, Any]]]:
    with installation.engine.connect() as connection:
        return {
            table.name: {row.id: dict(row._mapping) for row in connection.execute(select(table))}
            for table in (changes, intervals)
        }


def histories(count: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    made = given(events=st.lists(EVENTS, min_size=2, max_size=7))
    checked = settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))
    return lambda test: checked(made(test))


@histories(15)
def test_a_look_changes_nothing_before_the_newest_accepted_list(empty: Path, events: list[Event]) -> None:
    play(empty, events)


@pytest.mark.long
@pytest.mark.timeout(7200)
@histories(2000)
def test_two_thousand_times(empty: Path, events: list[Event]) -> None:
    play(empty, events)


def _same(at: datetime) -> datetime:
    return at


def play(empty: Path, events: list[Event]) -> None:
    """The same history again, and after each look: is the record what it was, but for what came at its end?"""
    with home_like(empty) as place:
        at, installation = START, opened(place)
        for event in events:
            at += timedelta(hours=event.hours)
            installation = replace(installation, now=partial(_same, at))
            before, known = record(installation), {row.key: row for row in rows(installation)}
            happen(installation, event, at, place)
            if event.kind == "look":
                judge(before, known, record(installation), rows(installation), event, at)
        rebuilt_alike(installation)
        installation.engine.dispose()


def judge(
    before: dict[str, dict[Any, Mapping[str, Any]]],
    known: Mapping[str, Any],
    after: dict[str, dict[Any, Mapping[str, Any]]],
    now: list[Any],
    event: Event,
    at: datetime,
) -> None:
    new = [row for row in now if row.key not in known]
    assert len(new) <= 1
    of_list = [row for row in known.values() if row.list == event.list]
    assert all(row.place > old.place for row in new for old in of_list), "it comes last"
    believed = [row for row in new if row.state in ACCEPTED]
    # The sister list's newest may be judged again beside it, if both were seen in one hour.
    recent = {
        row.place for row in known.values() if row.list != event.list and row.captured_at >= at - TOGETHER
    }
    for old in known.values():
        if old.state in ACCEPTED and old.basis != SERVED_AGAIN and old.place not in recent:
            assert next(row.state for row in now if row.key == old.key) == old.state
    first = min(recent, default="~")
    for identifier, row in before["changes"].items():
        if row["list"] == event.list or not believed or row["place"] < first:
            assert after["changes"].get(identifier) == row
    for identifier, row in before["intervals"].items():
        if row["list"] == event.list or not believed or row["from_place"] < first:
            ended = after["intervals"][identifier]["until_place"]
            assert {**after["intervals"][identifier], "until_place": None} == {**row, "until_place": None}
            assert ended == row["until_place"] or (believed and row["until_place"] in (None, *recent))
    if not believed:
        assert after == before, "a held list changes nothing"


def rebuilt_alike(installation: Installation) -> None:
    entries = len(list(installation.archive.entries()))
    with (
        derived_beside(installation, entries) as beside,
        snapshot(installation.settings.database_url) as ours,
        snapshot(beside.settings.database_url) as theirs,
    ):
        assert [f"{one.where}: {one.text}" for one in differences(ours, theirs)] == []


@contextmanager
def home_like(empty: Path) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        place = Path(folder) / "home"
        shutil.copytree(empty, place)
        yield place


def look(
    installation: Installation, which: int, at: datetime, saved: int = 1, changed: int | None = None
) -> Any:
    """One look at the participating list; returns the newest publication."""
    installation = replace(installation, now=lambda: at)
    happen(
        installation, Event("look", "participating", which, saved, changed, 0), at, installation.settings.home
    )
    return rows(installation)[-1]


@pytest.fixture
def installation(empty: Path) -> Iterator[Installation]:
    with home_like(empty) as place:
        made = opened(place)
        yield made
        made.engine.dispose()


DAY = timedelta(days=1)


def test_an_older_file_never_seen_before_is_held_and_says_what_it_is(installation: Installation) -> None:
    look(installation, 0, START)
    look(installation, 1, START + DAY)
    before = record(installation)
    held = look(installation, 2, START + 2 * DAY, saved=40)
    assert held.state == "held"
    assert held.reasons[0]["text"] == (
        "It says it was saved on 2025-05-12 20:00 UTC, older than the list of 2025-05-13 11:00 and never seen before."
    )
    assert record(installation) == before
    release(replace(installation, now=lambda: START + 2 * DAY), held.key, "reject", "reader", "a mistake")
    assert record(installation) == before


def test_an_older_file_that_a_person_accepts_stands_where_it_was_seen(installation: Installation) -> None:
    for day, which in enumerate((0, 1)):
        look(installation, which, START + day * DAY)
    before = record(installation)["changes"]
    held = look(installation, 2, START + 2 * DAY, saved=40)
    then = replace(installation, now=lambda: START + 2 * DAY)
    assert release(then, held.key, "accept", "reader", "they meant it").state == "recorded"
    assert held.published_at == START + 2 * DAY
    after = record(installation)["changes"]
    assert before.items() <= after.items()
    assert len(after) > len(before)


def test_a_server_that_says_an_older_time_is_held_where_the_file_says_none(
    installation: Installation,
) -> None:
    """Forged ahead, the file's own time is no witness; like is compared with like."""
    look(installation, 0, START, saved=-30, changed=2)
    held = look(installation, 1, START + DAY, saved=-30, changed=40)
    assert held.state == "held"
    assert "Its server says it was changed on 2025-05-11 20:00 UTC" in held.reasons[0]["text"]


def test_a_witness_that_never_moved_is_none(installation: Installation) -> None:
    for day, which in enumerate((0, 1)):
        look(installation, which, START + day * DAY, saved=100 + 24 * day)
    assert look(installation, 2, START + 2 * DAY, saved=400).state == "recorded"


def test_what_is_served_again_is_treated_as_ever(installation: Installation) -> None:
    one = body(0, START - timedelta(hours=1), "participating")
    look(installation, 0, START)
    look(installation, 1, START + DAY)
    again = look(installation, 0, START + 2 * DAY, saved=49)
    assert (again.basis, again.state) == (SERVED_AGAIN, "held")
    assert again.sha256 == installation.archive.put(one)
    look(installation, 1, START + 3 * DAY, saved=49)
    assert [row.state for row in rows(installation)] == ["recorded", "recorded", "cleared"]


def test_a_held_list_waits_again_when_what_cleared_it_is_taken_back(installation: Installation) -> None:
    look(installation, 0, START)
    look(installation, 3, START + DAY)
    clears = look(installation, 1, START + 2 * DAY)
    assert [row.state for row in rows(installation)] == ["recorded", "cleared", "recorded"]
    release(replace(installation, now=lambda: START + 2 * DAY), clears.key, "reject", "reader", "a mistake")
    assert [row.state for row in rows(installation)] == ["recorded", "held", "rejected"]
    rebuilt_alike(installation)


def test_a_clock_behind_the_journal_is_told_before_anything_is_written(installation: Installation) -> None:
    look(installation, 0, START)
    entries = len(list(installation.archive.entries()))
    with pytest.raises(ClockError, match="Set the clock right"):
        look(installation, 1, START - DAY)
    assert len(list(installation.archive.entries())) == entries


def test_only_our_own_look_is_live(installation: Installation) -> None:
    """A file of the past that an older journal calls a look goes to its place in the past."""
    look(installation, 0, START)
    look(installation, 2, START + 2 * DAY)
    at = START + 40 * DAY
    old = Event("look", "participating", 1, 1, None, 0)
    made = body(1, START + timedelta(hours=23), "participating")
    installation.archive.keep(
        replace(capture(old, START + DAY), sha256=installation.archive.put(made), by=LIVE), at
    )
    catch_up(replace(installation, now=lambda: at))
    assert [row.captured_at for row in rows(installation)] == [START, START + DAY, START + 2 * DAY]


def test_an_older_file_behind_the_live_link_is_held_by_a_crawl(
    tmp_path: Path, home: Path, publisher: Publisher, published: list[Week]
) -> None:
    """Over real HTTP: a real list of an earlier week, never seen before, is put behind the publisher's link."""
    del home
    at = [published[3].published_at + timedelta(hours=1)]
    installation = replace(
        open_installation(Settings(home=tmp_path / "home"), publisher.lists()), now=lambda: at[0]
    )
    for week in (published[1], published[3]):
        publisher.show_week(week)
        asyncio.run(fetch_lists(installation, [*installation.lists.values()], "person", "test"))
        at[0] += timedelta(hours=1)
    before = record(installation)
    publisher.show(
        "participating", published[2].participating, "agencies.xlsx", published[3].published_at + DAY
    )
    [look] = asyncio.run(fetch_lists(installation, [installation.lists["participating"]], "person", "test"))
    assert (look.outcome, look.exit_code) == ("held", 3)
    assert look.reason.startswith("It says it was saved on ")
    assert record(installation) == before
    at[0] -= 3 * DAY
    with pytest.raises(ClockError):
        asyncio.run(fetch_lists(installation, [installation.lists["participating"]], "person", "test"))
    installation.engine.dispose()
