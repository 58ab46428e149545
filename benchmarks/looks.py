"""A look that finds nothing new, in a cold process and in a warm one."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import cost
from benchmarks.table import Line
from demo.made import weeks
from demo.publisher import Publisher

TIMES = 7
WARM = 45
BIN = Path(sys.executable).parent
DECLARED = """
[lists.participating]
page = "{page}"
private_addresses = true
delay_seconds = 0
link = {{ text = "participating" }}
[lists.participating.columns]
"STATE" = "state"
"LAW ENFORCEMENT AGENCY" = "agency"
"SUPPORT TYPE" = "support_type"
"""
LOOKS = """
import asyncio, json, sys, time
from pipelines.installation import open_installation
from pipelines.fetch_runs import fetch_lists

async def main(times):
    installation, costs = open_installation(), []
    for _ in range(times):
        begun = time.process_time()
        [look] = await fetch_lists(installation, installation.chosen(["participating"]), "clock", "benchmark")
        costs.append(time.process_time() - begun)
    assert look.outcome == "unchanged", look
    print(json.dumps(costs))

asyncio.run(main(int(sys.argv[1])))
"""


def measure() -> list[Line]:
    with tempfile.TemporaryDirectory() as folder, Publisher() as publisher:
        week = weeks()[0]
        publisher.show("participating", week.participating, week.participating_name, week.published_at)
        place = Path(folder)
        (place / "lists.toml").write_text(DECLARED.format(page=publisher.page_url))
        environment = {
            **_compiled_once(place / "compiled"),
            "COUNTERSIGN_HOME": str(place / "home"),
            "COUNTERSIGN_LISTS": str(place / "lists.toml"),
        }
        crawl = [str(BIN / "countersign"), "crawl", "participating"]
        subprocess.run(crawl, env=environment, check=True, capture_output=True)  # what was never seen is new
        cold = [cost(crawl, environment) for _ in range(TIMES)]
        warm = _warm([sys.executable, "-c", LOOKS, str(WARM)], environment)
    cpu = statistics.median(one.cpu for one in cold)
    return [
        Line(
            "a look that finds nothing new, cold process, CPU",
            "-",
            f"{cpu:.2f} s, {max(one.megabytes for one in cold):.0f} MB",
            note=f"median of {TIMES}; robots.txt, the page and the list are asked for",
        ),
        Line("the same, warm", "at most 30 ms CPU", f"{warm:.1f} ms", warm <= 30),
    ]


def _compiled_once(folder: Path) -> dict[str, str]:
    """Measured as it is installed: no module is compiled anew for each process."""
    as_it_is = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return as_it_is | {"PYTHONPYCACHEPREFIX": str(folder)}


def _warm(command: Sequence[str], environment: dict[str, str]) -> float:
    """Milliseconds of CPU at the median, once five looks have warmed the process."""
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    costs: list[float] = json.loads(done.stdout)
    return 1000 * statistics.median(costs[5:])
