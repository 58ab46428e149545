"""The house itself: form, types, the law of its imports, and rooms that can be read in one sitting."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
ROOMS = ("scraper", "pipelines", "changelog", "web", "commands", "demo")


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def modules() -> list[Path]:
    return [
        HERE / "countersign.py",
        HERE / "scheduler.py",
        *(p for r in ROOMS for p in (HERE / r).rglob("*.py")),
    ]


def length(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.long
@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",), ("lint-imports",)],
    ids=" ".join,
)
def test_the_tools_find_nothing(command: tuple[str, ...]) -> None:
    run(str(BIN / command[0]), *command[1:])


def test_no_module_is_longer_than_one_sitting() -> None:
    everything = [
        *HERE.glob("*.py"),
        *modules(),
        *(p for r in ("tests", "benchmarks", "docs", "migrations") for p in (HERE / r).rglob("*.py")),
    ]
    assert {str(path): count for path in everything if (count := length(path)) > 500} == {}


def test_the_lock_names_no_package_index() -> None:
    for name in ("requirements.lock", "requirements-test.lock"):
        pinned = [
            line
            for line in (HERE / name).read_text(encoding="utf-8").splitlines()
            if line.strip() and not line.lstrip().startswith("#")
        ]
        assert not [
            line for line in pinned if "://" in line or line.lstrip().startswith(("-i", "--index", "-f"))
        ]
