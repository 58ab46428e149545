"""Documents of agreements, played: 300 of them, one replaced, one gone, a stop in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.agencies import Agency
from demo.papers import paper
from demo.publisher import Asked, Publisher
from demo.workbooks import Line, workbook
from pipelines.documents.fetch import DocumentResult, fetch_documents
from pipelines.fetch_runs import fetch_lists
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.history.documents import DocumentEvent, document_log, known_documents
from pipelines.installation import Installation, open_installation
from pipelines.rebuild import rebuild
from scraper.settings import get_settings

AT = datetime(2025, 6, 2, 15, tzinfo=UTC)
MANY = 300


def agreed(number: int, more: str = "") -> bytes:
    return paper(
        [
            "MEMORANDUM OF AGREEMENT 287(g) Task Force Model",
            "This Memorandum of Agreement (MOA) constitutes an agreement between United States Immigration",
            "and Customs Enforcement (ICE), a component of the Department of Homeland Security (DHS),",
            f"and the Town {number} Police Department, pursuant to which ICE delegates authority.",
            "State of Georgia",
            f"Date: 4/{1 + number % 28}/2025 {more}",
        ]
    )


class Played:
    """A publisher with a list of agreements and their documents, and an installation that watches it."""

    def __init__(self, publisher: Publisher, many: int) -> None:
        self.publisher = publisher
        self.at = AT
        lines = []
        for number in range(many):
            path = f"/doclib/moa/town{number}.pdf"
            publisher.serve(path, agreed(number), "application/pdf", AT)
            agency = Agency("GEORGIA", f"Town {number} Police Department", "Municipal", "Dooly")
            lines.append(Line(agency, "TFM", date(2025, 4, 1 + number % 28), publisher.url + path))
        publisher.show("participating", workbook(lines, AT, signed=True), "participating.xlsx", AT)
        settings = get_settings().model_copy(update={"retries": 0, "backoff_seconds": 0})
        lists = [
            replace(publisher.lists()[0], plausible=replace(publisher.lists()[0].plausible, rows=(1, 999)))
        ]
        self.installation: Installation = replace(open_installation(settings, lists), now=lambda: self.at)
        asyncio.run(fetch_lists(self.installation, lists, "person", "test"))
        publisher.forget()

    @property
    def declaration(self) -> Any:
        return self.installation.lists["participating"]

    def look(self, days: int = 0, most: int = 1000) -> DocumentResult:
        self.at += timedelta(days=days)
        self.publisher.forget()
        told = asyncio.run(fetch_documents(self.installation, self.declaration, "test", most))
        assert told
        return told

    async def stopped(self, asking: Coroutine[Any, Any, object]) -> None:
        """Stop somebody who asks for documents after a few of them."""
        task = asyncio.create_task(asking)
        while len(self.asked()) < 5:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    def asked(self) -> list[Asked]:
        return [asked for asked in self.publisher.asked if asked.path.startswith("/doclib/moa/")]

    def log(self) -> list[DocumentEvent]:
        with self.installation.engine.connect() as connection:
            return document_log(connection, ["participating"])

    def replace(self, number: int) -> None:
        path, later = f"/doclib/moa/town{number}.pdf", self.at + timedelta(hours=1)
        self.publisher.serve(path, agreed(number, "amended"), "application/pdf", later)

    def take_away(self, *numbers: int) -> None:
        for number in numbers:
            self.publisher.take_away(f"/doclib/moa/town{number}.pdf")


@pytest.mark.long
def test_three_hundred_documents_through_their_lives(publisher: Publisher, home: Path) -> None:
    """All once; then none, as their server tells by 304; then what was replaced and what is gone."""
    played = Played(publisher, MANY)
    first = played.look()
    assert (first.posted, first.refused, first.missing) == (MANY, 0, 0)
    assert len(played.asked()) == len({asked.path for asked in played.asked()}) == MANY
    second = played.look(days=1)
    assert (second.asked, second.unchanged, second.posted) == (MANY, MANY, 0)
    assert all(asked.status == 304 for asked in played.asked())
    played.replace(7)
    played.take_away(9)
    third = played.look(days=1)
    assert (third.replaced, third.gone, third.unchanged) == (1, 1, MANY - 2)
    told = [(event.kind, event.linked[0].agreement.agency) for event in played.log()[MANY:]]
    assert sorted(told) == [("gone", "Town 9 Police Department"), ("replaced", "Town 7 Police Department")]
    replaced = next(event for event in played.log() if event.kind == "replaced")
    assert replaced.sha256
    assert replaced.previous_sha256
    assert played.installation.archive.read(replaced.previous_sha256) == agreed(7)


def test_a_stop_in_the_middle_goes_on_where_it_stopped(few: Played) -> None:
    asyncio.run(few.stopped(fetch_documents(few.installation, few.declaration, "test", 1000)))
    kept = {event.url for event in few.log()}
    assert 3 <= len(kept) < 12
    told = few.look()
    assert told.posted == 12 - len(kept)
    assert not {few.publisher.url + asked.path for asked in few.asked()} & kept
    assert len(few.log()) == 12


def test_a_document_that_comes_back_has_returned(few: Played) -> None:
    few.look()
    few.take_away(3)
    assert few.look(days=1).gone == 1
    few.publisher.serve("/doclib/moa/town3.pdf", agreed(3), "application/pdf")
    assert few.look(days=1).returned == 1
    assert [event.kind for event in few.log() if event.url.endswith("town3.pdf")] == [
        "posted",
        "gone",
        "returned",
    ]


def test_a_publisher_that_answers_404_for_everything_has_lost_nothing(few: Played) -> None:
    few.look()
    few.take_away(*range(9))
    told = few.look(days=1)
    assert (told.gone, told.unchanged) == (0, 3)
    assert "9 of 12 documents" in told.doubt
    assert {event.kind for event in few.log()} == {"posted"}


def test_a_web_page_is_no_document(few: Played) -> None:
    few.look()
    few.publisher.serve("/doclib/moa/town4.pdf", b"<html><title>Access denied</title></html>", "text/html")
    told = few.look(days=1)
    assert (told.refused, told.replaced) == (1, 0)
    assert "Access denied" in next(iter(told.troubles.values()))


def test_no_more_are_asked_for_at_once_than_allowed(few: Played) -> None:
    told = few.look(most=5)
    assert (told.asked, told.waiting, told.posted) == (5, 7, 5)
    assert few.look(most=50).posted == 7
    assert few.look(most=50).asked == 0  # all were asked for today


def test_documents_are_no_changes_of_the_list_and_survive_a_rebuild(few: Played) -> None:
    few.look()
    few.replace(2)
    few.look(days=1)
    before = few.log()
    with few.installation.engine.connect() as connection:
        assert list(read_changes(connection, ChangeFilter())) == []
        known = known_documents(connection)
    rebuild(few.installation)
    assert few.log() == before
    with few.installation.engine.connect() as connection:
        again = known_documents(connection)
    assert {url: (row.state, row.sha256, row.etag) for url, row in again.items()} == {
        url: (row.state, row.sha256, row.etag) for url, row in known.items()
    }
    assert not [problem for problem in few.installation.archive.verify() if problem.damage]


def test_what_a_document_says_of_itself_is_known(few: Played) -> None:
    few.look()
    with few.installation.engine.connect() as connection:
        row = known_documents(connection)[f"{few.publisher.url}/doclib/moa/town5.pdf"]
    assert row.pages == 1
    assert row.said == {
        "support_type": "TFM", "state": "GA", "agency": "Town 5 Police Department", "signed": "2025-04-06",
    }  # fmt: skip
