"""What a cold process imports for `--help`: only what it uses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
# In a process of its own, which ends as the command does and then tells what it has loaded.
COMMAND = """
import atexit, json, sys
atexit.register(lambda: print("\\n" + json.dumps([sys.exitcode, sorted(sys.modules)])))
from countersign import run
sys.exitcode = run(sys.argv[1:])
"""
# Packages that have no business where there is nothing to show, to send or to store.
HEAVY = {
    "aiohttp", "alembic", "altair", "apprise", "apscheduler", "fastapi", "feedgen", "httpx", "jinja2", "numpy",
    "obstore", "pdfplumber", "polars", "procrastinate", "psycopg", "pyarrow", "pydantic_settings", "pypdf",
    "rapidfuzz", "scipy", "scrapy", "sqlalchemy", "starlette", "structlog", "twisted", "uvicorn", "vl_convert",
    "warcio", "xlsxwriter",
}  # fmt: skip
# What `--help` does not need either.
NOT_FOR_HELP = {"lxml", "protego", "scraper.settings", "scraper.lists"}
# A little more than was counted. Python's own are not: each version splits them up in another way.
MOST_FOR_HELP = 220


def loaded(environment: Mapping[str, str], *arguments: str) -> tuple[int, set[str], str]:
    """The exit code, the modules that do not come with Python, and what was printed on stdout."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said, _, told = done.stdout.rstrip("\n").rpartition("\n")
    code, modules = json.loads(told)
    ours = {name for name in modules if name.partition(".")[0] not in sys.stdlib_module_names}
    return code, {name for name in ours if not name.startswith("_")}, said


def of_packages(modules: set[str], names: set[str]) -> set[str]:
    return {name for name in modules if name in names or name.partition(".")[0] in names}


def test_help_imports_only_what_it_uses(home: Path) -> None:
    code, modules, said = loaded(os.environ, "--help")
    assert code == 0
    assert "crawl" in said
    assert of_packages(modules, HEAVY | NOT_FOR_HELP) == set()
    assert len(modules) <= MOST_FOR_HELP, f"{len(modules)} modules"
    assert not home.exists()
