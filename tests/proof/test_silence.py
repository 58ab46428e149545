"""Importing does nothing: no network, no file written, no thread left; and nothing weak by the tools' rules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
ROOMS = ("commands", "scraper", "pipelines", "changelog", "web", "demo", "migrations")
# env.py and the migrations are run by Alembic, never imported.
SPARED = ("migrations/env.py", "migrations/versions/")

SILENT = """
import os, sys, threading
from importlib import import_module

def told(event, arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        raise SystemExit(f"importing used the network: {event} {arguments}")
    if event == "open" and isinstance(arguments[0], str) and "w" in str(arguments[1] or ""):
        if "__pycache__" not in arguments[0]:
            raise SystemExit(f"importing wrote a file: {arguments}")

sys.dont_write_bytecode = True
sys.addaudithook(told)
for name in sys.argv[1:]:
    import_module(name)
left = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
if left:
    raise SystemExit(f"importing left threads: {left}")
print(len(sys.argv) - 1, "modules")
"""


def modules() -> list[str]:
    paths = [path.relative_to(HERE) for room in ROOMS for path in sorted((HERE / room).rglob("*.py"))]
    named = [
        ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for path in paths
        if not str(path).startswith(SPARED)
    ]
    return ["countersign", "scheduler", *named]


def test_importing_every_module_uses_no_network_and_leaves_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SILENT, *modules()],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{len(modules())} modules\n"


@pytest.mark.long
def test_bandit_finds_nothing_but_what_pyproject_gives_a_reason_for() -> None:
    pytest.importorskip("bandit", reason="bandit is on the developer page: pip install '.[dev]'")
    command = ["-m", "bandit", "--quiet", "--configfile", "pyproject.toml", "--recursive"]
    done = subprocess.run(
        [sys.executable, *command, *ROOMS, "countersign.py", "scheduler.py"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
