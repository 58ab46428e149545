"""The wheel, built from what is checked in and installed elsewhere, runs there without the checkout."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import venv
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PACKAGES = ("commands", "scraper", "pipelines", "changelog", "web", "migrations", "demo")
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PATIENCE = 30  # seconds in which a page must answer, on a busy machine too

pytestmark = pytest.mark.long


def tracked() -> list[str]:
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git checkout, so what belongs into the wheel is not known")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in a copy, so that nothing that lies about in the checkout can slip in."""
    copy = tmp_path_factory.mktemp("source") / "copy"
    for name in tracked():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run([*build, "--wheel-dir", str(out), str(copy)], out)
    [built] = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a new environment. It sees the packages that are installed here, but not
    the checkout: a `.pth` file is read, and an editable install works by one, only in an environment's own
    folder, while a path that a `.pth` adds is searched last and its own `.pth` files are not run."""
    place = tmp_path_factory.mktemp("elsewhere") / "environment"
    venv.create(place, with_pip=False)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(place)}))
    others = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    install = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "install"]
    run([*install, "--quiet", "--no-deps", "--no-index", str(wheel)], place)
    (own / "packages-of-the-tests.pth").write_text("\n".join(sorted(others)), encoding="utf-8")
    return place / "bin"


@pytest.fixture(scope="module")
def played(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the demo, as the installed program played it and as the README shows it."""
    folder = tmp_path_factory.mktemp("played")
    told = run([str(installed / "countersign"), "demo", "--home", str(folder / "home")], folder)
    batch = README.split("```text\n")[1].split("```")[0]
    assert "55 newly signed" in batch
    assert batch in told
    return folder / "home"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def clean() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COUNTERSIGN_", "PYTHON", "COV_"))
    }


def run(command: list[str], folder: Path, home: Path | None = None) -> str:
    surroundings = clean() | ({"COUNTERSIGN_HOME": str(home)} if home else {})
    done = subprocess.run(
        command, cwd=folder, env=surroundings, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_everything_that_runs_is_within(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        within = set(archive.namelist())
    needed = {name for name in tracked() if name.split("/")[0] in PACKAGES}
    kinds = {Path(name).suffix for name in needed}
    assert {".py", ".html", ".css", ".js", ".mako"} <= kinds
    assert needed | {"countersign.py", "scheduler.py"} <= within, sorted(needed - within)
    strange = {name.split("/")[0] for name in within} - {*PACKAGES, "countersign.py", "scheduler.py"}
    assert all(name.endswith(".dist-info") for name in strange), strange


def test_the_version_comes_from_one_place(wheel: Path, installed: Path, elsewhere: Path) -> None:
    assert wheel.name.split("-")[:2] == [DECLARED["name"], DECLARED["version"]]
    asked = "from importlib.metadata import version; print(version('countersign'))"
    assert run([str(installed / "python"), "-c", asked], elsewhere).strip() == DECLARED["version"]
    spelled = [
        name
        for name in tracked()
        if name.split("/")[0] in (*PACKAGES, "countersign.py", "scheduler.py")
        and re.search(
            rf"[\"']{re.escape(DECLARED['version'])}[\"']", (ROOT / name).read_text("utf-8", "replace")
        )
    ]
    assert spelled == []
    assert version(DECLARED["name"]) == DECLARED["version"], "the environment of the tests is an older one"


def test_what_runs_is_the_wheel_and_not_the_checkout(installed: Path, elsewhere: Path) -> None:
    rooms = ", ".join((*PACKAGES, "countersign", "scheduler"))
    asked = f"import {rooms}\nfor room in ({rooms}): print(room.__file__)"
    places = run([str(installed / "python"), "-c", asked], elsewhere).split()
    assert len(places) == len(PACKAGES) + 2
    assert [place for place in places if not Path(place).is_relative_to(installed.parent)] == []


@pytest.mark.parametrize("door", [["countersign"], ["python", "-m", "countersign"]], ids=" ".join)
def test_both_doors_open(installed: Path, elsewhere: Path, door: list[str]) -> None:
    assert "crawl" in run([str(installed / door[0]), *door[1:], "--help"], elsewhere)


def test_migrate_makes_a_database(installed: Path, elsewhere: Path) -> None:
    home = elsewhere / "home"
    run([str(installed / "countersign"), "migrate"], elsewhere, home)
    assert (home / "countersign.sqlite").stat().st_size > 0
    run([str(installed / "countersign"), "doctor", "--format", "json"], elsewhere, home)


def test_the_clock_starts(installed: Path, elsewhere: Path) -> None:
    assert "--once" in run([str(installed / "python"), "-m", "scheduler", "--help"], elsewhere)


def test_the_demo_is_served(installed: Path, played: Path, elsewhere: Path) -> None:
    with (
        serving(str(installed / "countersign"), elsewhere, played) as address,
        httpx.Client(base_url=address) as client,
    ):
        page = client.get("/")
        assert page.status_code == 200
        styles = re.findall(r'href="(/static/[^"]+\.css[^"]*)"', page.text)
        assert styles
        assert all(client.get(style).status_code == 200 for style in styles)
        assert "countersign_looks_total" in client.get("/metrics").text


def test_the_readme_does_what_it_says(installed: Path, played: Path, elsewhere: Path) -> None:
    program = str(installed / "countersign")
    lines = re.findall(r"^\.venv/bin/countersign (.+)$", README, re.M)
    stay = {"crawl", "serve", "up"}  # one asks the live page; the two others stay until they are stopped
    told = {
        line: run(
            [program, *shlex.split(line.replace("CHANGE", a_change(program, elsewhere, played)))],
            elsewhere,
            played,
        )
        for line in lines
        if line not in stay
    }
    assert len(told) == len(lines) - len(stay) > 6
    [log] = [text for line, text in told.items() if "--kind added" in line]
    assert "Autauga County" in log
    [report] = [text for line, text in told.items() if line.startswith("report")]
    assert "55" in report


def a_change(program: str, folder: Path, home: Path) -> str:
    told = run([program, "changes", "--kind", "added", "--format", "jsonl"], folder, home)
    return str(json.loads(told.splitlines()[0])["id"])


def test_the_tutorial_does_what_it_says(installed: Path, played: Path, elsewhere: Path) -> None:
    page = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    program = str(installed / "countersign")
    lines = re.findall(r"^\.venv/bin/countersign (.+)$", page.split("## 6.")[0], re.M)
    told = {line: run([program, *shlex.split(line)], elsewhere, played) for line in lines if line != "serve"}
    assert len(told) == len(lines) - 1 > 4
    [day] = [text for line, text in told.items() if "--until" in line]
    assert day.count("added") == 55
    assert day.count("amended") == 1
    report = (elsewhere / "week-40.html").read_text(encoding="utf-8")
    assert "210 agreements of 190 agencies" in page
    assert "210 agreements of 190 agencies" in report
    [claimed] = [text for line, text in told.items() if line.startswith("claim")]
    assert "49 as agencies new to the list" in " ".join(claimed.split())


class serving:  # noqa: N801 - reads as what it does
    """`serve` on a free port, until the block ends."""

    def __init__(self, program: str, folder: Path, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.output = (folder / "serve.txt").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [program, "serve", "--port", str(self.port)],
            cwd=folder,
            env=clean() | {"COUNTERSIGN_HOME": str(home)},
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> str:
        address = f"http://127.0.0.1:{self.port}"
        for _ in attempts():
            assert self.process.poll() is None, Path(self.output.name).read_text(encoding="utf-8")
            try:
                httpx.get(f"{address}/healthz")
            except httpx.TransportError:
                continue
            return address
        self.__exit__()
        raise AssertionError(Path(self.output.name).read_text(encoding="utf-8"))

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)
        self.output.close()


def attempts() -> Iterator[float]:
    end = time.monotonic() + PATIENCE
    while (now := time.monotonic()) < end:
        yield now
        time.sleep(0.1)
