from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from demo import rudeness
from demo.publisher import Publisher

AT = datetime(2025, 5, 12, 12, 30, 5, tzinfo=UTC)


@pytest.fixture
def publisher() -> Publisher:
    return Publisher()


def test_it_shows_a_page_that_links_to_its_lists(publisher: Publisher) -> None:
    with publisher:
        url = publisher.show("participating", b"PK", "participatingAgencies05122025.xlsx", AT)
        page = httpx.get(publisher.page_url).text
        assert "View 287(g) Participating Agencies" in page
        assert "View 287(g) Pending Agencies" not in page
        assert url.removeprefix(publisher.url) in page
        publisher.hide("participating")
        assert "View 287(g)" not in httpx.get(publisher.page_url).text
        assert httpx.get(url).content == b"PK"


def test_it_honours_its_own_last_modified_and_no_etag(publisher: Publisher) -> None:
    with publisher:
        url = publisher.show("pending", b"PK", "pendingAgencies.xlsx", AT)
        first = httpx.get(url)
        assert first.headers["last-modified"] == "Mon, 12 May 2025 12:30:05 GMT"
        since = {"If-Modified-Since": first.headers["last-modified"]}
        assert httpx.get(url, headers=since).status_code == 304
        assert httpx.get(url, headers={"If-None-Match": first.headers["etag"]}).status_code == 200
        publisher.show("pending", b"PK2", "pendingAgencies.xlsx", AT.replace(minute=31))
        assert httpx.get(url, headers=since).content == b"PK2"


def test_a_numbered_file_has_its_name_in_the_disposition_alone(publisher: Publisher) -> None:
    with publisher:
        url = publisher.show("pending", b"PK", "pendingAgencies.xlsx", AT, url_form="number")
        assert url.rpartition("/")[2].isdigit()
        answer = httpx.get(url)
        assert answer.headers["content-disposition"] == 'attachment; filename="pendingAgencies.xlsx"'
        assert "etag" not in answer.headers


def test_it_tells_what_it_was_asked(publisher: Publisher) -> None:
    with publisher:
        httpx.get(publisher.url + "/nothing", headers={"From": "desk@example.org"})
        (asked,) = publisher.asked
        assert (asked.method, asked.path, asked.status) == ("GET", "/nothing", 404)
        assert asked.headers["from"] == "desk@example.org"
        publisher.forget()
        assert publisher.asked == []


def test_rudeness_lasts_as_long_as_it_is_told(publisher: Publisher) -> None:
    with publisher:
        publisher.be_rude("page", rudeness.answering(503), times=2)
        assert [httpx.get(publisher.page_url).status_code for _ in range(3)] == [503, 503, 200]
        publisher.be_rude("page", rudeness.reset_in_headers())
        with pytest.raises(httpx.TransportError):
            httpx.get(publisher.page_url)
        publisher.be_kind()
        assert httpx.get(publisher.page_url).status_code == 200
