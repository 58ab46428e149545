"""`lists check`, `lists try`, `lists new`, and a newcomer who follows docs/lists."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from countersign import run
from demo.publisher import Publisher
from scraper.list_file import examine
from tests.lists.playing import DOCS, EXAMPLES, GUARDS, declaration, play
from tests.lists.test_examples import NAMES

ROOT = Path(__file__).parents[2]


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher() as playing:
        play(playing)
        yield playing


@pytest.fixture
def ask(home: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command; its exit code, what it printed, and what it said."""

    def command(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


def tried(ask: Any, example: str, text: str, tmp_path: Path) -> tuple[int, Any, str]:
    file = tmp_path / "lists.toml"
    file.write_text(text, encoding="utf-8")
    code, out, err = ask("lists", "try", NAMES[example], "--file", str(file), "--format", "json")
    return code, json.loads(out) if out else None, err


@pytest.mark.parametrize("example", EXAMPLES)
def test_try_shows_the_first_rows_and_keeps_nothing(
    ask: Any, publisher: Publisher, tmp_path: Path, home: Path, example: str
) -> None:
    code, told, _ = tried(ask, example, declaration(example, publisher.url), tmp_path)
    assert (code, told["outcome"], told["advice"], told["reasons"]) == (0, "recorded", [], [])
    golden = json.loads((Path(__file__).parent / "golden" / f"{example}.json").read_text(encoding="utf-8"))
    known = [{name: value for name, value in row.items() if name != "row"} for row in golden]
    assert told["rows"]
    assert all(row in known for row in told["rows"])
    assert not home.exists()


@pytest.mark.parametrize(
    ("example", "before", "after", "said"),
    [
        ("csv", '"License No."', '"Licence Nr."', 'Write: "License No." = "license"'),
        ("csv", '"City" = "city"\n', "", 'is not declared. To carry it along, write: "City" = "city"'),
        ("csv", "[3, 400]", "[300, 400]", "It has 4 rows. Write: rows = [2, 12]"),
        ("csv", '"class"', '"support_type"', "Call the column something else, like “class”."),
        ("json", '"id" = "award"', '"ident" = "award"', 'has no column “ident”, but “id”. Write: "id" = "award"'),
        ("csv", 'format = "csv"', 'format = "pdf"', 'Write: format = "csv"'),
        ("json", "data.awards", "data.grants", "there is no 'grants'"),
        ("html", 'Partner agency" }', 'Partners" }', "has 'Partners' in its header"),
        ("workbook", "Current", "Curent", "Curent"),
        ("pdf", "approved\\s+towing", "towing permits", "Its links: “Approved towing (archive)” (2024.pdf), “Approved"),
        ("pdf", 'never = "archive"', 'never = "x"', "exclude it by the list's link rule"),
        ("pages", "/interpreters?page=1", "/nothing", "is not there (404)"),
    ],
)  # fmt: skip
def test_try_on_a_wrong_entry_says_what_to_change(
    ask: Any, publisher: Publisher, tmp_path: Path, example: str, before: str, after: str, said: str
) -> None:
    text = declaration(example, publisher.url)
    assert before in text
    code, told, err = tried(ask, example, text.replace(before, after, 1), tmp_path)
    advice = [*told["advice"], *(reason["text"] for reason in told["reasons"])] if told else [err]
    assert any(said in line for line in advice), advice
    assert code in (0, 3) if told else code in (4, 5)


def test_try_compares_with_what_this_installation_knows(
    ask: Any, publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = declaration("csv", publisher.url)
    (tmp_path / "lists.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("COUNTERSIGN_LISTS", str(tmp_path / "lists.toml"))
    assert ask("crawl", "guards")[0] == 0
    publisher.serve("/guards.csv", GUARDS.replace("Peoria;B", "Peoria;C").encode("cp1252"), "text/csv")
    code, told, _ = tried(ask, "csv", text, tmp_path)
    assert (code, told["compared"], told["counts"]) == (0, True, {"amended": 1})
    assert json.loads(ask("changes", "--list", "guards", "--format", "json")[1]) == []


@pytest.mark.parametrize(
    ("path", "columns", "key"),
    [
        ("/guards.csv", {"License No.": "license_no", "Licensee": "agency", "City": "city"}, ("license_no",)),
        ("/mutual-aid", {}, ()),
        ("/api/awards?program=cameras", {"grantee.name": "agency", "grantee.state": "state"}, ("id",)),
        ("/drones", {}, ()),
        ("/t/2025.pdf", {"Permit": "permit", "Company": "agency"}, ("permit",)),
    ],
)
def test_new_drafts_an_entry_that_is_right(
    ask: Any, publisher: Publisher, tmp_path: Path, path: str, columns: dict[str, str], key: Sequence[str]
) -> None:
    code, out, _ = ask("lists", "new", publisher.url + path, "--private")
    assert code == 0
    file = tmp_path / "draft.toml"
    file.write_text(out, encoding="utf-8")
    examined = examine(file)
    if not columns:  # its columns have names that nobody can guess, and it says so
        assert all("agency" in str(problem) for problem in examined.fatal), out
        return
    assert not examined.fatal, out
    [drafted] = examined.lists
    assert {header.lower(): field for header, field in columns.items()}.items() <= drafted.columns.items()
    assert drafted.key == tuple(key)
    code, _, err = ask("lists", "try", drafted.name, "--file", str(file))
    assert code == 0, err


def test_check_says_whether_a_file_is_right(ask: Any, tmp_path: Path) -> None:
    file = tmp_path / "lists.toml"
    file.write_text(declaration("csv"), encoding="utf-8")
    assert ask("lists", "check", str(file))[0] == 0
    file.write_text(declaration("csv").replace("license", "licence", 1), encoding="utf-8")
    code, out, err = ask("lists", "check", str(file), "--format", "json")
    assert code == 2
    assert "did you mean 'license'?" in out + err


def test_bare_lists_prints_what_is_watched(ask: Any) -> None:
    code, out, _ = ask("lists", "--format", "json")
    assert code == 0
    assert [item["name"] for item in json.loads(out)] == ["participating", "pending"]


@pytest.mark.long
def test_a_newcomer_watches_a_list_in_less_than_five_minutes(publisher: Publisher, tmp_path: Path) -> None:
    """The commands of docs/lists in their order, as processes; only the address is the player's."""
    began = time.monotonic()
    text = (DOCS / "README.md").read_text(encoding="utf-8")
    steps = "\n".join(re.findall(r"```sh\n(.*?)```", text.partition("## What to say")[0], re.DOTALL))
    script = "\n".join(line.strip() for line in steps.splitlines())
    script = script.replace("https://licences.example.org", publisher.url)
    # The player is on loopback, which a real publisher is not.
    script = script.replace(".csv > lists.toml", ".csv --private > lists.toml")
    assert script.count("countersign ") == 5
    shell = f'set -e\ncountersign() {{ "{sys.executable}" -m countersign "$@"; }}\n{script}'
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")},
        "PYTHONPATH": str(ROOT),
        "COUNTERSIGN_HOME": str(tmp_path / "var"),
    }
    done = subprocess.run(
        ["sh", "-c", shell], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "guards.csv" in done.stdout
    assert "recorded" in done.stdout
    assert time.monotonic() - began < 300
