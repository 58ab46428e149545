"""Who may ask, who may act, and what every answer carries."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pipelines.installation import Installation
from tests.web.conftest import TOKEN, client_of
from web.app import BODY_LIMIT, create_app
from web.keys import COOKIE, TRIES, Keys, is_loopback, token_of_home
from web.rendering import local

ACTIONS = (
    "/changes/review", "/held/x/accept", "/held/x/reject", "/crawl", "/api/v1/crawl", "/api/v1/reviews",
    "/api/v1/held/x/accept", "/api/v1/held/x/reject",
)  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/changes",
        "/nowhere",
        "/api/v1/lists",
        "/api/v1/nowhere",
        "/static/page.js",
        "/healthz",
        "/changes?since=x",
    ],
)
def test_every_answer_is_dressed(reader: TestClient, address: str) -> None:
    headers = reader.get(address).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("localhost:8287", 200), ("127.0.0.1:1", 200), ("[::1]:8287", 200), ("LOCALHOST.", 200),
        ("lists.example.org", 200), ("evil.example", 421), ("localhost.evil.example", 421), ("", 421),
        ("localhost:8287@evil.example", 421), ("lists.example.org.evil.example", 421), ("127.0.0.1.nip.io", 421),
    ],
)  # fmt: skip
def test_only_our_hosts_are_answered(read_house: Installation, host: str, status: int) -> None:
    with client_of(create_app(read_house, TOKEN, hosts=["lists.example.org"])) as client:
        assert client.get("/healthz", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("address", ACTIONS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"},
        {"Origin": "null"}, {"Origin": "http://localhost:99"}, {},
    ],
)  # fmt: skip
def test_another_site_cannot_act_for_whoever_is_signed_in(
    signed_in: TestClient, address: str, headers: dict[str, str]
) -> None:
    del signed_in.headers["Sec-Fetch-Site"]
    answer = signed_in.post(address, headers=headers)
    assert answer.status_code == 403
    assert "not from another site" in answer.text


@pytest.mark.parametrize("address", ACTIONS)
def test_nobody_acts_without_the_token(client: TestClient, address: str) -> None:
    answer = client.post(address, data={"status": "confirmed", "change": "x", "note": "n"})
    expected = 401 if address.startswith("/api/") else 303
    assert answer.status_code == expected
    if expected == 303:
        assert answer.headers["location"] == "/sign-in"
    assert client.post(address, headers={"Authorization": "Bearer wrong"}).status_code in (303, 401, 429)


def test_actions_are_off_when_no_token_is_set(installation: Installation) -> None:
    with client_of(create_app(installation)) as client:
        client.headers["Origin"] = "http://localhost"
        for address in ACTIONS:
            assert client.post(address).status_code == 403, address
        assert client.post("/sign-in", data={"token": "", "name": "x"}).status_code == 403
        assert "Sign in" not in client.get("/changes").text


def test_the_cookie_is_kept_from_scripts_and_other_sites(client: TestClient) -> None:
    answer = client.post("/sign-in", data={"token": TOKEN, "name": "Rosa Reader", "next": "/held"})
    assert answer.headers["location"] == "/held"
    [cookie] = [value for value in answer.headers.get_list("set-cookie") if value.startswith(f"{COOKIE}=")]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    assert TOKEN not in cookie
    assert "Rosa Reader" in client.get("/").text
    client.post("/sign-out")
    assert "Rosa Reader" not in client.get("/").text


def test_the_cookie_is_secure_behind_tls(installation: Installation) -> None:
    with TestClient(
        create_app(installation, TOKEN), base_url="https://localhost", follow_redirects=False
    ) as client:
        answer = client.post(
            "/sign-in", data={"token": TOKEN, "name": "R"}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert all("Secure" in value for value in answer.headers.get_list("set-cookie"))


def test_a_cookie_cannot_be_forged_and_ends_with_its_token() -> None:
    keys = Keys("one")
    cookie = keys.cookie("Rosa")
    person = keys.person(cookie)
    assert person is not None
    assert person.name == "Rosa"
    until, name, signature = cookie.split(".")
    later = f"{int(until) + 1}.{name}.{signature}"
    for forged in (
        later,
        f"{until}.QW5uYQ==.{signature}",
        f"{until}.{name}.",
        "",
        "..",
        "1.2",
        "é.é.é",
        None,
    ):
        assert keys.person(forged) is None
    assert Keys("two").person(cookie) is None
    assert Keys(None).person(cookie) is None
    assert not Keys(None).fits("")


def test_guessing_the_token_is_slowed_down(client: TestClient) -> None:
    for _ in range(TRIES):
        assert client.post("/sign-in", data={"token": "guess", "name": "x"}).status_code == 401
    answer = client.post("/sign-in", data={"token": TOKEN, "name": "x"})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 200
    bearer = client.post("/api/v1/reviews", headers={"Authorization": f"Bearer {TOKEN}"}, json={})
    assert bearer.status_code == 429


def test_a_whole_ipv6_network_counts_as_one_who_guesses() -> None:
    keys = Keys("one")
    for last in range(TRIES):
        keys.failed(f"2001:db8::{last}")
    assert keys.wait("2001:db8::ffff") > 0
    assert keys.wait("2001:db8:0:1::1") == 0


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb", "", None],
)
def test_signing_in_leads_nowhere_else(target: str | None) -> None:
    assert local(target) == "/"
    assert local("/changes?q=a") == "/changes?q=a"


def test_bodies_have_a_limit(signed_in: TestClient) -> None:
    answer = signed_in.post("/changes/review", content=b"x" * (BODY_LIMIT + 1))
    assert answer.status_code == 413
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_bug_is_told_without_its_details(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(installation, TOKEN)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("the password is swordfish")

    with client_of(app) as client:
        answer = client.get("/broken")
    assert answer.status_code == 500
    assert "swordfish" not in answer.text
    assert "content-security-policy" in answer.headers
    assert "swordfish" in caplog.text


def test_a_database_that_is_gone_is_told_with_503(installation: Installation) -> None:
    with client_of(create_app(installation, TOKEN)) as client:
        installation.engine.dispose()
        database = Path(installation.engine.url.database or "")
        database.write_bytes(b"this is no database" * 100)
        for left in ("-wal", "-shm"):
            database.with_name(database.name + left).unlink(missing_ok=True)
        for address in ("/", "/changes", "/api/v1/changes"):
            answer = client.get(address)
            assert answer.status_code == 503, address
            assert "database" in answer.text


def test_the_token_of_a_home_is_for_its_owner_alone(tmp_path: Path) -> None:
    token, made = token_of_home(tmp_path)
    assert made
    assert len(token) >= 32
    assert token_of_home(tmp_path) == (token, False)
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("127.8.8.8", True), ("0.0.0.0", False),  # noqa: S104
     ("::", False), ("192.168.1.2", False), ("lists.example.org", False)],
)  # fmt: skip
def test_only_loopback_gets_a_token_by_itself(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    "text", ["%00", "a%01b", "%1b[31m", "%7f", "%EF%BF%BE", "%EF%BF%BF", "%ED%A0%80", "%ff"]
)
@pytest.mark.parametrize(
    "address",
    ["/changes?q={}", "/feeds/changes.atom?state={}", "/feeds/changes.json?list={}", "/claim?text={}", "/agencies/{}",
     "/api/v1/changes?agency={}", "/api/v1/agencies?q={}", "/report?{}=1", "/lists/{}", "/states/{}", "/raw/{}"],
)  # fmt: skip
def test_what_is_no_text_is_refused(reader: TestClient, address: str, text: str) -> None:
    answer = reader.get(address.format(text))
    assert answer.status_code == 400
    assert "characters that are no text" in answer.text


def test_lines_and_tabs_are_text(reader: TestClient) -> None:
    assert reader.get("/claim?text=more+than+10%0D%0A%09agencies").status_code == 200


@pytest.mark.parametrize(
    ("address", "shared"),
    [
        ("/api/v1/lists", True),
        ("/feeds/changes.json", True),
        ("/report.json", True),
        ("/changes", False),
        ("/", False),
    ],
)
def test_scripts_of_other_sites_read_data_and_no_pages(
    reader: TestClient, address: str, shared: bool
) -> None:
    headers = {"Origin": "https://news.example", "Access-Control-Request-Method": "GET"}
    answer = reader.get(address, headers=headers)
    assert answer.headers.get("access-control-allow-origin") == ("*" if shared else None)
    assert "access-control-allow-credentials" not in answer.headers
    asked_before = reader.options(address, headers=headers)
    assert (asked_before.status_code == 204) is shared


def test_scripts_of_other_sites_never_act(signed_in: TestClient) -> None:
    headers = {"Origin": "https://news.example", "Sec-Fetch-Site": "cross-site"}
    answer = signed_in.post("/api/v1/reviews", headers=headers, json={})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_reading_by_scripts_of_other_sites_can_be_switched_off(installation: Installation) -> None:
    closed = replace(installation, settings=installation.settings.model_copy(update={"cors": False}))
    with client_of(create_app(closed)) as client:
        assert "access-control-allow-origin" not in client.get("/api/v1/lists").headers


@pytest.mark.parametrize("text", ["a\0b", "\x1b[31m", "\ufffe"])
def test_what_is_no_text_is_not_taken_down(signed_in: TestClient, bearer: dict[str, str], text: str) -> None:
    form = {"status": "confirmed", "change": "x", "note": text}
    assert signed_in.post("/changes/review", data=form).status_code == 422
    assert signed_in.post("/held/x/reject", data={"note": text}).status_code == 422
    order = {"changes": ["x"], "status": "confirmed", "note": text}
    answer = signed_in.post("/api/v1/reviews", headers=bearer, json=order)
    assert answer.status_code == 422
    assert "no text" in answer.json()["error"]
