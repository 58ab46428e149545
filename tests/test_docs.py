"""The documentation names what there is, and nothing that there is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import bootstrap
from commands.clock import OVERDUE
from countersign import BUG, INTERRUPTED, app
from pipelines.outcome import HELD
from scraper.errors import CountersignError
from scraper.settings import PREFIX, Settings

HERE = Path(__file__).parents[1]
PAGES = [HERE / "README.md", HERE / "CONTRIBUTING.md", *sorted((HERE / "docs").rglob("*.md"))]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
README = (HERE / "README.md").read_text(encoding="utf-8")
COMMANDS = (HERE / "docs" / "commands.md").read_text(encoding="utf-8")
SET_UP = ("python3 bootstrap.py demo", "python3 bootstrap.py test")


def commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in getattr(group, "commands", {}).items():
        yield before + name, command
        yield from commands(command, f"{before}{name} ")


REGISTERED = dict(commands(get_command(app)))


def section(name: str) -> str:
    """What docs/commands.md says of one command, from its heading to the next one."""
    found = re.search(
        rf"^### `countersign {re.escape(name)}(?: [^a-z`][^`]*)?`\n(.*?)(?=^##|\Z)", COMMANDS, re.M | re.S
    )
    assert found, f"docs/commands.md has no section for `countersign {name}`"
    return found[1]


def errors(root: type[CountersignError]) -> Iterator[type[CountersignError]]:
    yield root
    for narrower in root.__subclasses__():
        yield from errors(narrower)


@pytest.mark.parametrize("name", sorted(REGISTERED))
def test_a_command_is_described_with_all_its_options(name: str) -> None:
    said = section(name)
    options = [o for p in REGISTERED[name].params for o in p.opts if o.startswith("--") and o != "--help"]
    assert [option for option in options if f"`{option}`" not in said] == []


def test_no_command_is_described_that_there_is_not() -> None:
    headings = re.findall(r"^### `countersign ((?:[a-z]+ ?)+)", COMMANDS, re.M)
    assert {name.strip() for name in headings} == set(REGISTERED)
    printed = set(re.findall(r"(?:bin/|`)countersign ([a-z]+)", TEXT))
    assert printed <= {name.split()[0] for name in REGISTERED}


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_a_setting_is_described(name: str) -> None:
    assert f"| `{PREFIX}{name.upper()}` |" in COMMANDS


def test_no_setting_is_described_that_there_is_not() -> None:
    named = set(re.findall(rf"\b{PREFIX}([A-Z_]+)\b", TEXT))
    assert named <= {name.upper() for name in Settings.model_fields}


def test_every_exit_code_is_described() -> None:
    codes = {0, BUG, INTERRUPTED, HELD, OVERDUE} | {error.exit_code for error in errors(CountersignError)}
    table = COMMANDS.split("## Exit codes\n")[1].split("\n## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)} == codes


@pytest.mark.parametrize("command", SET_UP)
def test_the_two_commands_are_those_of_bootstrap(command: str) -> None:
    assert f"```sh\n{command}\n```" in README
    assert command in (bootstrap.__doc__ or "")
    assert command.split()[-1] in bootstrap.LOCK


def test_ci_runs_the_second_as_it_is_printed() -> None:
    assert SET_UP[1] in (HERE / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_every_link_leads_to_a_file() -> None:
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8"))]
    broken = [
        (page.name, link) for page, link in links if "://" not in link and not (page.parent / link).exists()
    ]
    assert links
    assert broken == []


def test_the_targets_for_developers_are_those_of_the_makefile() -> None:
    page = (HERE / "CONTRIBUTING.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (HERE / "Makefile").read_text(encoding="utf-8"), re.M))
    named = set(re.findall(r"\bmake ([a-z]+)$", page, re.M))
    assert named
    assert named <= targets
