"""The documentation names what there is, and nothing that there is not."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from pydantic import BaseModel
from pydantic_core import PydanticUndefinedType
from sqlalchemy import inspect, text
from typer.main import get_command

import bootstrap
from changelog.json import listed
from changelog.reports import report
from changelog.status import metrics, status_json
from changelog.wording import change_json
from commands.serve import OVERDUE
from countersign import BUG, INTERRUPTED, app
from demo.made import weeks
from demo.publisher import Publisher
from pipelines.fetch_runs import HELD, RunResult, fetch_lists
from pipelines.history.changes import ChangeFilter, read_baseline, read_changes
from pipelines.history.operations import CLOCK
from pipelines.installation import Installation, open_installation
from pipelines.record.runs import tick
from scraper.errors import CountersignError
from scraper.list_entry import EVERYWHERE, OPTIONS, PARTS
from scraper.settings import PREFIX, Settings, get_settings

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


def test_what_can_be_said_before_a_command_is_described() -> None:
    before = COMMANDS.split("\n## ")[0]
    options = [o for p in get_command(app).params for o in p.opts if o.startswith("--")]
    assert "--version" in options
    assert [option for option in options if f"{option}`" not in before] == []


def printed() -> Iterator[tuple[str, list[str]]]:
    """Every command line of the pages' sh blocks, by its command, with the options and arguments after it."""
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", TEXT, re.M | re.S):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            while words and re.match(r"[A-Z_]+=", words[0]):
                words.pop(0)
            if words and re.fullmatch(r"(?:.*bin/)?countersign", words[0]):
                several = " ".join(words[1:3])
                deep = several in REGISTERED
                yield (several, words[3:]) if deep else (words[1], words[2:])


def test_every_printed_command_line_can_be_parsed() -> None:
    """Known options only, none lacking that is required, no argument too few or too many."""
    lines = list(printed())
    assert len(lines) > 30
    for name, words in lines:
        before = [] if ">" not in words else words[words.index(">") :]
        REGISTERED[name].make_context(name, words[: len(words) - len(before)])


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


# The reference pages, held against the code.


def reference(name: str) -> str:
    return (HERE / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8")


def told_rows(page: str, heading: str) -> dict[str, list[str]]:
    """The rows of the table under a heading: what stands in backquotes first, to the cells after it."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    assert found, f"no section {heading}"
    rows = re.findall(r"^\| `([^`]+)` \|(.*)\|$", found[1], re.M)
    assert all(cells.split("|")[-1].strip() for _, cells in rows)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Two weeks of the demo's lists, so that there is something of everything to tell."""
    home = tmp_path_factory.mktemp("documented")
    with pytest.MonkeyPatch.context() as surroundings, Publisher() as publisher:
        surroundings.setenv("COUNTERSIGN_HOME", str(home))
        surroundings.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{home}/countersign.sqlite")
        surroundings.delenv("COUNTERSIGN_LISTS", raising=False)
        opened = open_installation(get_settings(), publisher.lists())
        for week in weeks()[:2]:
            publisher.show_week(week)
            opened = replace(opened, now=partial(datetime.__add__, week.published_at, timedelta(minutes=20)))
            looks = asyncio.run(fetch_lists(opened, list(opened.lists.values()), "person", "test"))
            assert {look.outcome for look in looks} == {"recorded"}
        yield opened


def test_every_metric_is_described_with_type_and_labels(installation: Installation) -> None:
    with installation.engine.begin() as connection:
        tick(connection, CLOCK, "test", installation.now())
    families = list(text_string_to_metric_families(metrics(installation).decode()))  # type: ignore[no-untyped-call]
    told = told_rows("## all\n" + reference("metrics"), "all")
    assert told.keys() == {family.name for family in families}
    for family in families:
        kind, labels, _ = told[family.name]
        assert kind == family.type
        if family.samples:
            assert {label.strip("`") for label in labels.split(", ") if label} == set(
                family.samples[0].labels
            )


def test_every_view_is_described_with_its_columns(installation: Installation) -> None:
    views = inspect(installation.engine).get_view_names()
    page = reference("sql")
    assert set(re.findall(r"^## `([a-z_]+)`", page, re.M)) == set(views)
    for view in views:
        columns = [column["name"] for column in inspect(installation.engine).get_columns(view)]
        assert list(told_rows(page, f"`{view}`")) == columns, view


def test_the_query_of_the_page_runs(installation: Installation) -> None:
    [query] = re.findall(r"```sql\n(.*?)```", reference("sql"), re.S)
    with installation.engine.connect() as connection:
        assert list(connection.execute(text(query)).keys())[:2] == ["state", "agency"]


def shapes(installation: Installation) -> Iterator[tuple[str, dict[str, Any]]]:
    with installation.engine.connect() as connection:
        found = [*read_baseline(connection, "pending"), *read_changes(connection, ChangeFilter())]
        merged: dict[str, Any] = {}
        for change in found:
            merged |= change_json(change, installation.lists[change.list])
        yield "A change", merged
        last = installation.now().date()
        yield (
            "A report",
            report(connection, installation.lists, "participating", last - timedelta(6), last + timedelta(1)),
        )
    yield "A list as of a date", listed(installation, "participating", None, None)
    yield "A look", RunResult("participating", "unchanged").as_json()
    yield "Freshness", status_json(installation)


def test_every_field_of_the_json_is_described(installation: Installation) -> None:
    page = reference("json")
    told = dict(shapes(installation))
    assert re.findall(r"^## (.+)$", page, re.M) == list(told)
    for heading, value in told.items():
        assert set(told_rows(page, heading)) == set(value), heading
    for name in status_json(installation)["lists"][0]:
        assert f"`{name}`" in told_rows(page, "Freshness")["lists"][-1]


@pytest.mark.parametrize("part", sorted(PARTS))
def test_every_key_of_a_list_is_described_with_its_default(part: str) -> None:
    told = told_rows(reference("lists"), f"`{part or '[lists.NAME]'}`")
    fields = PARTS[part].model_fields
    assert list(told) == list(fields)
    for name, field in fields.items():
        spoken = isinstance(field.default, bool | int | float | str) or bool(field.default)
        if spoken and not isinstance(field.default, BaseModel | PydanticUndefinedType) and name != "never":
            assert told[name][0] == f"`{json.dumps(field.default)}`", name


def test_every_option_of_a_format_is_described() -> None:
    told = told_rows(reference("lists"), "`options`")
    known: dict[str, set[str]] = {name: {"all"} for name in EVERYWHERE}
    for kind, options in OPTIONS.items():
        for name in options:
            known.setdefault(name, set()).add(kind)
    assert {name: set(cells[0].replace("`", "").split(", ")) for name, cells in told.items()} == known


# The page of the installation, and the site.


def layers(contract: dict[str, Any]) -> str:
    """A contract as a picture: what stands higher may import what stands lower."""
    wide = max(len(layer) for layer in contract["layers"])
    lines = [f"│ {layer:{wide}} │" for layer in contract["layers"]]
    return "\n".join([f"┌{'─' * (wide + 2)}┐", *lines, f"└{'─' * (wide + 2)}┘"])


def test_the_picture_of_the_house_is_that_of_the_contracts() -> None:
    declared = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    page = (HERE / "docs" / "architecture.md").read_text(encoding="utf-8")
    [picture] = [layers(one) for one in declared["contracts"] if one["type"] == "layers"]
    assert picture in page, f"docs/architecture.md must show\n{picture}"
    assert all(one["name"] in page for one in declared["contracts"])


def test_what_decides_the_six_questions_is_where_the_page_says() -> None:
    page = (HERE / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [A-Z][^|]+\? \| (.+) \|$", page, re.M)
    assert len(rows) == 6
    for row in rows:
        assert re.findall(r"\]\(\.\./([^)]+\.py)\)", row)
        for name, file in re.findall(r"`(\w+)` in \[[^\]]+\]\(\.\./([^)]+)\)", row):
            defined = rf"^(?:def|class) {name}\b|^{name}\b.* = "
            assert re.search(defined, (HERE / file).read_text(encoding="utf-8"), re.M), (name, file)


def test_every_page_has_its_place_in_the_site() -> None:
    nav = re.findall(r": ([\w/]+\.md)$", (HERE / "mkdocs.yml").read_text(encoding="utf-8"), re.M)
    pages = {path.relative_to(HERE / "docs").as_posix() for path in (HERE / "docs").rglob("*.md")}
    assert sorted(nav) == sorted(pages)


@pytest.mark.long
def test_the_site_is_built_without_a_warning_and_asks_no_other_host(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the site needs mkdocs-material ")
    build = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(tmp_path / "site"),
    ]
    done = subprocess.run(build, cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = [path.read_text(encoding="utf-8") for path in (tmp_path / "site").rglob("*.html")]
    assert built
    fetched = [tag for page in built for tag in re.findall(r"<(?:script|link|img|iframe)\b[^>]*>", page)]
    assert [tag for tag in fetched if re.search(r"(?:src|href)=[\"']?(?:https?:)?//", tag)] == []


def test_the_forms_for_issues_ask_for_what_helps() -> None:
    forms = sorted((HERE / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    told = {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in forms if path.stem != "config"
    }
    assert set(told) == {"wrong-change", "missed-change", "list-moved", "bug"}
    for form in told.values():
        assert form["name"]
        assert form["description"]
        fields = [item for item in form["body"] if item["type"] != "markdown"]
        assert any(item.get("validations", {}).get("required") for item in fields)
        assert len({item["id"] for item in fields}) == len(fields)
