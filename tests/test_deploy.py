"""The deployment files name commands, settings and files that there are, in a form their readers take."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from countersign import app
from demo.made import weeks
from demo.publisher import Publisher
from scraper.cadence import parse
from scraper.settings import PREFIX, Settings
from tests.declaring import declared_in

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
PAGE = ROOT / "docs" / "operations.md"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
UNITS = [path for path in FILES if path.suffix in (".service", ".timer")]


def commands() -> set[str]:
    return set(getattr(typer.main.get_command(app), "commands", {}))


@pytest.mark.parametrize("path", [*FILES, PAGE], ids=lambda path: path.name)
def test_every_setting_it_names_is_one(path: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    named = set(re.findall(r"COUNTERSIGN_[A-Z_]+[A-Z]", path.read_text()))
    assert named <= known


@pytest.mark.parametrize("path", [*FILES, PAGE], ids=lambda path: path.name)
def test_every_command_it_runs_is_one(path: Path) -> None:
    ran = re.findall(
        r"(?:-m countersign|\bbin/countersign|^countersign|`countersign) ([a-z]+)", path.read_text(), re.M
    )
    assert set(ran) <= commands()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_is_documented(path: Path) -> None:
    page = PAGE.read_text()
    assert path.name in page or path.stem in page or "Docker" in path.name


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_takes_the_units(path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True, check=False
    )
    # The program is not installed at /opt/countersign here; everything else must be right.
    complaints = [
        line
        for line in done.stderr.splitlines()
        if path.name in line and "is not executable" not in line and "Command " not in line
    ]
    assert complaints == []


def test_cron_takes_its_file() -> None:
    lines = [
        line.split(maxsplit=6)
        for line in (DEPLOY / "countersign.cron").read_text().splitlines()
        if re.match(r"[*\d]", line)
    ]
    assert len(lines) == 2
    for *fields, user, command in lines:
        assert parse(" ".join(fields))
        assert user == "countersign"
        assert "%" not in command  # cron would make a line end of it


def services(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    loaded = yaml.safe_load((DEPLOY / name).read_text())
    yield from loaded["services"].items()


@pytest.mark.parametrize("name", ["compose.yaml", "compose.postgresql.yaml"])
def test_compose_runs_what_there_is(name: str) -> None:
    for service, told in services(name):
        if "image" in told and told["image"].startswith("postgres"):
            continue
        assert (DEPLOY / told["build"]["context"] / told["build"]["dockerfile"]).is_file()
        if told.get("entrypoint"):
            assert (ROOT / told["entrypoint"][-1]).is_file()
        elif told.get("command"):
            assert told["command"][0] in commands(), service
        assert str(told["stop_grace_period"]) == "15s"  # longer than the ten seconds it needs


def test_the_image_copies_what_there_is() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert (ROOT / "requirements.lock").is_file()
    compiled = re.search(r"compileall -q (.*)", text)
    assert compiled
    assert all((ROOT / name).exists() for name in compiled[1].split())
    # What is ignored must not be needed.
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    assert not {"docs", "changelog", "migrations", "requirements.lock", "pyproject.toml"} & set(ignored)


def test_the_workflow_is_one() -> None:
    told = yaml.safe_load((DEPLOY / "github" / "watch.yml").read_text())
    triggers = told[True]  # YAML reads `on` so
    assert all(parse(one["cron"]) for one in triggers["schedule"])
    steps = told["jobs"]["watch"]["steps"]
    assert any("scheduler.py --once" in step.get("run", "") for step in steps)
    assert told["concurrency"]["cancel-in-progress"] is False


def test_every_link_of_the_page_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGE.read_text())
    assert links
    assert all((PAGE.parent / link).exists() for link in links)


@pytest.mark.long
def test_the_steps_of_the_pages_workflow_publish_a_site(tmp_path: Path, publisher: Publisher) -> None:
    """Every step that runs a command, in its order, in folders laid out as the workflow has them, twice."""
    told = yaml.safe_load((DEPLOY / "pages" / "publish.yml").read_text())
    job = told["jobs"]["publish"]
    steps = [
        step for step in job["steps"] if "run" in step and step["name"] not in ("Install", "Say how it went")
    ]
    assert [step["name"] for step in steps][-1] == "Keep"
    (tmp_path / "code").symlink_to(ROOT)
    origin, data = tmp_path / "origin.git", tmp_path / "data"
    for command in (
        ["init", "--quiet", "--bare", str(origin)],
        ["init", "--quiet", "--initial-branch", "data", str(data)],
        ["-C", str(data), "remote", "add", "origin", str(origin)],
        ["-C", str(data), "config", "push.autoSetupRemote", "true"],
    ):
        subprocess.run(["git", *command], check=True, capture_output=True)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COUNTERSIGN_HOME": str(data / "home"),
        "COUNTERSIGN_SITE": str(tmp_path / "site"),
        "COUNTERSIGN_LISTS": str(declared_in(tmp_path, publisher)),
        "COUNTERSIGN_BUILTIN": "false",
        "COUNTERSIGN_DOCUMENTS_PER_ROUND": "0",
        "COUNTERSIGN_PUBLIC_URL": "https://somebody.github.io/countersign",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    for week in weeks()[:2]:
        publisher.show_week(week)
        shutil.rmtree(tmp_path / "site", ignore_errors=True)
        for step in steps:
            place = tmp_path / step["working-directory"]
            done = subprocess.run(
                ["bash", "-e", "-c", step["run"]],
                cwd=place,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, (step["name"], done.stderr)
        (data / "home" / "countersign.sqlite").unlink()  # the next run has the archive alone
    kept = subprocess.run(
        ["git", "-C", str(origin), "log", "--oneline", "data"], capture_output=True, text=True, check=True
    )
    assert len(kept.stdout.splitlines()) == 2
    assert len(list((tmp_path / "site" / "changes").glob("*.html"))) > 5
    assert (tmp_path / "site" / "feeds" / "changes.atom").is_file()
