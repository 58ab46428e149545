"""What can be taken along is what the page shows, whole, in every form."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest
from fastapi.testclient import TestClient

from pipelines.installation import Installation
from tests.web.conftest import client_of
from tests.web.test_pages import every_change, page
from web.app import create_app

SHAPES = ("csv", "xlsx", "json")


def records(client: TestClient, address: str, shape: str, query: str = "") -> list[dict[str, object]]:
    answer = client.get(f"{address}.{shape}{query}")
    assert answer.status_code == 200, answer.text
    assert f".{shape}" in answer.headers["content-disposition"]
    if shape == "json":
        told = answer.json()
        return list(told) if isinstance(told, list) else list(told["agreements"])
    if shape == "csv":
        return list(csv.DictReader(io.StringIO(answer.text)))
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_log_is_taken_whole_with_its_filter(
    reader: TestClient, read_house: Installation, shape: str
) -> None:
    wanted = [change.id for change in every_change(read_house, kinds=("added",), lists=("participating",))]
    assert len(wanted) > 60  # more than one page
    taken = records(reader, "/changes", shape, "?kind=added&list=participating&q=&state=")
    assert {record["id"] for record in taken} == set(wanted)
    assert [record["published_at"] for record in taken] == sorted(
        str(record["published_at"]) for record in taken
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_a_list_is_taken_as_of_its_date(reader: TestClient, shape: str) -> None:
    told = reader.get("/api/v1/agreements?list=participating&as_of=2025-09-12").json()
    taken = records(reader, "/lists/participating", shape, "?as_of=2025-09-12")
    assert [record["agreement_id"] for record in taken] == [one["agreement_id"] for one in told["agreements"]]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_state_and_a_comparison_are_taken(reader: TestClient, shape: str) -> None:
    state = records(reader, "/states/texas", shape)
    assert state
    assert {record["state"] for record in state} == {"TX"}
    query = "?list=participating&from=2025-09-12&to=2025-10-22"
    differing = records(reader, "/compare", shape, query)
    document = page(reader, f"/compare{query}")
    assert len({record["agreement_id"] for record in differing}) == len(document.xpath("//table//tbody/tr"))


@pytest.mark.parametrize("shape", SHAPES)
def test_an_agency_is_taken(reader: TestClient, read_house: Installation, shape: str) -> None:
    change = next(iter(every_change(read_house, kinds=("renamed",))))
    taken = records(reader, f"/agencies/{change.agency_id}", shape)
    assert taken


@pytest.mark.parametrize("shape", ["csv", "xlsx"])
def test_a_report_is_taken(reader: TestClient, shape: str) -> None:
    told = reader.get("/report.json").json()
    taken = records(reader, "/report", shape)
    assert [record["id"] for record in taken] == [change["id"] for change in told["changes"]]


def test_every_page_offers_what_works(reader: TestClient, read_house: Installation) -> None:
    change = next(iter(every_change(read_house, kinds=("added",))))
    pages = (
        "/changes?kind=added&state=TX", "/lists/participating?state=TX", "/states/TX", "/report",
        f"/agencies/{change.agency_id}", "/compare?list=participating&from=2025-09-12&to=2025-10-22",
    )  # fmt: skip
    for address in pages:
        offered = page(reader, address).xpath("//p[@class='take']//a/@href")
        assert len(offered) >= 3, address
        for link in offered:
            assert reader.get(link).status_code == 200, link
        feeds = page(reader, address).xpath("//link[@rel='alternate']/@href")
        assert all(reader.get(feed).status_code == 200 for feed in feeds)


def test_a_filter_is_offered_as_settings_where_settings_have_it(reader: TestClient) -> None:
    [lines] = page(reader, "/changes?kind=added&state=texas&list=participating").xpath(
        "//details//pre/code/text()"
    )
    assert 'COUNTERSIGN_NOTIFY_KINDS="added"' in lines
    assert 'COUNTERSIGN_NOTIFY_LISTS="participating"' in lines
    assert 'COUNTERSIGN_NOTIFY_STATES="TX"' in lines
    assert not page(reader, "/changes?q=county").xpath("//details//pre")


def test_the_log_is_sent_while_it_is_read(installation: Installation) -> None:
    with client_of(create_app(installation)) as client:
        answer = client.get("/changes.csv")
        assert "content-length" not in answer.headers
        assert answer.headers["access-control-allow-origin"] == "*"
