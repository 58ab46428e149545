"""The site: every link of the folder leads to a file, and the bytes are the same however it was built."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from demo.made import Week
from pipelines.installation import Installation
from scraper.errors import StorageError, UsageError
from tests.pipelines.conftest import History, files_of, history, new_history, published
from tests.web.test_browser import browser
from web.site import INDEX, build

__all__ = ["browser", "history", "new_history", "published"]

LINK = re.compile(r' (?:href|src)="([^"#?]*)[^"]*"')


def bytes_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def told(history: History, published: list[Week]) -> History:
    history.feed(files_of(published))
    return history


def test_every_link_leads_to_a_file_and_none_begins_with_a_slash(told: History, tmp_path: Path) -> None:
    built = build(told.installation, tmp_path / "site")
    assert built.refused == []
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 300
    for page in pages:
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", target):
                assert not target.startswith("/"), (page, target)
                assert not target or (page.parent / target).is_file(), (page, target)


def test_every_change_and_agency_has_its_page_and_its_data(told: History, tmp_path: Path) -> None:
    build(told.installation, tmp_path / "site")
    for change in told.changes():
        page = (tmp_path / "site" / "changes" / f"{change['id']}.html").read_text(encoding="utf-8")
        assert change["sha256"] in page
        data = json.loads(
            (tmp_path / "site" / "changes" / f"{change['id']}.json").read_text(encoding="utf-8")
        )
        assert (data["id"], data["title"]) == (change["id"], data["title"])
        assert (tmp_path / "site" / "agencies" / f"{change['agency_id']}.html").is_file()
    index = (tmp_path / "site" / "search.js").read_text(encoding="utf-8")
    assert all(json.dumps(change["agency"], ensure_ascii=False) in index for change in told.changes("added"))


def test_built_twice_nothing_is_written(told: History, tmp_path: Path) -> None:
    build(told.installation, tmp_path / "site")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "site").rglob("*") if path.name != INDEX}
    assert build(told.installation, tmp_path / "site").written == []
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_step_by_step_or_at_once_the_bytes_are_the_same(
    new_history: Callable[[], History], published: list[Week], tmp_path: Path
) -> None:
    files, made = files_of(published), new_history()
    for start in range(0, len(files), 8):
        made.feed(files[start : start + 8])
        build(made.installation, tmp_path / "steps")
    build(made.installation, tmp_path / "once")
    assert bytes_of(tmp_path / "steps") == bytes_of(tmp_path / "once")


def test_check_writes_nothing(told: History, tmp_path: Path) -> None:
    built = build(told.installation, tmp_path / "site", check=True)
    assert len(built.written) > 300
    assert not (tmp_path / "site").exists()


def test_a_build_that_breaks_off_leaves_whole_files(told: History, tmp_path: Path) -> None:
    build(told.installation, tmp_path / "site")
    old = bytes_of(tmp_path / "site")
    (tmp_path / "site" / "index.html").write_text("spoilt", encoding="utf-8")
    (tmp_path / "site" / "search.html").unlink()
    (tmp_path / "site" / "search.html").mkdir()  # cannot be written
    with pytest.raises(StorageError, match="cannot be written"):
        build(told.installation, tmp_path / "site")
    (tmp_path / "site" / "search.html").rmdir()
    (tmp_path / "site" / INDEX).unlink()
    build(told.installation, tmp_path / "site")
    assert bytes_of(tmp_path / "site") == old


def test_with_a_public_address_there_are_feeds_a_map_of_the_site_and_what_the_data_are(
    told: History, tmp_path: Path
) -> None:
    settings = told.installation.settings.model_copy(update={"public_url": "https://news.example/tracker"})
    build(replace(told.installation, settings=settings), tmp_path / "site")
    feed = (tmp_path / "site" / "feeds" / "changes.atom").read_text(encoding="utf-8")
    assert "site.invalid" not in feed
    for address in re.findall(r'href="https://news.example/tracker/([^"]*)"', feed):
        assert not address or (tmp_path / "site" / address).is_file(), address
    sitemap = (tmp_path / "site" / "sitemap.xml").read_text(encoding="utf-8")
    assert "<loc>https://news.example/tracker/index.html</loc>" in sitemap
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    [data] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert json.loads(data)["@type"] == "Dataset"


def test_staff_addresses_never_leave(told: History, tmp_path: Path) -> None:
    build(told.installation, tmp_path / "site")
    for path in (tmp_path / "site").rglob("*"):
        if path.suffix in (".html", ".json", ".ndjson", ".csv", ".js", ".xml"):
            assert "clerk@" not in path.read_text(encoding="utf-8").replace("%40", "@")


def test_an_empty_home_has_nothing_to_publish(new_history: Callable[[], History], tmp_path: Path) -> None:
    installation: Installation = new_history().installation
    with pytest.raises(UsageError, match="Nothing is recorded yet"):
        build(installation, tmp_path / "site")


@pytest.mark.browser
def test_the_search_works_from_a_folder(
    told: History, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    build(told.installation, tmp_path / "site")
    browser: Browser = request.getfixturevalue("browser")
    agency = told.changes("added")[0]["agency"]
    page = browser.new_page()
    page.goto(f"{(tmp_path / 'site' / 'index.html').as_uri()}")
    page.fill("form.find input", agency)
    page.click("form.find button")
    page.click(f"#found a:has-text({json.dumps(agency)})")
    assert agency in page.inner_text("h1")
