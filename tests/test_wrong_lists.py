"""One list's trouble is its own: a wrong declaration, or a bug, stops no other list, no clock and no `status`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import countersign
import scheduler
from demo.made import weeks
from demo.publisher import Publisher
from pipelines.history.operations import open_incidents
from pipelines.installation import Installation, open_installation
from scheduler import Clock
from scraper.errors import ListError
from tests.declaring import declared_in

WRONG = {
    "cadence": """
[lists.{name}]
page = "{page}"
[lists.{name}.columns]
"STATE" = "state"
[lists.{name}.cadence]
crons = ["0 9 * * fri-mon"]
""",
    "address": """
[lists.{name}]
file = "http://[127.0.0.1/list.csv"
format = "csv"
columns = {{ "STATE" = "state" }}
""",
    "key": """
[lists.{name}]
page = "{page}"
pages = 3
columns = {{ "STATE" = "state" }}
""",
}
Door = Callable[..., tuple[int, Any]]


@pytest.fixture(params=WRONG)
def wrong(request: pytest.FixtureRequest) -> str:
    return WRONG[request.param]


@pytest.fixture
def lists(
    home: Path,
    tmp_path: Path,
    publisher: Publisher,
    wrong: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    publisher.show_week(weeks()[0])
    declared = declared_in(tmp_path, publisher)
    declared.write_text(declared.read_text() + wrong.format(name="towns", page=publisher.page_url))
    monkeypatch.setenv("COUNTERSIGN_LISTS", str(declared))
    monkeypatch.setenv("COUNTERSIGN_RETRIES", "0")
    return declared


@pytest.fixture
def door(lists: Path, capsys: pytest.CaptureFixture[str]) -> Door:
    def knock(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = countersign.run([*words])
        lines = capsys.readouterr().out.splitlines()
        return code, [json.loads(line) for line in lines] if words[0] == "crawl" else json.loads(
            "".join(lines)
        )

    return knock


def incidents(installation: Installation) -> dict[str, str]:
    with installation.engine.connect() as connection:
        return {row.list: row.text for row in open_incidents(connection)}


def test_the_others_are_crawled_and_status_shows_what_is_wrong(door: Door) -> None:
    code, looks = door("crawl", "--json")
    assert {look["list"]: look["outcome"] for look in looks} == {
        "participating": "recorded",
        "pending": "recorded",
        "towns": "failed",
    }
    assert (code, looks[-1]["exit_code"]) == (2, 2)
    assert "lists.toml, line " in looks[-1]["reason"]
    assert door("crawl", "pending", "--json")[0] == 0
    assert door("crawl", "towns", "--json") == (2, [])
    code, told = door("status", "--format", "json")
    rows = {row["list"]: row for row in told["lists"]}
    assert code == 6
    assert [rows[name]["overdue"] for name in ("participating", "pending", "towns")] == [False, False, True]
    assert rows["towns"]["incidents"][0]["text"] == looks[-1]["reason"]


@pytest.mark.usefixtures("lists")
def test_the_clock_goes_on_with_the_others(home: Path) -> None:
    assert scheduler.main(["--once"]) == 2
    installation = open_installation()
    assert "towns" in incidents(installation)
    with installation.engine.connect() as connection:
        assert (
            connection.exec_driver_sql("SELECT count(*) FROM runs WHERE outcome = 'recorded'").scalar() == 2
        )
    with pytest.raises(ListError, match="line"):
        installation.chosen(["towns"])


def test_a_list_that_becomes_wrong_stays_as_it_was(lists: Path, wrong: str, publisher: Publisher) -> None:
    good = lists.read_text().replace(wrong.format(name="towns", page=publisher.page_url), "")
    lists.write_text(good)
    installation = open_installation()
    before = dict(installation.lists)

    async def reread() -> None:
        clock = Clock(installation)
        lists.write_text(
            good.replace("delay_seconds = 0", "delay_second = 0", 1) + wrong.format(name="towns", page="x")
        )
        clock.reread()

    asyncio.run(reread())
    assert installation.lists["participating"] == before["participating"]
    assert list(installation.wrong_lists) == ["towns"]


@pytest.mark.parametrize("wrong", [""])
def test_a_bug_in_one_list_is_that_lists_own(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    import pipelines.run
    from pipelines.derive import derive

    def broken(connection: Any, declaration: Any, *rest: Any) -> Any:
        if declaration.name == "pending":
            raise KeyError("a bug")
        return derive(connection, declaration, *rest)

    monkeypatch.setattr(pipelines.run, "derive", broken)
    code, looks = door("crawl", "--json")
    found = {look["list"]: (look["outcome"], look["exit_code"]) for look in looks}
    assert (code, found) == (1, {"participating": ("recorded", 0), "pending": ("failed", 1)})
    assert "pending" in incidents(open_installation())


@pytest.mark.parametrize("wrong", [""])
def test_a_bug_while_fetching_is_recorded(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    import scraper.crawl

    async def broken(*_: Any) -> None:
        raise RuntimeError("<object object at 0x7f0000000000> is no list")

    monkeypatch.setattr(scraper.crawl, "_crawl", broken)
    code, looks = door("crawl", "--json")
    assert code == 1
    assert {look["reason"] for look in looks} == {"A bug in countersign: RuntimeError: is no list"}
    assert set(incidents(open_installation())) == {"participating", "pending"}
