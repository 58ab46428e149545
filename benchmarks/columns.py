"""Which rows of a list were in the last one: our stream of prints, beside columns (Polars), imports included.

Both read what they had stored of the old list, then the new file, and count the rows that the old list did not have.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from array import array
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from benchmarks.made import write_pair
from benchmarks.processes import Cost, cost
from benchmarks.table import Line, Point

SIZES = {2_000: 7, 100_000: 5, 1_000_000: 3}


def measure() -> list[Line]:
    if find_spec("polars") is None:
        return [
            Line("rows known from the last list, stream against columns", "-", "-", note="no Polars here")
        ]
    with tempfile.TemporaryDirectory() as folder:
        return [line(Path(folder), size, times) for size, times in SIZES.items()]


def line(folder: Path, size: int, times: int) -> Line:
    old, new = write_pair(folder, size)
    costs: dict[str, list[Cost]] = {"stream": [], "columns": []}
    told = set()
    for way in costs:
        _run(way, old, folder / f"{size}-{way}")
    for _ in range(times):
        for way, its in costs.items():
            its.append(_run(way, new, folder / f"{size}-{way}"))
            told.add((folder / f"{size}-{way}.count").read_text())
    assert len(told) == 1, told  # noqa: S101 - else they did different work
    seconds = {way: statistics.median(one.seconds for one in its) for way, its in costs.items()}
    peaks = {way: max(one.megabytes for one in its) for way, its in costs.items()}
    return Line(
        f"which of {size:,} rows are new, a cold process: our stream against Polars",
        "-",
        f"{seconds['stream'] / seconds['columns']:.2f} x "
        f"({seconds['stream']:.2f} s, {peaks['stream']:.0f} MB against "
        f"{seconds['columns']:.2f} s, {peaks['columns']:.0f} MB)",
        note=f"medians of {times}, in turns",
        points=tuple(
            Point(f"which rows are new, {way}", size, seconds[its])
            for way, its in (("our stream", "stream"), ("Polars", "columns"))
        ),
    )


def _run(way: str, path: Path, stored: Path) -> Cost:
    command = [sys.executable, "-m", "benchmarks.columns", way, str(path), str(stored)]
    return cost(command, os.environ)


def by_stream(path: Path, stored: Path) -> int:
    from pipelines.fingerprints import BATCH, row_fingerprints
    from pipelines.parse import read

    known: array[int] = array("q")
    if stored.exists():
        known.frombytes(stored.read_bytes())
    held = set(known)
    found: array[int] = array("q")
    rows = iter(read(path, "csv", {}).rows)
    while some := list(islice(rows, BATCH)):
        found += row_fingerprints(some)
    if not known:
        stored.write_bytes(found.tobytes())
    return sum(one not in held for one in found)


def by_columns(path: Path, stored: Path) -> int:
    import polars

    rows = polars.read_csv(path, infer_schema=False)
    hashes = rows.hash_rows()
    if not stored.exists():
        polars.DataFrame({"hash": hashes}).write_ipc(stored)
        return int(rows.height)
    known = polars.read_ipc(stored)["hash"]
    return int((~hashes.is_in(known.implode())).sum())


if __name__ == "__main__":
    way, path, stored = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    count = {"stream": by_stream, "columns": by_columns}[way](path, stored)
    stored.with_suffix(".count").write_text(str(count))
