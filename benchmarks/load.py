"""A hundred clients on the pages: alone, and beside a replay that changes the record under them.

The lists are those of the corpus. The newest quarter is taken in while the same pages are asked for again.
"""

from __future__ import annotations

import asyncio
import csv
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.homes import MANIFEST, NO_CORPUS
from benchmarks.table import Line

CLIENTS, SECONDS = 100, 4.0
GOAL_PACE, GOAL_SECONDS, GOAL_MEGABYTES = 300, 1.0, 400
PAGES = ("/", "/changes", "/states/FL", "/feeds/changes.atom", "/api/v1/changes")
WORK = f"{CLIENTS} clients at "
BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Load:
    pace: float
    median: float
    p99: float


def measure() -> list[Line]:
    if not MANIFEST.is_file():
        return [Line(f"{WORK}{page}", f"{GOAL_PACE} a second", "-", note=NO_CORPUS) for page in PAGES]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        first, last = _parts(folder)
        environment = {
            **os.environ,
            "COUNTERSIGN_HOME": str(folder / "home"),
            "COUNTERSIGN_DATABASE_URL": "",
            "COUNTERSIGN_ARCHIVE_URL": "",
        }
        replay = [str(BIN / "countersign"), "replay"]
        subprocess.run([*replay, str(first)], env=environment, capture_output=True, check=False)
        with _served(environment) as (port, process):
            alone = [asyncio.run(_loaded(port, page)) for page in PAGES]
            with subprocess.Popen(
                [*replay, str(last)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as taking:
                beside = []
                for page in PAGES:
                    load = asyncio.run(_loaded(port, page))
                    beside.append((load, taking.poll() is None))
                taking.terminate()
            megabytes = _peak(process)
    lines = [
        Line(
            f"{WORK}`{page}`, asked before",
            f"at least {GOAL_PACE} a second",
            _told(load),
            load.pace >= GOAL_PACE,
        )
        for page, load in zip(PAGES, alone, strict=True)
    ]
    lines += [
        Line(
            f"{WORK}`{page}`, beside a replay into the same record",
            f"p99 under {GOAL_SECONDS:g} s",
            _told(load),
            load.p99 < GOAL_SECONDS,
            "" if all_along else "the replay ended before",
        )
        for page, (load, all_along) in zip(PAGES, beside, strict=True)
    ]
    lines.append(
        Line(
            "the server's memory after all this",
            f"under {GOAL_MEGABYTES} MB",
            f"{megabytes:.0f} MB",
            megabytes < GOAL_MEGABYTES,
        )
    )
    return lines


def _told(load: Load) -> str:
    return f"{load.pace:.0f} a second, median {1000 * load.median:.0f} ms, p99 {1000 * load.p99:.0f} ms"


def _parts(folder: Path) -> Sequence[Path]:
    """The corpus as two manifests: three quarters, and the rest."""
    with MANIFEST.open(newline="") as file:
        header, *rows = csv.reader(file)
    where = header.index("path")
    for row in rows:
        row[where] = str(MANIFEST.parent / row[where])
    cut = 3 * len(rows) // 4
    found = []
    for name, some in (("first.csv", rows[:cut]), ("last.csv", rows[cut:])):
        with (folder / name).open("w", newline="") as file:
            csv.writer(file).writerows([header, *some])
        found.append(folder / name)
    return found


@contextmanager
def _served(environment: dict[str, str]) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(BIN / "countersign"), "serve", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(300):
                with socket.socket() as knock:
                    if knock.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield port, process
        finally:
            process.terminate()


def _peak(process: subprocess.Popen[bytes]) -> float:
    told = Path(f"/proc/{process.pid}/status")
    if not told.exists():
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    [line] = [line for line in told.read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


async def _loaded(port: int, page: str) -> Load:
    """The page asked by every client again and again, each on a connection of its own."""
    end = time.perf_counter() + SECONDS
    taken = [
        one
        for client in await asyncio.gather(*(_client(port, page, end) for _ in range(CLIENTS)))
        for one in client
    ]
    taken.sort()
    return Load(len(taken) / SECONDS, statistics.median(taken), taken[int(0.99 * len(taken))])


async def _client(port: int, page: str, end: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1_000_000)
    asked = f"GET {page} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept-Encoding: gzip\r\n\r\n".encode()
    taken = []
    while (began := time.perf_counter()) < end:
        writer.write(asked)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(head.decode())
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        taken.append(time.perf_counter() - began)
    writer.close()
    return taken
