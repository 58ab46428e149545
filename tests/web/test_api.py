"""The API says what the command line says, page by page, and no question breaks it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

import countersign
from pipelines.installation import Installation
from tests.web.conftest import TOKEN
from web.app import create_app


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert countersign.run([*arguments, "--format", "json"]) in (0, 3)
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def commands(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(installation.settings.home))


@pytest.mark.usefixtures("commands")
def test_the_api_and_the_command_line_print_the_same(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = printed(capsys, "changes")
    assert len(changes) > 130
    assert client.get("/api/v1/changes?limit=500").json() == {"changes": changes, "next": None}
    assert client.get(f"/api/v1/changes/{changes[0]['id']}").json() == changes[0]
    some = printed(capsys, "changes", "--list", "pending", "--kind", "added,removed", "--since", "2025-09-20")
    asked = "/api/v1/changes?list=pending&kind=added&kind=removed&since=2025-09-20&limit=500"
    assert client.get(asked).json()["changes"] == some
    lists = printed(capsys, "lists")
    for item in lists:
        del item["declared"]  # a file of this machine is nobody else's business
    assert client.get("/api/v1/lists").json() == lists
    assert client.get("/api/v1/held").json() == printed(capsys, "held")
    shown = printed(capsys, "show", "participating", "--as-of", "2025-10-01")
    assert client.get("/api/v1/agreements?list=participating&as_of=2025-10-01").json() == shown
    report = printed(capsys, "report", "--list", "participating")
    assert client.get("/api/v1/report?list=participating").json() == report
    [life] = printed(capsys, "agency", changes[0]["agency_id"])
    assert client.get(f"/api/v1/agencies/{changes[0]['agency_id']}").json() == life
    claim = printed(capsys, "claim", "more than 100 agencies")
    assert client.get("/api/v1/claim?text=more+than+100+agencies").json() == claim


def test_cursors_lead_through_all_changes_in_both_orders(reader: TestClient) -> None:
    whole = reader.get("/api/v1/changes?limit=500").json()["changes"]
    for order in ("oldest", "newest"):
        found: list[Any] = []
        after = ""
        while after is not None:
            told = reader.get(
                f"/api/v1/changes?limit=17&order={order}" + (f"&after={after}" if after else "")
            ).json()
            found += told["changes"]
            after = told["next"]
        assert found == (whole if order == "oldest" else whole[::-1])


def test_publications_are_paged_too(reader: TestClient) -> None:
    whole = reader.get("/api/v1/publications?list=participating").json()["publications"]
    found: list[Any] = []
    before: str | None = ""
    while before is not None:
        query = f"list=participating&limit=2{f'&before={quote(before)}' if before else ''}"
        told = reader.get(f"/api/v1/publications?{query}").json()
        found += told["publications"]
        before = told["next"]
    assert found == whole
    assert {row["state"] for row in whole} >= {"recorded", "held", "unchanged"}


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("changes?list=other", 404), ("changes?since=never", 422), ("changes?kind=new", 422), ("changes?limit=0", 422),
        ("changes?after=x", 422), ("changes/x", 404), ("agencies/x", 404), ("agencies", 422), ("states/ZZ", 422),
        ("agreements", 422), ("agreements?list=x", 404), ("agreements?list=pending&as_of=1990-01-01", 422),
        ("report?week=x", 422), ("runs?before=-1", 422), ("nothing", 404), ("claim", 422),
    ],
)  # fmt: skip
def test_wrong_questions_are_answered_as_json(reader: TestClient, address: str, status: int) -> None:
    answer = reader.get(f"/api/v1/{address}")
    assert answer.status_code == status
    assert len(answer.json()["error"]) > 8


@pytest.mark.parametrize("text", ["", "%20", "%0D", "%E2%80%83"])
def test_an_agency_is_not_found_by_a_text_without_words(reader: TestClient, text: str) -> None:
    answer = reader.get(f"/api/v1/agencies?q={text}")
    assert answer.status_code in (200, 422)
    assert not answer.json().get("agencies")


@pytest.mark.long
def test_schemathesis_finds_no_way_to_break_it(installation: Installation) -> None:
    """Random questions, valid and not, of every address: no server error, and answers are as described."""
    import schemathesis
    from hypothesis import HealthCheck, given, settings
    from schemathesis.checks import CHECKS, load_all_checks

    load_all_checks()
    wanted = [CHECKS.get_one(name) for name in ("not_a_server_error", "response_schema_conformance")]
    schema = schemathesis.openapi.from_asgi(
        "/api/v1/openapi.json", create_app(installation, TOKEN), headers={"Host": "localhost"}
    )
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "localhost"}
    quick = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    asked: Counter[str] = Counter()

    def ask(case: Any) -> None:
        asked[case.operation.path] += 1
        case.call_and_validate(headers=headers, checks=wanted)

    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]
        if (operation.path, operation.method) != (
            "/api/v1/crawl",
            "post",
        ):  # it would look at the real publisher
            quick(given(operation.as_strategy())(ask))()
    assert len(asked) > 15
    assert asked.total() > 200


def test_the_description_is_one_that_clients_are_made_from(reader: TestClient) -> None:
    told = reader.get("/api/v1/openapi.json").json()
    assert told["servers"] == [{"url": "/"}]
    known = {tag["name"] for tag in told["tags"]}
    operations = [one for methods in told["paths"].values() for one in methods.values()]
    assert all(one["tags"] and set(one["tags"]) <= known for one in operations)
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names)
    assert {"get_changes", "get_agency", "do_reviews"} <= set(names)
    assert {scheme["type"] for scheme in told["components"]["securitySchemes"].values()} == {"http", "apiKey"}
    for path, methods in told["paths"].items():
        for method, one in methods.items():
            assert bool(one.get("security")) is (method == "post"), path
