"""Every page says what is recorded, has its own address, and answers nonsense with a sentence."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from lxml import html

from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.installation import Installation
from tests.web.conftest import client_of
from web.app import create_app

ADDRESSES = "//a/@href | //link/@href | //script/@src | //img/@src"


def page(client: TestClient, address: str) -> Any:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.text[:500])
    return html.document_fromstring(answer.text)


def texts(document: Any, path: str) -> list[str]:
    return [" ".join(item.text_content().split()) for item in document.xpath(path)]


def every_change(installation: Installation, **wanted: Any) -> list[Any]:
    with installation.engine.connect() as connection:
        return list(read_changes(connection, ChangeFilter(**wanted), newest_first=True))


def shown_ids(document: Any) -> list[str]:
    return [item.get("id").removeprefix("c-") for item in document.xpath("//li[@class='change']")]


def test_the_overview_tells_figures_batch_map_and_what_is_held(reader: TestClient) -> None:
    document = page(reader, "/")
    stats = dict(zip(texts(document, "//dt"), texts(document, "//dd"), strict=False))
    assert "agreements" in stats
    assert texts(document, "//section[@class='notice']//b")[0] == "Held:"
    assert document.xpath("//ul[@class='tiles']//a[contains(@href, '/states/')]")
    assert len(shown_ids(document)) == 8
    assert document.xpath("//figure[@class='curve']/svg[@role='img']/@aria-label")


def test_the_log_pages_through_every_change_once_both_ways(
    reader: TestClient, read_house: Installation
) -> None:
    expected = [change.id for change in every_change(read_house)]
    assert len(expected) > 130
    for first, onward in (("/changes", "next"), ("/changes?from=end", "prev")):
        seen: list[list[str]] = []
        address: str | None = first
        while address:
            document = page(reader, address)
            seen.append(shown_ids(document))
            address = next(iter(document.xpath(f"//a[@rel='{onward}']/@href")), None)
        pages = seen if onward == "next" else list(reversed(seen))
        assert [identifier for ids in pages for identifier in ids] == expected


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("kind=renamed", {"kinds": ("renamed",)}),
        ("kind=removed&kind=returned", {"kinds": ("removed", "returned")}),
        ("list=pending", {"lists": ("pending",)}),
        ("model=WSO", {"support_types": ("WSO",)}),
        ("q=sheriff+county", {"agency": "sheriff county"}),
        ("reviewed=yes", {"reviewed": True}),
        ("through=2025-09-24", {"until": datetime(2025, 9, 25, tzinfo=UTC)}),
        ("since=2025-10-01", {"since": datetime(2025, 10, 1, tzinfo=UTC)}),
    ],
)
def test_a_filter_shows_what_it_names(
    reader: TestClient, read_house: Installation, query: str, wanted: dict[str, Any]
) -> None:
    found = shown_ids(page(reader, f"/changes?{query}"))
    assert found == [change.id for change in every_change(read_house, **wanted)][:60]


def test_filters_go_along_from_page_to_page(reader: TestClient) -> None:
    document = page(reader, "/changes?kind=added&list=participating&group=week")
    [older] = document.xpath("//a[@rel='next']/@href")
    assert "kind=added" in older
    assert "list=participating" in older
    assert "group=week" in older
    assert texts(document, "//section[@class='group']/h2")[0].startswith("Week of ")
    assert texts(page(reader, older), "//span[@class='kind kind-added']")


def test_what_is_new_since_the_last_visit_needs_no_script(installation: Installation) -> None:
    clock = [datetime(2025, 1, 1, tzinfo=UTC)]
    moving = type(installation)(
        installation.settings, installation.archive, installation.engine, installation.lists, lambda: clock[0]
    )
    with client_of(create_app(moving)) as client:
        assert "since your last visit" not in client.get("/changes").text
        clock[0] = datetime(2026, 2, 1, tzinfo=UTC)
        document = page(client, "/changes")
        [fresh] = document.xpath("//p[@class='notice']/a/@href")
        assert len(shown_ids(page(client, fresh))) == 60
        clock[0] = datetime(2026, 3, 1, tzinfo=UTC)
        assert "since your last visit" not in client.get("/changes").text


def test_a_change_shows_its_evidence_one_click_away(reader: TestClient, read_house: Installation) -> None:
    change = next(
        change for change in every_change(read_house, kinds=("renamed",)) if "agency" in change.after
    )
    document = page(reader, f"/changes/{change.id}")
    told = " ".join(texts(document, "//dl[@class='evidence']"))
    assert change.sha256 in told
    assert f"row {change.row}" in told
    assert change.rule in told
    assert document.xpath(f"//a[@href='/raw/{change.sha256}']")
    assert document.xpath("//td[@data-name='before']//del")
    assert document.xpath("//td[@data-name='after']//ins")


def test_an_agency_is_found_by_any_spelling_and_shows_its_life(
    reader: TestClient, read_house: Installation
) -> None:
    change = next(
        change for change in every_change(read_house, kinds=("renamed",)) if "agency" in change.after
    )
    old = change.before["agency"]
    found = page(reader, f"/agencies?q={old}")
    [address] = set(found.xpath(f"//a[contains(@href, '{change.agency_id}')]/@href"))
    life = page(reader, address)
    spellings = texts(life, "//section[@aria-labelledby='spellings']//tbody/tr/th")
    assert old in spellings
    assert change.after["agency"] in spellings
    assert life.xpath("//svg[@class='time']//rect[contains(@class, 'bar')]")
    assert "row " in " ".join(texts(life, "//article[@class='life']//tbody/tr"))


def test_a_list_as_of_a_date_is_the_one_that_stood(reader: TestClient) -> None:
    document = page(reader, "/lists/participating?as_of=2025-09-12")
    assert "published 10 September 2025" in texts(document, "//p[@class='lead']")[0]
    assert document.xpath("//table//tbody/tr")
    assert (
        "Nothing of this list"
        in texts(page(reader, "/lists/pending?as_of=2020-01-01"), "//p[@class='lead']")[0]
    )


def test_two_dates_are_compared_with_words_marked(reader: TestClient) -> None:
    document = page(reader, "/compare?list=participating&from=2025-09-12&to=2025-12-01")
    kinds = set(texts(document, "//table//td/span[starts-with(@class, 'kind')]"))
    assert {"+ added", "− removed"} & kinds
    assert page(reader, "/compare?from=2025-12-01&to=2025-09-12").xpath("//table")


def test_a_held_list_shows_reasons_and_would_be_changes_side_by_side(
    reader: TestClient, read_house: Installation
) -> None:
    [address] = set(page(reader, "/held").xpath("//h2/a/@href"))
    document = page(reader, address)
    assert texts(document, "//ul[@class='reasons']/li")
    assert len(document.xpath("//table[contains(@class, 'compare')]/tbody/tr")) > 20
    assert every_change(read_house, since=datetime(2025, 12, 1, tzinfo=UTC)) == []


@pytest.mark.parametrize(
    "address",
    [
        "/states", "/lists", "/runs", "/method", "/sign-in", "/agencies", "/lists/pending/publications",
        "/report", "/report?list=pending", "/claim?text=more+than+100+agencies", "/api", "/compare",
    ],
)  # fmt: skip
def test_every_other_page_renders(reader: TestClient, address: str) -> None:
    document = page(reader, address)
    assert document.xpath("//h1")
    assert document.xpath("/html/@lang") == ["en"]
    assert document.xpath("//main[@id='content']")


def test_every_link_of_every_kind_of_page_leads_somewhere(reader: TestClient) -> None:
    """One address of each shape is followed, from the overview on."""
    seen: set[str] = set()
    waiting = ["/"]
    while waiting:
        address = waiting.pop()
        answer = reader.get(address)
        assert answer.status_code in (200, 303), (address, answer.status_code)
        if "text/html" not in answer.headers.get("content-type", "") or address.startswith("/report."):
            continue
        for link in html.document_fromstring(answer.text).xpath(ADDRESSES):
            shape = re.sub(r"[ga]?[0-9a-f]{8,}|=[^&]*|/states/\w+", "", link)
            if link.startswith("/") and shape not in seen:
                seen.add(shape)
                waiting.append(link)
    assert len(seen) > 40


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/changes/nothing", 404), ("/agencies/nothing", 404), ("/states/QQ", 422), ("/lists/nothing", 404),
        ("/publications/nothing", 404), ("/held/nothing", 404), ("/nowhere", 404), ("/raw/xyz", 404),
        (f"/raw/{'0' * 64}", 404), ("/changes?since=yesterday", 422), ("/changes?kind=new", 422),
        ("/changes?older=zzz", 422), ("/changes?newer=WyJhIl0", 422), ("/changes?list=other", 404),
        ("/changes?group=month", 422), ("/lists/pending?as_of=9999-12-31", 422), ("/compare?from=1", 422),
        ("/runs?before=x", 422), ("/report?week=2025", 422), ("/report?since=2025-13-01", 422),
        ("/claim?text=5&as_of=0001-01-01", 422), ("/report.exe", 404), ("/report/charts/x.svg", 404),
        ("/lists/pending?after=bm8", 422), ("/states/FL?after=W10&list=pending", 422),
        ("/changes?state=ZZ", 422), ("/changes?since=2025-05-02&until=2025-05-01", 422), ("/report?week=2031-W01", 422),
        ("/changes?colour=red", 422), ("/?q=x", 422), ("/feeds/changes.atom?since=2025-01-01", 422),
        ("/feeds/changes.atom?state=ZZ", 422), ("/feeds/weeks.atom?q=x", 422), ("/report?until=2025-05-01", 422),
        ("/lists/pending?state=ZZ", 422), ("/states?x=1", 422),
    ],
)  # fmt: skip
def test_nonsense_is_answered_with_a_sentence(reader: TestClient, address: str, status: int) -> None:
    answer = reader.get(address)
    assert answer.status_code == status
    assert len(texts(html.document_fromstring(answer.text), "//p[@class='lead']")[0]) > 15


def test_pages_are_not_sent_twice(reader: TestClient) -> None:
    for address in (
        "/changes",
        "/lists/participating",
        "/api/v1/changes",
        "/api/v1/lists",
        "/static/style.css",
    ):
        first = reader.get(address)
        again = reader.get(address, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    for address in ("/lists/participating", "/api/v1/changes", "/states"):
        first = reader.get(address)
        since = {"If-Modified-Since": first.headers["last-modified"]}
        assert reader.get(address, headers=since).status_code == 304
    assert reader.get("/states", headers={"If-Modified-Since": "nonsense"}).status_code == 200


def test_head_is_get_without_a_body(reader: TestClient) -> None:
    whole, head = reader.get("/states"), reader.head("/states")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["etag"] == whole.headers["etag"]


def test_an_empty_home_has_pages_too(home: Any) -> None:
    from pipelines.installation import open_installation

    empty = open_installation()
    with client_of(create_app(empty)) as client:
        for address in ("/", "/changes", "/lists", "/lists/pending", "/states", "/compare", "/held", "/runs"):
            assert client.get(address).status_code == 200, address
        assert client.get("/report").status_code == 422
    empty.engine.dispose()


def test_a_wrong_question_is_told_what_to_write(reader: TestClient) -> None:
    told = {
        "/changes?state=ZZ": "Write two letters or the name: TX, Texas.",
        "/changes?colour=red&list=pending": "It knows list, kind, state",
        "/feeds/changes.json?q=x&since=2025-01-01": "It knows list, kind, state, model, q, agency, county, level.",
        "/changes?since=2025-05-02&until=2025-05-01": "Write the earlier day first.",
        "/report?week=2031-W01": "is yet to come",
    }
    for address, text in told.items():
        assert text in reader.get(address).text, address


@pytest.mark.parametrize("name", ["TX", "tx", "Texas", "texas"])
def test_a_state_is_known_by_its_name(reader: TestClient, name: str) -> None:
    for address in (
        "/changes?state={}",
        "/feeds/changes.atom?state={}",
        "/lists/participating?state={}",
        "/states/{}",
    ):
        assert reader.get(address.format(name)).status_code == 200
    log = reader.get(f"/api/v1/changes?state={name}&limit=500").json()["changes"]
    assert log
    assert {change["state"] for change in log} == {"TX"}


def test_a_feed_of_words_and_of_an_agency_holds_these_alone(
    reader: TestClient, read_house: Installation
) -> None:
    change = next(iter(every_change(read_house, kinds=("added",))))
    for asked in (
        f"agency={change.agency_id}",
        f"q={change.agency}",
        f"q={change.agency}&model={change.support_type}",
    ):
        feed = reader.get(f"/feeds/changes.json?{asked}").json()
        assert change.id in {item["id"].rsplit("/", 1)[-1] for item in feed["items"]}
        assert all(change.agency in item["title"] for item in feed["items"] if "q=" in asked)
        assert reader.get(feed["home_page_url"].removeprefix("http://localhost")).status_code == 200


def test_one_box_finds_everything(reader: TestClient, read_house: Installation) -> None:
    change = next(iter(every_change(read_house, kinds=("added",))))
    leads = {
        change.id: f"/changes/{change.id}",
        change.agency_id: f"/agencies/{change.agency_id}",
    }
    for text, address in leads.items():
        answer = reader.get("/search", params={"q": text})
        assert (answer.status_code, answer.headers.get("location")) == (303, address), text
    for text in ("texas", "TX"):
        answer = reader.get("/search", params={"q": text})
        assert answer.headers.get("location") == "/states/TX" or 'href="/states/TX">Texas' in answer.text
    for text in (change.sha256, change.sha256[:12], change.published_name):
        answer = reader.get("/search", params={"q": text})
        leads_there = answer.headers.get("location", "").startswith("/publications/")
        assert leads_there or change.published_name in answer.text, text
    found = reader.get("/search", params={"q": change.agency.split()[0]}, follow_redirects=True)
    assert change.agency_id in found.text
    assert "Nothing is called so" in reader.get("/search?q=nobody+at+all").text
    assert "Words of an agency" in reader.get("/search").text


def test_agencies_are_listed_by_letter_and_by_state(reader: TestClient, read_house: Installation) -> None:
    change = next(iter(every_change(read_house, kinds=("added",))))
    document = page(reader, f"/agencies?letter={change.agency[0].lower()}")
    assert change.agency in texts(document, "//tbody/tr/th")
    assert all(name[0] == change.agency[0] for name in texts(document, "//tbody/tr/th"))
    assert page(reader, "/agencies").xpath("//a[@href='/states/TX']")


def test_pages_say_what_they_are_to_those_who_share_them(reader: TestClient) -> None:
    for address in ("/", "/changes?kind=added", "/lists/participating", "/states/TX", "/report", "/agencies"):
        document = page(reader, address)
        [title] = document.xpath("//meta[@property='og:title']/@content")
        assert texts(document, "//title")[0] == f"{title} · Countersign"
        [description] = document.xpath("//meta[@name='description']/@content")
        assert 40 < len(description) < 200
        [canonical] = document.xpath("//link[@rel='canonical']/@href")
        assert canonical == f"http://localhost{address}"
        assert document.xpath("//link[@rel='alternate'][@type='application/atom+xml']")
