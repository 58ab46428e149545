"""Documents without anybody's asking: rounds of the clock, recorded like looks, beside the looks at the list."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select

from changelog.status import status_json
from countersign import run
from demo.agencies import Agency
from demo.publisher import Publisher
from demo.workbooks import Line, workbook
from pipelines.documents.fetch import REFUSED_IN_A_ROW, DocumentResult, fetch_due_documents
from pipelines.fetch_runs import fetch_lists
from pipelines.history.operations import DOCUMENTS, last_looks
from pipelines.installation import Installation, open_installation, writing
from pipelines.record.runs import give_lease_back, take_lease
from pipelines.tables import leases, runs
from scheduler import Clock, once
from scraper.lists import PARTICIPATING, PublishedList
from scraper.settings import Settings
from tests.fake_time import live
from tests.pipelines.documents.test_fetch import Played, agreed


def round_of(played: Played, hours: int = 0) -> list[DocumentResult]:
    """What the clock does, `hours` after the last time."""
    played.at += timedelta(hours=hours)
    played.publisher.forget()
    return asyncio.run(
        fetch_due_documents(played.installation, list(played.installation.lists.values()), "the clock")
    )


def made(installation: Installation) -> Sequence[Row[Any]]:
    with installation.engine.connect() as connection:
        return connection.execute(select(runs).where(runs.c.trigger == DOCUMENTS).order_by(runs.c.id)).all()


def test_a_new_document_comes_with_the_next_round_and_a_replaced_one_amends_its_agreement(
    few: Played, capsys: pytest.CaptureFixture[str]
) -> None:
    [first] = round_of(few)
    assert first.posted == 12
    # The list gains an agreement; its document comes with the next run, which asks for nothing else.
    path = "/doclib/moa/town99.pdf"
    few.publisher.serve(path, agreed(99), "application/pdf")
    lines = [
        Line(Agency("GEORGIA", f"Town {n} Police Department", "Municipal", "Dooly"), "TFM",
             date(2025, 4, 1 + n % 28), f"{few.publisher.url}/doclib/moa/town{n}.pdf")
        for n in (*range(12), 99)
    ]  # fmt: skip
    few.at += timedelta(hours=2)
    few.publisher.show("participating", workbook(lines, few.at, signed=True), "participating.xlsx", few.at)
    asyncio.run(fetch_lists(few.installation, [few.declaration], "clock", "the clock"))
    [second] = round_of(few, hours=1)
    assert (second.posted, [asked.path for asked in few.asked()]) == (1, [path])
    few.replace(7)
    [third] = round_of(few, hours=22)
    assert (third.replaced, third.unchanged) == (1, 12)
    assert run(["agency", "Town 7", "--format", "json"]) == 0
    [event] = [
        event
        for event in json.loads(capsys.readouterr().out)[0]["document_events"]
        if event["event"] == "replaced"
    ]
    assert event["previous_sha256"] != event["sha256"]
    assert event["agreements"][0]["agency"] == "Town 7 Police Department"
    assert [(one.outcome, one.counts, one.by) for one in made(few.installation)] == [
        ("recorded", {"posted": 12}, "the clock"),
        ("recorded", {"posted": 1}, "the clock"),
        ("recorded", {"replaced": 1}, "the clock"),
    ]
    told = status_json(few.installation)["lists"][0]
    assert told["documents"] == {
        "began": "2025-06-03T16:00:00Z", "outcome": "recorded", "reason": "", "counts": {"replaced": 1},
    }  # fmt: skip


def test_nothing_is_asked_for_when_it_is_switched_off(few: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    few.installation.lists["participating"] = replace(few.declaration, documents=False)
    assert round_of(few) == []
    few.installation.lists["participating"] = replace(few.declaration, documents=True)
    none = few.installation.settings.model_copy(update={"documents_per_round": 0})
    few.installation, before = replace(few.installation, settings=none), few.installation
    assert round_of(few) == []
    assert few.asked() == []
    few.installation = before
    assert round_of(few) != []


def test_a_document_that_cannot_be_had_fails_neither_the_round_nor_the_list(few: Played) -> None:
    few.publisher.serve("/doclib/moa/town4.pdf", b"<html><title>Access denied</title></html>", "text/html")
    [told] = round_of(few)
    assert (told.posted, told.refused) == (11, 1)
    [recorded] = made(few.installation)
    assert (recorded.outcome, recorded.exit_code, recorded.reason) == ("recorded", 0, "1 could not be had.")
    told_of = status_json(few.installation)["lists"][0]
    assert (told_of["outcome"], told_of["overdue"], told_of["incidents"]) == ("recorded", False, [])
    with few.installation.engine.connect() as connection:
        looked = last_looks(connection, ["participating"])
        assert looked == {"participating": datetime(2025, 6, 2, 15, tzinfo=UTC)}


def test_a_publisher_in_trouble_is_left_alone_until_the_next_round(publisher: Publisher, home: Path) -> None:
    played = Played(publisher, 30)
    for number in range(30):
        publisher.serve(f"/doclib/moa/town{number}.pdf", b"<html><title>Busy</title></html>", "text/html")
    [told] = round_of(played)
    assert REFUSED_IN_A_ROW <= told.refused < 30  # some more were on their way
    assert told.waiting == 30 - told.asked
    [recorded] = made(played.installation)
    assert (recorded.outcome, recorded.exit_code) == ("failed", 4)
    assert recorded.reason.startswith("10 documents in a row could not be had")
    assert status_json(played.installation)["lists"][0]["incidents"] == []
    for number in range(30):
        publisher.serve(f"/doclib/moa/town{number}.pdf", agreed(number), "application/pdf")
    [again] = round_of(played, hours=2)
    assert again.posted == 30 - told.asked  # those that were refused have their turn in twenty hours
    [last] = round_of(played, hours=20)
    assert last.posted == told.asked


def test_rounds_are_capped_and_the_longest_waiting_come_first(few: Played) -> None:
    capped = few.installation.settings.model_copy(update={"documents_per_round": 5})
    few.installation = replace(few.installation, settings=capped)
    asked = []
    for hours in (0, 2, 2, 20, 2):
        [told] = round_of(few, hours)
        asked.append([one.path for one in few.asked()])
        assert len(asked[-1]) == told.asked <= 5
    assert len({path for paths in asked[:3] for path in paths}) == 12
    assert sorted(asked[3]) == sorted(asked[0])
    assert made(few.installation)[0].reason == "7 wait for the next run."


def test_a_round_is_made_once_and_never_beside_a_look(few: Played) -> None:
    with writing(few.installation) as connection:
        assert take_lease(connection, "participating", "somebody's look", few.at)
    assert round_of(few) == []
    with writing(few.installation) as connection:
        give_lease_back(connection, "participating", "somebody's look")
    assert len(round_of(few)) == 1
    assert round_of(few) == []  # two clocks make one round between them
    few.publisher.forget()
    assert round_of(few, hours=1) == []  # at four; and then there is nothing to ask for
    assert few.asked() == []
    with few.installation.engine.connect() as connection:
        assert connection.execute(select(leases)).all() == []
    assert len(made(few.installation)) == 1


def test_a_round_that_is_stopped_says_so_and_the_next_one_goes_on(few: Played) -> None:
    asyncio.run(few.stopped(fetch_due_documents(few.installation, [few.declaration], "the clock")))
    [recorded] = made(few.installation)
    assert recorded.outcome == "stopped"
    kept = len(few.log())
    [told] = round_of(few, hours=2)
    assert told.posted == 12 - kept


def test_what_is_due_for_cron_includes_documents(few: Played) -> None:
    assert asyncio.run(once(few.installation)) == 0
    assert len(few.log()) == 12
    assert [one.outcome for one in made(few.installation)] == ["recorded"]


def test_the_clock_asks_every_two_hours_between_the_looks(tmp_path: Path) -> None:
    lists = [PARTICIPATING, replace(PARTICIPATING, name="without", documents=False)]
    installation = open_installation(Settings(home=tmp_path), lists)
    asked: list[tuple[str, datetime]] = []

    async def look(installation: Installation, lists: Sequence[PublishedList], trigger: str) -> None:
        if trigger == DOCUMENTS:
            asked.extend((item.name, installation.now()) for item in lists)

    async def life() -> None:
        clock = Clock(installation, look, timedelta(hours=12))
        running = asyncio.ensure_future(clock.run())
        await asyncio.sleep(timedelta(days=2).total_seconds())
        clock.stop()
        await running

    live(datetime(2025, 6, 2, tzinfo=UTC), life)
    assert {name for name, _ in asked} == {"participating"}
    assert [at.hour for _, at in asked] == [*range(0, 24, 2)] * 2
    assert all(20 <= at.minute <= 35 for _, at in asked)
