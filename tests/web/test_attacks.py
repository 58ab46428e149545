"""A list whose every cell is an attack: on no page and in no feed does any of it act."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import xlsxwriter
from fastapi.testclient import TestClient
from lxml import etree, html

from pipelines.installation import Installation
from pipelines.run import release
from tests.pipelines.conftest import File, History
from tests.web.conftest import NOW, TOKEN, client_of
from web.app import create_app

ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    '=HYPERLINK("http://evil.example","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\u202egpj.exe\u202c County\u2066",
    "{{ 7*7 }}{% include '/etc/passwd' %}${7*7}",
    "' onmouseover='alert(1)",
    "</td></table></main><style>*{display:none}</style>",
    "<svg/onload=alert(1)>&lt;b&gt;",
    "]]><!--<a href=data:text/html,x>",
    "\x1b[31mred\x1b[0m",
)
LINKS = (
    "javascript:alert(document.cookie)", "data:text/html,<script>alert(1)</script>", "vbscript:x",
    "https://evil.example/\"onclick=\"alert(1)", "file:///etc/passwd", "https://www.ice.gov/doclib/a.pdf?<script>",
)  # fmt: skip
HEADER = (
    "STATE", "LAW ENFORCEMENT AGENCY", "TYPE", "COUNTY", "SUPPORT TYPE", "SIGNED", "MOA", "ADDENDUM",
    "<script>alert('header')</script>",
)  # fmt: skip
AT = datetime(2025, 6, 2, 15, tzinfo=UTC)


def attacking(rows: int, at: datetime, turn: int, *, states: bool) -> bytes:
    """`rows` agreements; with `states` false even the states are attacks."""
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": at.replace(tzinfo=None)})
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        for number in range(rows):
            attack = ATTACKS[(number + (turn if number % 7 == 0 else 0)) % len(ATTACKS)]
            state = "FLORIDA" if states else attack
            model = "Task Force Model" if number % 3 else attack
            cells = [
                state,
                f"{number} {attack}",
                attack,
                attack,
                model,
                attack,
                LINKS[number % len(LINKS)],
                attack,
            ]
            for column, text in enumerate([*cells, attack]):
                sheet.write_string(number + 1, column, text)
    return packed.getvalue()


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    place = tmp_path_factory.mktemp("attacked") / "home"
    place.mkdir()
    history = History(place)
    name = '<img src=x onerror=alert(1)>"\r\n.xlsx'
    files = [
        File(
            name_of_list,
            AT + timedelta(days=day),
            attacking(rows, AT + timedelta(days=day), day, states=True),
            name,
        )
        for name_of_list in ("participating", "pending")
        for day, rows in ((0, 60), (1, 62), (2, 61))
    ]
    last = AT + timedelta(days=5)
    files.append(File("participating", last, attacking(64, last, 5, states=False), name))
    history.feed(files)
    while len(held := sorted(history.held(), key=lambda row: row.place)) > 1:
        release(history.installation, held[0].key, "accept", ATTACKS[0], ATTACKS[1])
    assert history.held(), "the last list is hard to believe"
    assert history.changes(), "the lists differ"
    yield replace(history.installation, now=lambda: NOW)
    history.installation.engine.dispose()


@pytest.fixture
def clients(attacked: Installation) -> Iterator[tuple[TestClient, TestClient]]:
    """One who reads, and one who is signed in under a name that is an attack."""
    with client_of(create_app(attacked, TOKEN)) as reader, client_of(create_app(attacked, TOKEN)) as person:
        person.headers["Sec-Fetch-Site"] = "same-origin"
        person.post("/sign-in", data={"token": TOKEN, "name": ATTACKS[0]})
        yield reader, person


def test_no_page_lets_an_attack_act(clients: tuple[TestClient, TestClient], attacked: Installation) -> None:
    for client in clients:
        pages = list(crawled(client))
        assert len(pages) > 60
        kinds = {shape_of(address) for address, _ in pages}
        assert {
            "/",
            "/changes",
            "/held/",
            "/agencies/",
            "/changes/",
            "/publications/",
            "/lists/participating",
            "/report",
            "/feeds",
        } <= kinds
        for address, text in pages:
            harmless_page(address, text)


def shape_of(address: str) -> str:
    return re.sub(r"[?].*|(?<=/)[ga]?[0-9a-f]{8,}.*", "", address)


def crawled(client: TestClient, of_each: int = 12) -> Iterator[tuple[str, str]]:
    """The pages that links lead to, so many of each kind, and searches for every attack."""
    searches = [f"/agencies?q={quote(text)}" for text in ATTACKS]
    searches += [f"/changes?q={quote(text)}&fresh=2020-01-01" for text in ATTACKS]
    searches += [f"/claim?text={quote(text)}" for text in ATTACKS]
    waiting, seen = ["/", "/changes?group=week", *searches], {"/"}
    left = Counter[str]()
    while waiting:
        address = waiting.pop(0)
        answer = client.get(address)
        assert answer.status_code < 500, (address, answer.status_code)
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        yield address, answer.text
        for link in html.document_fromstring(answer.text).xpath("//a/@href"):
            left[shape_of(link)] += link not in seen
            if link.startswith("/") and link not in seen and left[shape_of(link)] <= of_each:
                seen.add(link)
                waiting.append(link)


def harmless_page(address: str, text: str) -> None:
    document = html.document_fromstring(text)
    own_styles = 1 if address.startswith("/report.html") else 0
    assert len(document.xpath("//style")) == own_styles, address
    assert not document.xpath("//iframe | //object | //embed | //base"), address
    for script in document.xpath("//script"):
        assert script.get("src") in ("/static/page.js", "/static/map.js"), address
        assert not script.text, address
    for element in document.iter():
        if not isinstance(element.tag, str):
            continue
        for name, value in element.items():
            assert not name.startswith("on"), (address, name)
            assert name != "style", address
            if name in ("href", "src", "action", "formaction", "xlink:href"):
                assert re.match(r"/(?!/)|https?://|#|\?", value), (address, name, value)
    shown = document.text_content()
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b]", shown), address
    assert "49" not in re.findall(r"\{\{.*?\}\}|(?<!\d)49(?=\{%)", shown), address


@pytest.mark.parametrize(
    "address",
    [
        "/feeds/changes.atom",
        "/feeds/changes.json",
        "/feeds/weeks.atom",
        "/feeds/weeks.json",
        "/feeds/changes.atom?state=FL",
    ],
)
def test_no_feed_carries_an_attack(clients: tuple[TestClient, TestClient], address: str) -> None:
    answer = clients[0].get(address)
    assert answer.status_code == 200
    bodies = contents(answer, address)
    assert any(bodies)
    for body in bodies:
        document = html.fragment_fromstring(body, create_parent="div")
        assert not document.xpath(".//script | .//img | .//style | .//iframe | .//svg"), body
        for element in document.iter():
            assert not any(name.startswith("on") for name in element.keys()), body  # noqa: SIM118 - lxml


def contents(answer: Any, address: str) -> list[str]:
    if ".json" in address:
        return [item["content_html"] for item in answer.json()["items"]]
    root = etree.fromstring(answer.content, etree.XMLParser(resolve_entities=False))
    return [item.text or "" for item in root.iter("{http://www.w3.org/2005/Atom}content")]


def test_the_downloads_of_an_attacking_list_have_harmless_names(
    clients: tuple[TestClient, TestClient], attacked: Installation
) -> None:
    told = clients[0].get("/api/v1/publications").json()["publications"]
    answer = clients[0].get(f"/raw/{told[0]['sha256']}")
    assert answer.status_code == 200
    named = answer.headers["content-disposition"]
    assert "<" not in named
    assert "\n" not in named
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert Path(str(attacked.settings.home)).exists()


def test_json_is_never_taken_for_a_page(clients: tuple[TestClient, TestClient]) -> None:
    for address in ("/api/v1/changes", "/api/v1/held", "/api/v1/agencies?q=alert", "/report.json", "/status"):
        answer = clients[0].get(address)
        assert answer.headers["content-type"].startswith("application/json"), address
        assert answer.headers["x-content-type-options"] == "nosniff"
