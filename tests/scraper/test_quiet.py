"""A look that finds nothing new does without Scrapy, and says the same as one with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pytest

from demo.publisher import Publisher
from demo.rudeness import answering
from scraper import crawl
from scraper.capture import Capture
from scraper.errors import RefusedError
from tests.publisher import WORKBOOK, Looker


async def never(*_: Any) -> None:
    raise AssertionError("Scrapy was asked")


async def not_at_all(*_: Any) -> bool:
    return False


def told(captures: dict[str, Capture]) -> dict[str, dict[str, Any]]:
    """Everything but the moments."""
    moments = ("captured_at", "requested_at")
    return {
        name: {**asdict(found), **dict.fromkeys(moments), "headers": {**found.headers, "date": ""}}
        for name, found in captures.items()
    }


def asked(publisher: Publisher) -> list[tuple[str, int, dict[str, str]]]:
    """Every question with the headers that mean something. Scrapy asks for the last list first."""
    silent = ("connection", "host", "content-length")
    return sorted(
        (one.path, one.status, {name: value for name, value in one.headers.items() if name not in silent})
        for one in publisher.asked
    )


def test_it_asks_and_says_what_scrapy_asks_and_says(
    looker: Looker, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    looker.captures()
    with monkeypatch.context() as without:
        without.setattr("scraper.engine.look_by_scrapy", never)
        quiet = looker.captures()
        questions = asked(publisher)
    monkeypatch.setattr(crawl, "quiet_look", not_at_all)
    assert told(looker.captures()) == told(quiet)
    assert asked(publisher) == questions
    assert {found.outcome for found in quiet.values()} == {"not modified"}


def test_a_server_without_validators_is_known_by_its_bytes(
    looker: Looker, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher.show("participating", WORKBOOK, "participatingAgencies.xlsx", None, url_form="number")
    looker.captures()
    monkeypatch.setattr("scraper.engine.look_by_scrapy", never)
    assert looker.captures()["participating"].outcome == "fetched"


@pytest.mark.parametrize("changed", [["participating"], ["pending"], ["participating", "pending"]])
def test_what_was_heard_is_not_asked_again(
    looker: Looker, publisher: Publisher, changed: Sequence[str]
) -> None:
    looker.captures()
    for name in changed:
        publisher.show(name, WORKBOOK + b"new", f"{name}Agencies05122025am.xlsx", None)
    found = looker.captures()
    for name in changed:
        assert looker.archive.read(found[name].sha256 or "") == WORKBOOK + b"new"
    assert len({one.path for one in publisher.asked}) == len(publisher.asked)


def test_robots_are_heeded(looker: Looker, publisher: Publisher) -> None:
    looker.captures()
    publisher.robots = "User-agent: countersign\nDisallow: /doclib/\n"
    assert isinstance(looker.error(), RefusedError)
    assert not [one for one in publisher.asked if one.path.startswith("/doclib/")]


def test_a_site_that_is_down_is_asked_once_before_scrapy_waits(looker: Looker, publisher: Publisher) -> None:
    looker.captures()
    looker.set(retries=1)
    publisher.be_rude("page", answering(503, b"later", {}))
    assert isinstance(looker.error(), RefusedError)
    assert [one.status for one in publisher.asked if one.path != "/robots.txt"] == [503, 503]
