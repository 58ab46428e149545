"""In a real browser, with and without JavaScript: a person reviews, accepts, rejects, crawls; axe finds nothing."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from demo.made import weeks
from demo.publisher import Publisher
from pipelines.history.publications import held_publications
from pipelines.installation import Installation, open_installation
from tests.web.conftest import TOKEN, settings_of
from web.app import create_app

pytestmark = [pytest.mark.browser, pytest.mark.long]
PLACES = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
WITH_AND_WITHOUT = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next((place for place in PLACES if Path(place).exists()), shutil.which("chromium"))
    if not found:
        pytest.skip(f"no Chromium is installed (looked at {', '.join(PLACES)})")
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


@contextmanager
def serving(installation: Installation) -> Iterator[str]:
    """The pages as `countersign serve` serves it, on a port of its own."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(create_app(installation, TOKEN), log_level="error", timeout_graceful_shutdown=1)
    )
    thread = Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


Open = Callable[..., Page]
Serve = Callable[[Installation], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as servers:
        yield lambda installation: servers.enter_context(serving(installation))


@pytest.fixture
def opened(browser: Browser, serve: Serve) -> Iterator[Open]:
    """Opens a page in a browser of its own; a word on the console or a broken script fails the test.

    It needs `serve` so that pages are closed before their server: what a page still loads is then no trouble.
    """
    del serve
    contexts, troubles = [], []

    def open_page(base: str, scripts: bool = True, **how: Any) -> Page:
        context = browser.new_context(base_url=base, java_script_enabled=scripts, **how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def sign_in(page: Page) -> None:
    page.goto("/sign-in")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_label("Your name").fill("Rosa Reader")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Signed in as Rosa Reader")).to_be_visible()


@WITH_AND_WITHOUT
def test_changes_are_reviewed_and_undone(
    installation: Installation, serve: Serve, opened: Open, scripts: bool
) -> None:
    base = serve(installation)
    page = opened(base, scripts)
    sign_in(page)
    page.goto("/changes?kind=added")
    ticks = page.locator("input[name=change]")
    ticks.nth(0).check()
    ticks.nth(1).check()
    if scripts:
        expect(page.get_by_text("2 changes chosen")).to_be_visible()
    page.get_by_label("Note").fill("asked the county")
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator(".review-confirmed")).to_have_count(2)
    assert page.url.endswith("/changes?kind=added")
    expect(page.locator(".review-confirmed").first).to_contain_text("confirmed by Rosa Reader")
    ticks.nth(0).check()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".review-confirmed")).to_have_count(1)


@WITH_AND_WITHOUT
@pytest.mark.parametrize("verdict", ["Accept", "Reject"])
def test_a_held_list_is_decided(
    installation: Installation, serve: Serve, opened: Open, scripts: bool, verdict: str
) -> None:
    base = serve(installation)
    page = opened(base, scripts)
    page.goto("/")
    page.get_by_role("link", name="Look at it").click()
    page.get_by_role("link", name="Sign in to accept or reject it").click()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_label("Your name").fill("Rosa Reader")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    form = page.locator(f"form[action$={verdict.lower()}]")
    form.get_by_label("Note").fill("looked at the page")
    form.get_by_role("button", name=verdict).click()
    expect(page.get_by_text(f"{verdict.lower()} by Rosa Reader")).to_be_visible()
    with installation.engine.connect() as connection:
        assert held_publications(connection) == []


@WITH_AND_WITHOUT
def test_crawl_now_is_followed_to_its_end(
    tmp_path: Path, publisher: Publisher, home: Path, serve: Serve, opened: Open, scripts: bool
) -> None:
    week = weeks()[0]
    publisher.show_week(week, pending_form="number")
    watching = open_installation(settings_of(tmp_path / "watching"), publisher.lists())
    base = serve(watching)
    page = opened(base, scripts)
    sign_in(page)
    page.goto("/runs")
    page.get_by_role("button", name="Crawl now").click()
    # With scripts events arrive, without them the page asks again by itself.
    expect(page.locator("td.outcome-recorded")).to_have_count(2)
    expect(page.get_by_text("The last look from here began")).to_be_visible()
    expect(page.locator(".progress li").first).to_contain_text("recorded")
    watching.engine.dispose()


def test_the_log_is_searched_as_one_types(installation: Installation, serve: Serve, opened: Open) -> None:
    base = serve(installation)
    page = opened(base)
    page.goto("/changes")
    before = page.locator("li.change").count()
    page.keyboard.press("/")
    page.keyboard.type("police")
    expect(page.locator("li.change .agency").first).to_contain_text("Police")
    assert "q=police" in page.url
    assert 0 < page.locator("li.change").count() < before
    assert page.get_by_label("Agency").input_value() == "police"


def test_everything_is_reached_by_keyboard(installation: Installation, serve: Serve, opened: Open) -> None:
    base = serve(installation)
    page = opened(base)
    page.goto("/changes")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


PAGES = (
    "/", "/changes", "/changes?kind=renamed&kind=amended&group=week", "/agencies?q=county", "/states", "/states/FL",
    "/lists", "/lists/participating", "/lists/participating/publications", "/held", "/runs", "/report", "/feeds",
    "/compare?from=2025-09-12&to=2025-11-20", "/claim?text=more+than+100+agencies", "/method", "/api", "/sign-in",
    "/nowhere", "agency", "held", "publication", "change",
)  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_axe_finds_nothing_serious_and_nothing_runs_over(
    installation: Installation, browser: Browser, serve: Serve, width: int, scheme: Any
) -> None:
    """Every kind of page, signed in, every fold open: no serious finding, no page wider than its window."""
    axe, found = Axe(), []
    base = serve(installation)
    context = browser.new_context(
        base_url=base, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True
    )
    page = context.new_page()
    sign_in(page)
    for address in PAGES:
        page.goto(address if address.startswith("/") else first_link(page, address))
        page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"{address}: runs over its window")
        for violation in axe.run(page).response["violations"]:
            if violation["impact"] in SERIOUS:
                places = [node["target"] for node in violation["nodes"]][:3]
                found.append(f"{address}: {violation['id']} at {places}")
    context.close()
    assert found == [], "\n".join(found)


def first_link(page: Page, kind: str) -> str:
    start, path = {
        "agency": ("/changes?kind=renamed", "/agencies/"),
        "held": ("/held", "/held/"),
        "publication": ("/lists/participating/publications", "/publications/"),
        "change": ("/changes?kind=amended", "/changes/"),
    }[kind]
    page.goto(start)
    return page.locator(f"main a[href^='{path}']").first.get_attribute("href") or ""
