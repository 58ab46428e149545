"""A new list of many rows, from its file to the committed record, beside csv-diff on the two files.

One row in a thousand is new, one is gone, five say something else. The first list is in the record before. csv-diff
reads both files, compares them by the key it is given, and keeps nothing. Each in a process of its own, whose start
and imports are told beside and not counted.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.made import write_pair
from benchmarks.processes import Cost, cost
from benchmarks.stores import Store, stores
from benchmarks.table import Line, Point

FEW, MANY, MILLION = 2_000, 100_000, 1_000_000
TURNS = {FEW: 5, MANY: 5, MILLION: 3}
PEER_TIMES = {MANY: 1.0, MILLION: 0.4}
POSTGRES_TIMES = 1.5
PEAK_MB = 1_200
FIRST_DAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
GROWTH = 1.1 * MILLION / MANY
DECLARED = """
[lists.made]
file = "http://127.0.0.1/list.csv"
format = "csv"
private_addresses = true
plausible = { rows = [1, 10000000] }
[lists.made.columns]
"STATE" = "state"
"LAW ENFORCEMENT AGENCY" = "agency"
"TYPE" = "type"
"COUNTY" = "county"
"SUPPORT TYPE" = "support_type"
"SIGNED" = "signed"
"MOA" = "moa"
"ADDENDUM" = "addendum"
"""
OURS = """
import sys, time
from pathlib import Path
from pipelines.installation import open_installation
from pipelines.run import replay
from scraper.past_files import past_captures

installation = open_installation()
captures = past_captures(Path(sys.argv[2]), installation.lists["made"])
began = time.perf_counter()
found = replay(installation, captures)
taken = time.perf_counter() - began
assert [*found.values()] == ["recorded"], found
Path(sys.argv[1]).write_text(str(taken))
"""
PEER = """
import sys, time
from pathlib import Path
from csv_diff import compare, load_csv

began = time.perf_counter()
with open(sys.argv[2], newline="") as old, open(sys.argv[3], newline="") as new:
    found = compare(load_csv(old, key="MOA"), load_csv(new, key="MOA"))
taken = time.perf_counter() - began
assert found["added"] and found["removed"] and found["changed"], found
Path(sys.argv[1]).write_text(str(taken))
"""


@dataclass(slots=True)
class Taken:
    """What turns of one work took: seconds of the work alone, and what its whole processes cost."""

    seconds: list[float] = field(default_factory=list)
    processes: list[Cost] = field(default_factory=list)

    def turn(self, script: str, *paths: Path, environment: Mapping[str, str] = os.environ) -> None:
        with tempfile.NamedTemporaryFile() as told:
            command = [sys.executable, "-c", script, told.name, *map(str, paths)]
            self.processes.append(cost(command, environment))
            self.seconds.append(float(Path(told.name).read_text()))

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def whole(self) -> float:
        return statistics.median(one.seconds for one in self.processes)

    @property
    def cpu(self) -> float:
        return statistics.median(one.cpu for one in self.processes)

    @property
    def peak(self) -> float:
        return max(one.megabytes for one in self.processes)


@dataclass(frozen=True, slots=True)
class Size:
    """What was measured of lists of this many rows."""

    rows: int
    peer: Taken = field(default_factory=Taken)
    first: dict[str, Taken] = field(
        default_factory=lambda: defaultdict(Taken)
    )  # by store, as those of the next
    next: dict[str, Taken] = field(default_factory=lambda: defaultdict(Taken))


def measure() -> list[Line]:
    with tempfile.TemporaryDirectory() as name, stores() as places:
        few, many, million = (_measured(Path(name), rows, places) for rows in TURNS)
    return [
        *(_against_peer(size) for size in (few, many, million)),
        _peak(million),
        _growth(few, many, million),
        *(_on_postgres(size) for size in (many, million)),
        *(_first(size) for size in (many, million)),
    ]


def _measured(folder: Path, rows: int, places: Sequence[Store]) -> Size:
    size = Size(rows)
    old, new = write_pair(folder, rows)
    for path, day in ((old, FIRST_DAY), (new, FIRST_DAY + timedelta(days=1))):
        os.utime(path, (day.timestamp(), day.timestamp()))
    declared = folder / "lists.toml"
    declared.write_text(DECLARED)
    own = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    own["COUNTERSIGN_LISTS"] = str(declared)
    homes = {store: folder / f"{store.name}-{rows}".lower() for store in places}
    for store, home in homes.items():
        size.first[store.name].turn(OURS, old, environment=own | store.made(home))
    for turn in range(TURNS[rows]):
        for store, home in homes.items():
            copy = home.with_name(f"{home.name}-{turn}")
            settings = store.copied(home, copy)
            os.sync()  # what copying left to be written is nobody's work
            size.next[store.name].turn(OURS, new, environment=own | settings)
            store.dropped(copy)
        size.peer.turn(PEER, old, new)
    for store, home in homes.items():
        store.dropped(home)
    return size


def _against_peer(size: Size) -> Line:
    ours, peer, most = size.next["SQLite"], size.peer, PEER_TIMES.get(size.rows)
    ratio = ours.median / peer.median
    return Line(
        f"a new list of {size.rows:,} rows, all stages, recorded on SQLite, against csv-diff",
        f"at most {most} x" if most else "-",
        f"{ratio:.2f} x ({ours.median:.2f} s against {peer.median:.2f} s)",
        ratio <= most if most else None,
        f"medians of {TURNS[size.rows]}, in turns; whole processes {ours.whole:.2f} s against {peer.whole:.2f} s, "
        f"of CPU {ours.cpu:.2f} s against {peer.cpu:.2f} s",
        (Point("a new list", size.rows, ours.median), Point("csv-diff", size.rows, peer.median)),
    )


def _peak(size: Size) -> Line:
    peak = size.next["SQLite"].peak
    return Line(
        f"the same, {size.rows:,} rows, peak memory",
        f"under {PEAK_MB:,} MB",
        f"{peak:.0f} MB (csv-diff {size.peer.peak:,.0f} MB)",
        peak < PEAK_MB,
    )


def _growth(few: Size, many: Size, million: Size) -> Line:
    shorter, short, long = (size.next["SQLite"].median for size in (few, many, million))
    return Line(
        f"growth from {many.rows:,} rows to {million.rows:,}",
        f"at most {GROWTH:.0f} x",
        f"{long / short:.1f} x",
        long / short <= GROWTH,
        f"{few.rows:,} rows took {shorter:.2f} s",
    )


def _on_postgres(size: Size) -> Line:
    here, there = size.next["SQLite"], size.next["PostgreSQL"]
    ratio = there.median / here.median
    return Line(
        f"the same, {size.rows:,} rows, recorded on PostgreSQL",
        f"at most {POSTGRES_TIMES} x SQLite",
        f"{ratio:.2f} x ({there.median:.2f} s against {here.median:.2f} s)",
        ratio <= POSTGRES_TIMES,
        f"its settings as they come; peak of our process {there.peak:.0f} MB",
        (Point("a new list, PostgreSQL", size.rows, there.median),),
    )


def _first(size: Size) -> Line:
    here, there = size.first["SQLite"], size.first["PostgreSQL"]
    return Line(
        f"the first list of {size.rows:,} rows, every row new",
        "-",
        f"{here.median:.1f} s, peak {here.peak:,.0f} MB",
        note=f"once; PostgreSQL {there.median:.1f} s, {there.peak:,.0f} MB",
    )
