"""Every benchmark in one run, as Markdown with the machine and the versions.

    python -m benchmarks [--plot FILE.svg] [NAME ...]

runs all, or those that are named, and draws how the time grows with the rows. Peers come with
`pip install -e .[bench]`.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.table import Line, Point

NAMES = (
    "looks",
    "xlsx",
    "fixtures",
    "columns",
    "rows",
    "corpus",
    "lists",
    "stored",
    "queries",
    "many",
    "workers",
    "load",
)
PACKAGES = ("scrapy", "sqlalchemy", "openpyxl", "polars", "csv-diff", "git-history", "psycopg")
SIGNS = {True: "yes", False: "**no**", None: "-"}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    parser.add_argument("names", nargs="*", metavar="NAME")
    asked = parser.parse_args(arguments)
    names: list[str] = asked.names
    if unknown := set(names) - set(NAMES):
        sys.stderr.write(
            f"No benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}.\n"
        )
        return 2
    print(machine())
    print("\n| work | goal | measured | reached | note |\n|---|---|---|---|---|")
    points: list[Point] = []
    for name in names or NAMES:
        lines: list[Line] = import_module(f"benchmarks.{name}").measure()
        for line in lines:
            cells = (line.work, line.goal, line.measured, SIGNS[line.reached], line.note)
            print("| " + " | ".join(cells) + " |", flush=True)
            points += line.points
    if asked.plot:
        from benchmarks.plot import growth

        asked.plot.write_text(growth(points), encoding="utf-8")
    return 0


def machine() -> str:
    return (
        f"Python {platform.python_version()}, {platform.system()} {platform.release()}, "
        f"{os.cpu_count()} cores; " + ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
