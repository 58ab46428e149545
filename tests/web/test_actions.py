"""What a person does from the page ends in the record, with name and note, and can be undone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from demo.made import weeks
from demo.publisher import Publisher
from demo.rudeness import slow_headers
from pipelines.history.changes import ChangeFilter, read_change, read_changes
from pipelines.history.publications import held_publications
from pipelines.installation import Installation, open_installation
from tests.web.conftest import TOKEN, client_of, settings_of
from web.app import create_app


def some_changes(installation: Installation, count: int) -> list[str]:
    with installation.engine.connect() as connection:
        return [
            change.id for change in read_changes(connection, ChangeFilter(), limit=count, newest_first=True)
        ]


def review_of(installation: Installation, identifier: str) -> dict[str, Any] | None:
    with installation.engine.connect() as connection:
        change = read_change(connection, identifier)
    assert change is not None
    return dict(change.review) if change.review else None


def held_keys(installation: Installation) -> list[str]:
    with installation.engine.connect() as connection:
        return [row.key for row in held_publications(connection)]


def test_many_changes_are_confirmed_at_once_and_undone(
    installation: Installation, signed_in: TestClient
) -> None:
    chosen = some_changes(installation, 3)
    form = {
        "change": chosen,
        "status": "confirmed",
        "note": " asked the county ",
        "next": "/changes?kind=added",
    }
    answer = signed_in.post("/changes/review", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/changes?kind=added")
    for identifier in chosen:
        review = review_of(installation, identifier)
        assert review is not None
        assert (review["status"], review["by"], review["note"]) == (
            "confirmed",
            "Rosa Reader",
            "asked the county",
        )
    assert "asked the county" in signed_in.get("/changes?reviewed=yes").text
    signed_in.post("/changes/review", data={**form, "status": "undone"})
    assert [review_of(installation, identifier) for identifier in chosen] == [None] * 3


def test_a_verdict_needs_a_change_and_a_known_status(
    installation: Installation, signed_in: TestClient
) -> None:
    [identifier] = some_changes(installation, 1)
    assert signed_in.post("/changes/review", data={"status": "confirmed"}).status_code == 422
    unknown = {"status": "approved", "change": identifier}
    assert signed_in.post("/changes/review", data=unknown).status_code == 422
    missing = {"status": "confirmed", "change": "nothing"}
    assert signed_in.post("/changes/review", data=missing).status_code == 422
    assert review_of(installation, identifier) is None


def test_a_held_list_is_accepted_once(installation: Installation, signed_in: TestClient) -> None:
    [key] = held_keys(installation)
    before = len(some_changes(installation, 1000))
    answer = signed_in.post(f"/held/{key}/accept", data={"note": "it is true"})
    assert answer.headers["location"] == f"/publications/{key}"
    assert held_keys(installation) == []
    assert len(some_changes(installation, 1000)) > before
    page = signed_in.get(f"/publications/{key}").text
    assert "accept by <bdi>Rosa Reader</bdi>" in page
    assert signed_in.post(f"/held/{key}/accept").status_code == 409
    assert signed_in.get(f"/held/{key}").status_code == 200


def test_a_held_list_is_rejected_only_with_a_note(installation: Installation, signed_in: TestClient) -> None:
    [key] = held_keys(installation)
    assert signed_in.post(f"/held/{key}/reject", data={"note": "  "}).status_code == 422
    before = some_changes(installation, 1000)
    assert signed_in.post(f"/held/{key}/reject", data={"note": "cut short"}).status_code == 303
    assert held_keys(installation) == []
    assert some_changes(installation, 1000) == before
    assert "rejected" in signed_in.get(f"/publications/{key}").text


def test_a_publication_that_is_not_held_is_not_decided(
    installation: Installation, signed_in: TestClient
) -> None:
    listed = signed_in.get("/api/v1/publications").json()["publications"]
    recorded = next(row["id"] for row in listed if row["state"] == "recorded")
    assert signed_in.post(f"/held/{recorded}/reject", data={"note": "no"}).status_code == 409
    assert signed_in.post("/held/nothing/accept").status_code == 404


def test_the_api_acts_with_the_token_alone(
    installation: Installation, client: TestClient, bearer: dict[str, str]
) -> None:
    del client.headers["Sec-Fetch-Site"]
    [identifier], [key] = some_changes(installation, 1), held_keys(installation)
    order = {"changes": [identifier], "status": "disputed", "note": "not so"}
    assert client.post("/api/v1/reviews", json=order, headers=bearer).json() == [identifier]
    review = review_of(installation, identifier)
    assert review is not None
    assert review["status"] == "disputed"
    told = client.post(f"/api/v1/held/{key}/reject", json={"note": "cut"}, headers=bearer)
    assert (told.status_code, told.json()["id"]) == (200, key)
    assert client.post(f"/api/v1/held/{key}/accept", headers=bearer).status_code == 409
    assert client.post("/api/v1/reviews", json={"changes": []}, headers=bearer).status_code == 422


@pytest.fixture
def watching(tmp_path: Path, publisher: Publisher, home: Path) -> Iterator[tuple[Installation, Publisher]]:
    """An empty installation whose lists the played publisher serves."""
    opened = open_installation(settings_of(tmp_path / "watching"), publisher.lists())
    week = weeks()[0]
    publisher.show_week(week, pending_form="number")
    yield opened, publisher
    opened.engine.dispose()


def until_ended(client: TestClient) -> dict[str, Any]:
    for _ in range(300):
        told: dict[str, Any] = client.get("/api/v1/crawl").json()
        if not told["running"]:
            return told
        time.sleep(0.05)
    raise AssertionError("the look did not end")


def test_crawl_now_looks_and_is_followed(watching: tuple[Installation, Publisher]) -> None:
    installation, _ = watching
    with client_of(create_app(installation, TOKEN)) as client:
        client.headers["Sec-Fetch-Site"] = "same-origin"
        client.post("/sign-in", data={"token": TOKEN, "name": "Rosa"})
        assert "Crawl now" in client.get("/runs").text
        assert client.post("/crawl").headers["location"] == "/runs"
        events = client.get("/runs/progress").text
        assert events.startswith("data: {")
        assert events.endswith("event: end\ndata: {}\n\n")
        told = until_ended(client)
        assert [look["outcome"] for look in told["lists"]] == ["recorded", "recorded"]
        page = client.get("/runs").text
        assert page.count("outcome-recorded") == 2
        assert "person, <bdi>Rosa</bdi>" in page
        assert len(client.get("/api/v1/runs").json()["runs"]) == 2


def test_a_second_look_is_refused_politely_while_one_goes_on(
    watching: tuple[Installation, Publisher],
) -> None:
    installation, publisher = watching
    installation = replace(
        installation, settings=installation.settings.model_copy(update={"timeout_seconds": 3.0, "retries": 0})
    )
    publisher.be_rude("page", slow_headers())
    with client_of(create_app(installation, TOKEN)) as client:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        order = {"lists": ["pending"]}
        assert client.post("/api/v1/crawl", json=order, headers=bearer).status_code == 202
        again = client.post("/api/v1/crawl", json=order, headers=bearer)
        assert again.status_code == 409
        assert "going on" in again.json()["error"]
        form = client.post("/crawl", data={"list": "pending"}, headers=bearer)
        assert form.status_code == 409
        assert '<noscript><meta http-equiv="refresh"' in client.get("/runs").text
        told = until_ended(client)
        assert [look["outcome"] for look in told["lists"]] == ["failed"]
        assert client.post("/api/v1/crawl", json={"lists": ["other"]}, headers=bearer).status_code == 404
