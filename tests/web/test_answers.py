"""What is kept: the same page costs no more SQL, nobody is given what was made for another, and nothing stays old."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, update
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pipelines.installation import Installation, writing
from pipelines.run import review
from pipelines.tables import incidents, publications
from tests.web.conftest import NOW, TOKEN, client_of
from tests.web.test_pages import every_change
from web.answers import KEPT_BYTES, MOVING_SECONDS, Answers
from web.app import create_app
from web.context import Versions, keep

PUBLIC = (
    "/", "/changes", "/changes?kind=renamed", "/states", "/states/FL", "/lists", "/lists/participating",
    "/agencies?q=a", "/report", "/claim?text=more+than+10+agencies", "/feeds/changes.atom", "/feeds/weeks.json",
    "/held", "/api/v1/changes", "/api/v1/report", "/api/v1/held", "/api/v1/runs",
)  # fmt: skip


@contextmanager
def statements(installation: Installation) -> Iterator[list[str]]:
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            found.append(statement)

    event.listen(installation.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(installation.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_page_asked_twice_costs_what_its_version_costs(read_house: Installation, address: str) -> None:
    with client_of(create_app(read_house, TOKEN)) as client, statements(read_house) as asked:
        first = client.get(address)
        assert len(asked) > 2
        asked.clear()
        again = client.get(address)
        assert len(asked) == 2, asked
    assert first.status_code == again.status_code == 200
    assert (first.content, first.headers["etag"]) == (again.content, again.headers["etag"])
    assert again.headers.get("content-encoding") == ("gzip" if len(again.content) > 1024 else None)


def test_nobody_is_given_the_page_of_who_is_signed_in(installation: Installation) -> None:
    app = create_app(installation, TOKEN)
    with client_of(app) as rosa, client_of(app) as other:
        rosa.headers["Sec-Fetch-Site"] = "same-origin"
        for address in ("/", "/changes", "/lists/participating", "/report"):
            other.get(address)
            rosa.post("/sign-in", data={"token": TOKEN, "name": "Rosa Reader"})
            assert "Rosa Reader" in rosa.get(address).text
            assert "Rosa Reader" not in other.get(address).text
            rosa.post("/sign-out")
            assert "Rosa Reader" not in rosa.get(address).text


def test_each_browser_has_its_own_last_visit(installation: Installation) -> None:
    clock = [NOW]
    moving = type(installation)(
        installation.settings, installation.archive, installation.engine, installation.lists, lambda: clock[0]
    )
    app = create_app(moving)
    with client_of(app) as one, client_of(app) as other:
        one.get("/changes")
        first = one.cookies["countersign_visits"]
        clock[0] += timedelta(minutes=5)
        other.get("/changes")
        assert other.cookies["countersign_visits"] != first
        assert one.get("/changes").headers["set-cookie"].startswith("countersign_visits=-.")


def test_what_changes_is_shown_at_once(installation: Installation) -> None:
    change = next(iter(every_change(installation)))
    with client_of(create_app(installation)) as client:
        assert "Seen in court" not in client.get(f"/changes/{change.id}").text
        review(installation, [change.id], "confirmed", "Rosa", "Seen in court")
        assert "Seen in court" in client.get(f"/changes/{change.id}").text
        assert "nobody answers" not in client.get("/").text
        with writing(installation) as connection:
            connection.execute(
                incidents.insert().values(
                    list="pending",
                    kind="failing",
                    opened_at=NOW,
                    last_at=NOW,
                    repeats=1,
                    text="nobody answers",
                    notices=0,
                )
            )
        assert "nobody answers" in client.get("/").text


def test_the_first_page_is_made_again_each_minute(installation: Installation) -> None:
    clock: list[datetime] = [NOW]
    moving = type(installation)(
        installation.settings, installation.archive, installation.engine, installation.lists, lambda: clock[0]
    )
    with client_of(create_app(moving)) as client, statements(installation) as asked:
        client.get("/")
        asked.clear()
        clock[0] += timedelta(minutes=1)
        client.get("/")
        assert len(asked) > 2
        client.get("/changes")
        asked.clear()
        clock[0] += timedelta(minutes=1)
        client.get("/changes")
        assert len(asked) == 2


def test_while_lists_are_taken_in_a_page_may_be_a_second_old(installation: Installation) -> None:
    with writing(installation) as connection:
        connection.execute(update(publications).where(publications.c.state == "held").values(state="new"))
    with client_of(create_app(installation)) as client, statements(installation) as asked:
        client.get("/changes")
        asked.clear()
        client.get("/changes")
        assert len(asked) == 2


class Counted:
    """An application of one page whose version and time are ours; it counts how often the page is made."""

    def __init__(self, make: Callable[[Request], Awaitable[Response]] | None = None) -> None:
        self.made = 0
        self.record: object = "one"
        self.time = 0.0
        self.make = make
        self.app: ASGIApp = Answers(self.page, lambda: Versions(self.record, None), lambda: self.time)

    async def page(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.made += 1
        request = Request(scope)
        keep(request)
        await asyncio.sleep(0)
        answer = (
            await self.make(request) if self.make else Response(f"page {self.made}", media_type="text/html")
        )
        await answer(scope, receive, send)

    async def asked(self, *addresses: str, **headers: str) -> list[httpx.Response]:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers
        ) as client:
            return [*await asyncio.gather(*(client.get(address) for address in addresses))]


def test_a_hundred_who_ask_at_once_get_one_page() -> None:
    page = Counted()
    answers = asyncio.run(page.asked(*["/page"] * 100))
    assert {answer.text for answer in answers} == {"page 1"}


def test_a_moving_record_is_shown_a_second_old_at_most() -> None:
    page = Counted()
    page.record = None

    async def told() -> str:
        [answer] = await page.asked("/page")
        return answer.text

    async def story() -> list[str]:
        found = [await told(), await told()]
        page.time = MOVING_SECONDS
        found.append(await told())
        page.record = "settled"
        return [*found, await told(), await told()]

    assert asyncio.run(story()) == ["page 1", "page 1", "page 2", "page 3", "page 3"]


def test_what_is_kept_has_a_bound() -> None:
    async def large(_request: Request) -> Response:
        return PlainTextResponse("x" * 3_000_000, media_type="text/html")

    page = Counted(large)
    answers = page.app
    assert isinstance(answers, Answers)

    async def story() -> None:
        for number in range(40):
            await page.asked(f"/page?n={number}")

    asyncio.run(story())
    kept = sum(answer.size for answer in answers._kept.values())
    assert 0.9 * KEPT_BYTES < kept == answers._size <= KEPT_BYTES
    asyncio.run(page.asked("/page?n=39", "/page?n=0"))
    assert page.made == 41


@pytest.mark.parametrize("status", [400, 404, 500])
def test_errors_are_not_kept(status: int) -> None:
    async def broken(_request: Request) -> Response:
        return Response("no", status)

    page = Counted(broken)

    async def story() -> list[int]:
        return [answer.status_code for _ in range(2) for answer in await page.asked("/page", "/page")]

    assert asyncio.run(story()) == [status] * 4
    assert page.made == 4


def test_a_page_that_breaks_breaks_for_all_who_wait_and_no_longer(reader: TestClient) -> None:
    async def breaking(_request: Request) -> Response:
        if page.made <= 2:
            raise RuntimeError("broken")
        return Response("well", media_type="text/html")

    page = Counted(breaking)

    async def story() -> str:
        for _ in range(2):
            with pytest.raises(RuntimeError):
                await page.asked("/page")
        [answer] = await page.asked("/page")
        return answer.text

    assert asyncio.run(story()) == "well"
