"""One quiet look, cold and warm, beside urlwatch's on the same file, and beside a look that Scrapy makes alone."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import Cost, cost
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
# Ways of one look: as a command makes it, as the clock does, without the quick record, and without the quick
# fetcher either.
BY_COMMAND, BY_CLOCK, BY_SQLALCHEMY, BY_SCRAPY = "command", "clock", "SQLAlchemy", "Scrapy"
LOOKS = """
import asyncio, json, sys, time

async def never(*_):
    return False

async def quickly():
    from changelog.notices import quiet_round_of
    from pipelines.desk import chosen, open_desk
    desk, declared = open_desk()
    going, all_done = await quiet_round_of(desk, chosen(declared, ["participating"]), "person", "benchmark")
    assert all_done

async def main(way, times):
    if way == "command":
        return await quickly()
    import pipelines.looks.watch as watching
    import scraper.crawl
    from pipelines.house import open_house
    if way != "clock":
        watching.look_for_nothing_new = never
    if way == "Scrapy":
        scraper.crawl.quiet_look = never
    house, costs = open_house(), []
    for _ in range(times):
        begun = time.process_time()
        [look] = await watching.watch(house, house.chosen(["participating"]), "clock", "benchmark")
        costs.append(time.process_time() - begun)
    assert look.outcome == "unchanged", look
    print(json.dumps(costs))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def measure() -> list[Line]:
    with tempfile.TemporaryDirectory() as folder, Publisher() as publisher:
        week = weeks()[0]
        address = publisher.show(
            "participating", week.participating, week.participating_name, week.published_at
        )
        room = Path(folder)
        (room / "lists.toml").write_text(DECLARED.format(page=publisher.page_url))
        ours = {
            **_compiled_once(room / "compiled"),
            "COUNTERSIGN_HOME": str(room / "home"),
            "COUNTERSIGN_LISTS": str(room / "lists.toml"),
        }
        crawl = [str(BIN / "countersign"), "crawl", "participating"]
        peer = _urlwatch(room, address)
        for command in (crawl, peer):  # what was never seen is new
            subprocess.run(command, env=ours, check=True, capture_output=True)
        cold = _in_turns({"ours": crawl, "urlwatch": peer}, ours)
        script = [sys.executable, "-c", LOOKS]
        ways = {way: [*script, way, "1"] for way in (BY_COMMAND, BY_SQLALCHEMY, BY_SCRAPY)}
        once = _in_turns(ways, ours)
        warm = {way: _warm([*script, way, str(WARM)], ours) for way in (BY_CLOCK, BY_SQLALCHEMY, BY_SCRAPY)}
    seconds = {name: statistics.median(one.seconds for one in costs) for name, costs in cold.items()}
    memory = {name: max(one.megabytes for one in costs) for name, costs in cold.items()}
    peer_cpu = 1000 * statistics.median(one.cpu for one in cold["urlwatch"])
    cpu = {way: statistics.median(one.cpu for one in costs) for way, costs in once.items()}
    return [
        Line(
            "one quiet look, cold process, time",
            "at most 1.5 x urlwatch",
            _ratio(seconds, "{:.2f} s"),
            seconds["ours"] <= 1.5 * seconds["urlwatch"],
            f"medians of {TIMES}, in turns; ours asks for robots.txt and the page too",
        ),
        Line(
            "the same, memory",
            "at most 1.5 x urlwatch",
            _ratio(memory, "{:.0f} MB"),
            memory["ours"] <= 1.5 * memory["urlwatch"],
        ),
        Line("one quiet look, warm", "at most 30 ms CPU", f"{warm[BY_CLOCK]:.1f} ms", warm[BY_CLOCK] <= 30),
        Line(
            "the same, against urlwatch's process",
            "at most 0.1 x",
            f"{warm[BY_CLOCK] / peer_cpu:.3f} x (of {peer_cpu:.0f} ms CPU)",
            warm[BY_CLOCK] <= 0.1 * peer_cpu,
        ),
        *(
            Line(
                what,
                "-",
                f"cold {cpu[way] / cpu[BY_COMMAND]:.1f} x, warm {warm[way] / warm[BY_CLOCK]:.1f} x",
                note=f"cold {cpu[way]:.2f} s against {cpu[BY_COMMAND]:.2f} s; warm {warm[way]:.1f} ms",
            )
            for way, what in (
                (BY_SQLALCHEMY, "a quiet look that SQLAlchemy records, CPU"),
                (BY_SCRAPY, "the same, that Scrapy makes too"),
            )
        ),
    ]


def _compiled_once(folder: Path) -> dict[str, str]:
    """Both are measured as they are installed: no module is compiled anew for each process."""
    as_it_is = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return as_it_is | {"PYTHONPYCACHEPREFIX": str(folder)}


def _ratio(told: dict[str, float], shown: str) -> str:
    ours, peer = told["ours"], told["urlwatch"]
    return f"{ours / peer:.2f} x ({shown.format(ours)} against {shown.format(peer)})"


def _in_turns(commands: dict[str, list[str]], environment: dict[str, str]) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(TIMES):
        for name, command in commands.items():
            costs[name].append(cost(command, environment))
    return costs


def _warm(command: Sequence[str], environment: dict[str, str]) -> float:
    """Milliseconds of CPU at the median, once five looks have warmed the process."""
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    costs: list[float] = json.loads(done.stdout)
    return 1000 * statistics.median(costs[5:])


def _urlwatch(room: Path, address: str) -> list[str]:
    jobs = room / "urls.yaml"
    jobs.write_text(f"url: {address}\n")
    return [str(BIN / "urlwatch"), "--urls", str(jobs), "--cache", str(room / "cache.db"),
            "--config", str(room / "urlwatch.yaml"), "--hooks", str(room / "hooks.py")]  # fmt: skip
