"""The command line against a playing publisher: outcomes, exit codes, and that nothing is lost on bad days."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import countersign
from demo.made import Week
from demo.publisher import Publisher
from demo.rudeness import answering, block_page, silent
from scraper.lists import PARTICIPATING
from scraper.past_files import past_captures

DECLARED = """
[lists.{name}]
page = "{page}"
link = {{ text = '{name}\\s+agenc', file = "{name}\\\\s*agenc" }}
other = "{other}"
private_addresses = true
delay_seconds = 0.0

[lists.{name}.columns]
"state" = "state"
"law enforcement agency" = "agency"
"type" = "type"
"county" = "county"
"support type" = "support_type"
"signed" = "signed"
"moa" = "moa"

[lists.{name}.cadence]
crons = ["0 9-20 * * mon-fri"]
time_zone = "America/New_York"

[lists.{name}.wording]
title = "{name} agencies"
added = "signed"
removed = "left"
"""

Door = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def weeks() -> list[Week]:
    from demo.made import weeks

    return weeks()


@pytest.fixture
def door(
    publisher: Publisher,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Door:
    """Runs a command of a home that watches the playing publisher; returns the exit code and its JSON."""
    lists = tmp_path / "lists.toml"
    lists.write_text(
        "".join(
            DECLARED.format(name=name, other=other, page=publisher.page_url)
            for name, other in (("participating", "pending"), ("pending", "participating"))
        )
    )
    monkeypatch.setenv("COUNTERSIGN_LISTS", str(lists))
    monkeypatch.setenv("COUNTERSIGN_RETRIES", "0")
    monkeypatch.setenv("COUNTERSIGN_TIMEOUT_SECONDS", "2")

    def knock(*words: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = countersign.run(list(words))
        out = capsys.readouterr().out
        if words[0] == "crawl":
            return code, {look["list"]: look for look in map(json.loads, out.splitlines())}
        return code, (json.loads(out) if out[:1] in "[{" else out) if out else None

    return knock


def show(publisher: Publisher, week: Week) -> None:
    publisher.show_week(week, pending_form="number")


@pytest.fixture
def watched(door: Door, publisher: Publisher, weeks: list[Week]) -> Door:
    """Two publications were crawled: a baseline and its first changes."""
    for week in weeks[:2]:
        show(publisher, week)
        code, looks = door("crawl", "--json")
        assert code == 0
        assert {look["outcome"] for look in looks.values()} == {"recorded"}
    publisher.forget()
    return door


def test_a_second_look_is_unchanged_and_asks_conditionally(watched: Door, publisher: Publisher) -> None:
    code, looks = watched("crawl", "--json")
    assert code == 0
    assert {look["outcome"] for look in looks.values()} == {"unchanged"}
    statuses = {asked.path: asked.status for asked in publisher.asked if "robots" not in asked.path}
    assert sorted(statuses.values()) == [200, 304, 304]


def test_a_link_that_moved_to_the_other_form_is_followed(
    watched: Door, publisher: Publisher, weeks: list[Week]
) -> None:
    week = weeks[2]
    publisher.show(
        "participating", week.participating, week.participating_name, week.published_at, url_form="number"
    )
    code, looks = watched("crawl", "participating", "--json")
    assert (code, looks["participating"]["outcome"]) == (0, "recorded")
    assert looks["participating"]["counts"]["added"] == len(week.truth["participating"].added)


def test_a_link_that_left_is_absent(watched: Door, publisher: Publisher) -> None:
    publisher.hide("pending")
    code, looks = watched("crawl", "--json")
    assert code == 0
    assert (looks["pending"]["outcome"], looks["participating"]["outcome"]) == ("absent", "unchanged")


@pytest.mark.parametrize(
    ("rudeness", "code"),
    [
        (answering(403), 4),
        (answering(404), 4),
        (answering(500), 4),
        (silent(), 4),
        (block_page(), 4),
        (answering(200, b"this is no workbook at all", {"Content-Type": "application/octet-stream"}), 5),
    ],
    ids=["403", "404", "500", "time-out", "block page", "no workbook"],
)
def test_a_bad_day_fails_with_its_reason_and_the_good_state_stays(
    watched: Door, publisher: Publisher, rudeness: Any, code: int
) -> None:
    before = watched("changes", "--format", "json")[1]
    publisher.be_rude("participating", rudeness)
    found, looks = watched("crawl", "participating", "--json")
    assert found == code, looks
    assert looks["participating"]["outcome"] == "failed"
    assert looks["participating"]["reason"]
    assert watched("changes", "--format", "json")[1] == before
    publisher.be_kind()
    found, looks = watched("crawl", "participating", "--json")
    assert (found, looks["participating"]["outcome"]) == (0, "unchanged")


def test_a_list_that_is_held_says_so_and_a_person_releases_it(
    watched: Door, publisher: Publisher, weeks: list[Week]
) -> None:
    week = weeks[1]
    publisher.show("participating", week.pending, "participatingAgencies09182025am.xlsx", week.published_at)
    code, looks = watched("crawl", "participating", "--json")
    assert (code, looks["participating"]["outcome"]) == (3, "held")
    code, held = watched("held", "--format", "json")
    assert code == 3
    assert held[0]["reasons"]
    assert watched("reject", held[0]["id"], "--note", "the lists were exchanged")[0] == 0
    assert watched("held", "--format", "json") == (0, [])


def test_a_manifest_names_the_lists_that_are_replayed(
    door: Door, weeks: list[Week], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["list,captured_at,published_name,path"]
    for week in weeks[:3]:
        for name, body in (("participating", week.participating), ("pending", week.pending)):
            file = f"{name}{week.published_at:%m%d}.xlsx"
            (tmp_path / file).write_bytes(body)
            lines.append(f"{name},{week.published_at.isoformat()},{file},{file}")
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("\n".join(lines), encoding="utf-8")
    capsys.readouterr()
    assert countersign.run(["replay", str(manifest)]) == 0
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "participating: 3 files; 3 recorded",
        "pending: 3 files; 3 recorded",
    ]
    changes = door("changes", "--format", "json")[1]
    assert {change["list"] for change in changes} == {"participating", "pending"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"list,captured_at,published_name,path\n", "names no files"),
        (b"list,captured_at,published_name\n", "no column path"),
        (b"list,captured_at,published_name,path\npending,2025-01-01\n", "line 2: it breaks off"),
        (b"list,captured_at,published_name,path\nnone,2025-01-01,a.xlsx,a.xlsx\n", "none"),
        (b"list,captured_at,published_name,path\npending,2025-01-01,\xe9.xlsx,a.xlsx\n", "is no manifest"),
        (b"list,captured_at,published_name,path\npending,yesterday,a.xlsx,manifest.csv\n", "is not a time"),
    ],
    ids=["empty", "lacks a column", "breaks off", "an unknown list", "not UTF-8", "no time"],
)
def test_an_odd_manifest_is_told_what_is_odd(
    door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: bytes, said: str
) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_bytes(text)
    assert door("lists")[0] == 0
    capsys.readouterr()
    assert countersign.run(["replay", str(manifest)]) == 2
    assert said in capsys.readouterr().err


def test_a_manifest_is_never_taken_for_a_file_of_a_csv_list(tmp_path: Path) -> None:
    declared = replace(PARTICIPATING, format="csv")
    (tmp_path / "list.csv").write_text("STATE\nIOWA\n", encoding="utf-8")
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(
        "list,captured_at,published_name,path\nparticipating,2025-01-01,list.csv,list.csv\n", encoding="utf-8"
    )
    for path in (manifest, tmp_path / "list.csv"):
        [(_, file)] = past_captures(path, declared)
        assert file.name == "list.csv"


def test_the_version_is_that_of_the_package(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declared = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]["version"]
    assert countersign.run(["--version"]) == 0
    assert capsys.readouterr() == (f"countersign {declared}\n", "")
    assert not home.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("crawl", "nothing"),
        ("changes", "--kind", "vanished"),
        ("changes", "--since", "yesterday"),
        ("changes", "--state", "ZZ"),
        ("changes", "--since", "2025-05-02", "--until", "2025-05-01"),
        ("report", "--week", "2999-W01"),
        ("report", "--until", "2025-05-01"),
        ("changes", "--format", "yaml"),
        ("show", "participating", "--as-of", "2020-01-01"),
        ("replay", "/nowhere", "--list", "pending"),
        ("replay", "/nowhere"),
        ("replay", str(Path(__file__).parent)),
        ("replay", str(Path(__file__).parent), "--list", "pending", "--list", "participating"),
        ("reject", "nothing", "--note", "x"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told_with_exit_code_2(door: Door, words: tuple[str, ...]) -> None:
    assert door(*words)[0] == 2
