from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from demo import rudeness
from demo.publisher import Publisher
from scraper.capture import Capture
from scraper.crawl import crawl
from scraper.errors import ArchiveError, CountersignError, ListError, RefusedError, UnreachableError
from scraper.lists import Cadence, PublishedList, Wording
from tests.publisher import AT, WORKBOOK, Looker

STATEMENT = "As of May 12, 2025, at 4 p.m., 544 Memorandums of Agreement covering 38 states are signed."


def paths(publisher: Publisher) -> list[tuple[str, int]]:
    return sorted((asked.path.rpartition("/")[2], asked.status) for asked in publisher.asked)


def test_a_first_look_brings_both_lists_home(looker: Looker, publisher: Publisher) -> None:
    publisher.say(statement=STATEMENT, updated="2025-05-12T17:06:06-04:00")
    found = looker.captures()
    participating, pending = found["participating"], found["pending"]
    assert looker.archive.read(participating.sha256 or "") == WORKBOOK + b"1"
    assert participating.sha256 == sha256(WORKBOOK + b"1").hexdigest()
    assert participating.outcome == pending.outcome == "fetched"
    assert participating.published_name == "participatingAgencies05122025am.xlsx"
    assert pending.published_name == "pendingAgencies05122025am.xlsx"
    assert pending.url.rpartition("/")[2].isdigit()
    assert participating.bytes == len(WORKBOOK) + 1
    assert participating.headers["last-modified"] == "Mon, 12 May 2025 12:30:05 GMT"
    assert participating.page["agreements"] == 544
    assert participating.page["updated"] == "2025-05-12T17:06:06-04:00"
    assert participating.requested_at
    assert participating.requested_at < participating.captured_at


def test_a_look_is_one_page_and_one_request_for_each_list(looker: Looker, publisher: Publisher) -> None:
    found = looker.captures()
    assert paths(publisher) == [
        ("141001", 200),
        ("287g", 200),
        ("participatingAgencies05122025am.xlsx", 200),
        ("robots.txt", 200),
    ]
    assert found["participating"].requests == 2
    assert found["participating"].received == len(publisher.page()) + len(WORKBOOK) + 1


def test_who_asks_is_said_in_every_request(looker: Looker, publisher: Publisher) -> None:
    looker.captures()
    for asked in publisher.asked:
        assert asked.headers["from"] == "desk@example.org"
        assert asked.headers["user-agent"].startswith("countersign/")
        assert asked.headers["user-agent"].endswith("(+desk@example.org)")
        assert "cookie" not in asked.headers


def test_a_second_look_is_answered_304(looker: Looker, publisher: Publisher) -> None:
    first = looker.captures()
    second = looker.captures()
    assert [capture.outcome for capture in second.values()] == ["not modified", "not modified"]
    assert second["pending"].sha256 == first["pending"].sha256
    assert second["pending"].validators == first["pending"].validators
    asked = {asked.path.rpartition("/")[2]: asked for asked in publisher.asked}
    assert asked["287g"].status == 200
    assert "if-modified-since" not in asked["287g"].headers
    assert asked["141001"].status == 304
    assert asked["141001"].headers["if-modified-since"] == "Mon, 12 May 2025 12:30:05 GMT"
    assert asked["participatingAgencies05122025am.xlsx"].headers["if-none-match"].startswith('"')


def test_a_changed_file_at_the_same_address_is_fetched(looker: Looker, publisher: Publisher) -> None:
    looker.captures()
    publisher.show(
        "participating", b"PK\x03\x04new", "participatingAgencies05122025am.xlsx", AT.replace(hour=13)
    )
    found = looker.captures()
    assert found["participating"].outcome == "fetched"
    assert found["pending"].outcome == "not modified"


def test_a_link_that_moves_to_the_other_form_is_followed_without_conditions(
    looker: Looker, publisher: Publisher
) -> None:
    looker.captures()
    publisher.show("participating", WORKBOOK + b"1", "participatingAgencies05122025am.xlsx", AT, "number")
    found = looker.captures()["participating"]
    assert found.outcome == "fetched"
    assert found.url.rpartition("/")[2].isdigit()
    assert found.published_name == "participatingAgencies05122025am.xlsx"
    (asked,) = [asked for asked in publisher.asked if asked.path.endswith("141002")]
    assert "if-modified-since" not in asked.headers


def test_a_copy_that_the_archive_lost_is_fetched_again(looker: Looker, publisher: Publisher) -> None:
    lost = looker.captures()["pending"].sha256 or ""
    looker.archive.path(lost).unlink()
    assert looker.captures()["pending"].outcome == "fetched"
    assert looker.archive.has(lost)


def test_a_list_that_left_the_page_is_absent(looker: Looker, publisher: Publisher) -> None:
    publisher.hide("pending")
    found = looker.captures()
    assert found["pending"].outcome == "absent"
    assert found["pending"].sha256 is None
    assert found["pending"].url == publisher.page_url
    assert found["participating"].outcome == "fetched"


def test_a_page_that_lost_both_links_but_is_still_the_page_has_no_lists(
    looker: Looker, publisher: Publisher
) -> None:
    publisher.hide("pending")
    publisher.hide("participating")
    publisher.say(statement=STATEMENT)
    assert {capture.outcome for capture in looker.captures().values()} == {"absent"}


def test_one_lists_trouble_is_not_the_others(looker: Looker, publisher: Publisher) -> None:
    publisher.be_rude("participating", rudeness.answering(404))
    found = looker.look()
    assert isinstance(found["participating"], RefusedError)
    assert isinstance(found["pending"], Capture)


def test_what_is_worth_retrying_is_retried(looker: Looker, publisher: Publisher) -> None:
    looker.set(retries=2)
    publisher.be_rude("page", rudeness.answering(503, b"busy"), times=2)
    publisher.be_rude("pending", rudeness.reset_in_body(), times=1)
    found = looker.captures()
    assert found["pending"].outcome == "fetched"
    assert found["pending"].requests == 5


def test_retries_wait_longer_each_time_and_end(looker: Looker, publisher: Publisher) -> None:
    looker.set(retries=2, backoff_seconds=0.2)
    publisher.be_rude("page", rudeness.answering(503, b"busy"))
    began = datetime.now(UTC)
    assert "has trouble of its own (503)" in str(looker.error())
    assert datetime.now(UTC) - began > timedelta(seconds=0.6)
    assert sum(asked.status == 503 for asked in publisher.asked) == 3


def test_what_the_publisher_asks_for_in_retry_after_is_done(looker: Looker, publisher: Publisher) -> None:
    looker.set(retries=1)
    publisher.be_rude("page", rudeness.answering(429, b"slow", {"Retry-After": "1"}), times=1)
    began = datetime.now(UTC)
    looker.captures()
    assert datetime.now(UTC) - began > timedelta(seconds=1)


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_not_asked_again(looker: Looker, publisher: Publisher, status: int) -> None:
    looker.set(retries=2)
    publisher.be_rude("page", rudeness.answering(status))
    assert isinstance(looker.error(), RefusedError)
    assert sum(asked.status == status for asked in publisher.asked) == 1


def test_robots_txt_is_obeyed(looker: Looker, publisher: Publisher) -> None:
    publisher.robots = "User-agent: *\nDisallow: /doclib/\n"
    found = looker.look()
    assert isinstance(found["participating"], RefusedError)
    assert "robots.txt forbids" in str(found["participating"])
    assert isinstance(found["pending"], Capture)
    assert not any(asked.path.startswith("/doclib/") for asked in publisher.asked)


def direct(name: str, url: str) -> PublishedList:
    return PublishedList(
        name=name,
        page=None,
        file=url,
        columns={},
        cadence=Cadence(("0 9 * * *",)),
        wording=Wording(name, "added", "removed"),
        format="csv",
        private_addresses=True,
        delay_seconds=0,
    )


def test_a_list_at_a_fixed_address_needs_no_page(looker: Looker, publisher: Publisher) -> None:
    url = publisher.serve("/data/list.csv", b"STATE,AGENCY\nFL,Bay\n", "text/csv")
    looker.lists = [direct("cities", url)]
    found = looker.captures()["cities"]
    assert looker.archive.read(found.sha256 or "") == b"STATE,AGENCY\nFL,Bay\n"
    assert found.published_name == "list.csv"
    assert [asked.path for asked in publisher.asked] == ["/robots.txt", "/data/list.csv"]


def test_many_lists_at_once_come_home_each_under_its_name(looker: Looker, publisher: Publisher) -> None:
    urls = [publisher.serve(f"/data/{n}.csv", f"STATE\n{n}\n".encode(), "text/csv") for n in range(12)]
    looker.lists = [*publisher.lists(), *(direct(f"list{n}", url) for n, url in enumerate(urls))]
    found = looker.captures()
    assert len(found) == 14
    assert looker.archive.read(found["list7"].sha256 or "") == b"STATE\n7\n"


def test_a_list_without_a_place_is_said_so(looker: Looker) -> None:
    looker.lists = [replace(direct("cities", ""), file=None)]
    assert isinstance(looker.error("cities"), ListError)


def test_an_archive_that_cannot_be_written_is_the_lists_error(looker: Looker, home: Path) -> None:
    home.mkdir()
    (home / "archive").write_text("in the way")
    error = looker.error()
    assert isinstance(error, ArchiveError)
    assert error.exit_code == 7


def test_a_look_can_be_given_up(looker: Looker, publisher: Publisher) -> None:
    publisher.be_rude("page", rudeness.silent())

    async def give_up() -> None:
        async with asyncio.timeout(0.5):
            await crawl(looker.lists, looker.archive, looker.settings, {}, lambda: datetime.now(UTC))

    began = datetime.now(UTC)
    with pytest.raises(TimeoutError):
        asyncio.run(give_up())
    assert datetime.now(UTC) - began < timedelta(seconds=3)


def test_looks_may_follow_each_other_in_one_loop(looker: Looker) -> None:
    async def thrice() -> list[dict[str, Capture | CountersignError]]:
        return [
            await crawl(looker.lists, looker.archive, looker.settings, {}, lambda: datetime.now(UTC))
            for _ in range(3)
        ]

    for found in asyncio.run(thrice()):
        assert all(isinstance(capture, Capture) for capture in found.values())


def test_a_publisher_that_is_gone_is_unreachable(looker: Looker, home: Path) -> None:
    with Publisher() as gone:
        looker.lists = gone.lists()
    error = looker.error()
    assert isinstance(error, UnreachableError)
    assert "no connection" in str(error)
