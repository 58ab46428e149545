"""Feeds that readers can read: valid, stable, with times of the record."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
from lxml import etree

from changelog.feeds import NEVER, Feed, as_atom, as_json_feed, change_feed, digest_title, weekly_feed
from demo.agencies import Agency
from demo.workbooks import Line
from pipelines.history.changes import ChangeFilter
from pipelines.installation import Installation
from scraper.lists import PARTICIPATING
from tests.pipelines.conftest import History, sheet

BASE = "https://lists.example.org"
ATOM = "{http://www.w3.org/2005/Atom}"


def feed_of(installation: Installation, which: str, **chosen: Any) -> Feed:
    with installation.engine.connect() as connection:
        if which == "weeks":
            return weekly_feed(connection, installation.lists, BASE, chosen["list_name"])
        return change_feed(connection, installation.lists, BASE, ChangeFilter(**chosen))


FEEDS: list[tuple[str, dict[str, Any]]] = [
    ("changes", {}),
    ("changes", {"lists": ["participating"]}),
    ("changes", {"lists": ["participating"], "kinds": ["removed"]}),
    ("changes", {"states": ["TX"]}),
    ("changes", {"states": ["WY"], "kinds": ["returned"]}),
    ("weeks", {"list_name": "participating"}),
    ("weeks", {"list_name": "pending"}),
]


@pytest.mark.parametrize(("which", "chosen"), FEEDS)
def test_readers_read_it(told: Installation, which: str, chosen: dict[str, Any]) -> None:
    feed = feed_of(told, which, **chosen)
    parsed = feedparser.parse(as_atom(feed, f"{BASE}/feed.atom"))
    assert not parsed.bozo
    assert parsed.version == "atom10"
    assert [(e.id, e.title, e.link) for e in parsed.entries] == [
        (e.id, e.title, e.address) for e in feed.entries
    ]
    told_json = json.loads(as_json_feed(feed, f"{BASE}/feed.json"))
    assert told_json["version"] == "https://jsonfeed.org/version/1.1"
    assert [item["id"] for item in told_json["items"]] == [entry.id for entry in feed.entries]


@pytest.mark.parametrize(("which", "chosen"), FEEDS)
def test_what_atom_demands(told: Installation, which: str, chosen: dict[str, Any]) -> None:
    root = etree.fromstring(as_atom(feed_of(told, which, **chosen), f"{BASE}/feed.atom"))
    for element in (root, *root.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(element.findall(ATOM + name)) == 1
        assert datetime.fromisoformat(str(element.findtext(f"{ATOM}updated"))).tzinfo is not None
        assert str(element.findtext(f"{ATOM}id")).startswith("tag:countersign,2025:")
        links = [(link.get("rel"), link.get("href")) for link in element.findall(f"{ATOM}link")]
        assert len(links) == len(set(links)) >= 1
        assert all(str(href).startswith(BASE) for _, href in links)
    assert root.find(f"{ATOM}author/{ATOM}name") is not None
    [own] = [link.get("href") for link in root.findall(f"{ATOM}link") if link.get("rel") == "self"]
    assert own == f"{BASE}/feed.atom"
    ids = [element.text for element in root.iter(f"{ATOM}id")]
    assert len(ids) == len(set(ids))


def test_the_same_record_is_the_same_feed(told: Installation) -> None:
    for which, chosen in FEEDS:
        first, second = feed_of(told, which, **chosen), feed_of(told, which, **chosen)
        assert as_atom(first, BASE) == as_atom(second, BASE)
        assert as_json_feed(first, BASE) == as_json_feed(second, BASE)


def test_the_newest_change_comes_first_and_dates_the_feed(told: Installation) -> None:
    feed = feed_of(told, "changes", lists=["participating"])
    published = [entry.published for entry in feed.entries]
    assert published == sorted(published, reverse=True)
    assert feed.updated == max(entry.updated for entry in feed.entries)
    assert all(entry.updated.year == 2025 for entry in feed.entries)
    assert len(feed.entries) <= 100


def test_a_feed_holds_what_it_names(told: Installation) -> None:
    feed = feed_of(told, "changes", lists=["participating"], kinds=["removed"])
    assert [entry.tags[:2] for entry in feed.entries] == [["participating", "removed"]]
    assert feed.home == f"{BASE}/changes?list=participating&kind=removed"
    assert feed.id != feed_of(told, "changes", lists=["participating"]).id


def test_the_digest_is_the_batch(told: Installation) -> None:
    feed = feed_of(told, "weeks", list_name="participating")
    weeks = {entry.id.rsplit("/", 1)[-1]: entry for entry in feed.entries}
    busy = weeks["2025-W40"]
    assert busy.title.startswith("55 agreements")
    assert "in the week of 29 September 2025" in busy.title
    assert "49 agencies new to the list" in busy.title
    assert busy.address == f"{BASE}/report?list=participating&week=2025-W40"
    assert busy.html.count("<li>") == 55
    assert list(weeks) == sorted(weeks, reverse=True)


@pytest.mark.parametrize(
    ("added", "newly", "title"),
    [
        (55, 55, "55 agreements newly signed in the week of 12 May 2025, 48 agencies new to the list"),
        (
            55,
            54,
            "55 agreements were added in the week of 12 May 2025: "
            "54 of them newly signed, 48 agencies new to the list",
        ),
        (0, 0, "Nothing was added in the week of 12 May 2025"),
    ],
)  # fmt: skip
def test_agreements_are_not_called_agencies(added: int, newly: int, title: str) -> None:
    told = {
        "added": added, "newly_signed": newly, "new_agencies": 48, "since": "2025-05-12", "until": "2025-05-19",
        "week": "2025-W20", "publications": [{}],
    }  # fmt: skip
    assert digest_title(told, PARTICIPATING) == title


def test_texts_of_the_lists_are_escaped(tmp_path: Path) -> None:
    history = History(tmp_path)
    lines = [
        Line(Agency("TEXAS", f"{name} County Sheriff's Office", "County", name), "TFM", date(2025, 5, 1))
        for name in ("Bee", "Hill", "Kerr", "Polk", "Coke", "Lamar", "Ward", "Hays", "Bell", "Young") * 6
    ]
    lines = [line.renamed(f"{line.agency.name} {n}") for n, line in enumerate(lines)]
    nasty = Line(
        Agency("TEXAS", "<img src=x onerror=alert(1)> & Sons", "Municipality", ""), "WSO", date(2025, 5, 9)
    )
    history.feed(
        [
            sheet(lines, datetime(2025, 5, 2, tzinfo=UTC)),
            sheet([*lines, nasty], datetime(2025, 5, 13, tzinfo=UTC)),
        ]
    )
    for feed in (
        feed_of(history.installation, "changes"),
        feed_of(history.installation, "weeks", list_name="participating"),
    ):
        assert all("<img" not in entry.html for entry in feed.entries)
        parsed = feedparser.parse(as_atom(feed, BASE), sanitize_html=False)
        assert not parsed.bozo
        assert any("&lt;img" in entry.content[0].value for entry in parsed.entries)
    history.installation.engine.dispose()


def test_an_empty_feed_is_valid_and_old() -> None:
    feed = Feed("tag:countersign,2025:none", "Nothing", "Nothing yet", BASE, NEVER, [])
    parsed = feedparser.parse(as_atom(feed, BASE))
    assert not parsed.bozo
    assert parsed.entries == []
    assert parsed.feed.updated.startswith("2000-01-01")
