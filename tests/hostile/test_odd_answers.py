"""Answers that lie about themselves or try a trick, and are read for what they are."""

from __future__ import annotations

import gzip

import pytest

from demo import rudeness
from demo.publisher import Publisher
from demo.rudeness import Rudeness, answering
from scraper.errors import (
    AmbiguousError,
)
from tests.hostile.conftest import PATH, SEEN
from tests.publisher import AT, WORKBOOK, Looker


@pytest.mark.parametrize("charset", ["utf-16", "utf-7", "no-such-charset", "ascii", "cp037"])
def test_a_lie_about_the_charset_changes_nothing(
    impatient: Looker, publisher: Publisher, charset: str
) -> None:
    told = {"Content-Type": f"text/html; charset={charset}"}
    publisher.be_rude("page", answering(200, publisher.page(), told))
    assert impatient.captures()["participating"].outcome in SEEN


@pytest.mark.parametrize("told", ["text/html", "application/json", "image/png", "", "x" * 500])
def test_a_lie_about_the_content_type_changes_nothing(
    impatient: Looker, publisher: Publisher, told: str
) -> None:
    publisher.be_rude("participating", answering(200, WORKBOOK + b"1", {"Content-Type": told}))
    assert impatient.captures()["participating"].bytes == len(WORKBOOK) + 1


def test_ten_thousand_links(impatient: Looker, publisher: Publisher) -> None:
    crowd = "".join(f'<a href="/{n}">{n}</a>' for n in range(10_000))
    publisher.say(html=crowd + f'<a href="{PATH}">View 287(g) Participating Agencies</a>')
    assert impatient.captures()["participating"].outcome in SEEN


def test_both_links_the_same(impatient: Looker, publisher: Publisher) -> None:
    link = f'<a href="{PATH}">View 287(g) {{}} Agencies</a>'
    publisher.say(html=link.format("Participating") + link.format("Pending"))
    results = impatient.look()
    assert all(isinstance(error, AmbiguousError) for error in results.values())
    assert [asked.path for asked in publisher.asked] == ["/robots.txt", "/identify-and-arrest/287g"]


def test_gzip_that_is_whole_is_undone(impatient: Looker, publisher: Publisher) -> None:
    packed = gzip.compress(WORKBOOK[:500]) + gzip.compress(WORKBOOK[500:] + b"1")
    publisher.be_rude("participating", answering(200, packed, {"Content-Encoding": "gzip"}))
    found = impatient.captures()["participating"]
    assert impatient.archive.read(found.sha256 or "") == WORKBOOK + b"1"


def test_a_last_modified_of_the_future_is_never_echoed(impatient: Looker, publisher: Publisher) -> None:
    """Otherwise the server would answer 304 until that day."""
    publisher.show("pending", WORKBOOK + b"2", "pendingAgencies.xlsx", AT.replace(year=2999), "number")
    impatient.captures()
    publisher.show("pending", WORKBOOK + b"1", "pendingAgencies.xlsx", AT.replace(year=2999), "number")
    found = impatient.captures()["pending"]
    assert found.outcome in SEEN
    (asked,) = [asked for asked in publisher.asked if asked.path.endswith("141003")]
    assert "if-modified-since" not in asked.headers


def test_an_etag_that_never_changes_hides_no_change(impatient: Looker, publisher: Publisher) -> None:
    impatient.captures()
    new = {"ETag": '"always"', "Last-Modified": "Tue, 13 May 2025 08:00:00 GMT"}
    publisher.show(
        "participating", WORKBOOK + b"2", "participatingAgencies05122025am.xlsx", AT.replace(day=13)
    )
    publisher.be_rude("participating", answering(304, b"", new), times=1)
    found = impatient.captures()["participating"]
    assert found.outcome in SEEN
    assert found.sha256 != impatient.captures()["pending"].sha256 or found.bytes


def test_robots_txt_that_is_endless_or_broken_stops_nothing(impatient: Looker, publisher: Publisher) -> None:
    for how in (rudeness.endless_body("text/plain"), rudeness.reset_in_headers(), answering(500, b"no")):
        publisher.be_rude("robots", how)
        assert impatient.captures()["pending"].sha256


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\x\\\\list.xlsx"', "list.xlsx"),
        ("attachment; filename*=UTF-8''p%C3%A9nding.xlsx", "pénding.xlsx"),
        ("attachment; filename*=no-such-charset''x.xlsx", "x.xlsx"),
        ('attachment; filename="a\x1b[31mb\u202e.xlsx"', "a[31mb.xlsx"),
        ("attachment", "participatingAgencies05122025am.xlsx"),
        ('attachment; filename="' + "x" * 500 + '"', "x" * 200),
    ],
)
def test_a_published_name_is_never_a_path_or_a_trick(
    impatient: Looker, publisher: Publisher, header: str, name: str
) -> None:
    body = WORKBOOK + b"1"
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nContent-Disposition: {header}\r\n\r\n"
    raw = head.encode("utf-8") + body
    publisher.be_rude("participating", Rudeness(lambda talk, _f, _e: _write(talk, raw)))
    assert impatient.captures()["participating"].published_name == name


def _write(talk: rudeness.Talk, raw: bytes) -> None:
    talk.wfile.write(raw)
