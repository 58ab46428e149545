"""2,000 lists on 200 hosts, looked at by one process, against a bare Scrapy spider that fetches the same files.

The hosts are addresses of loopback (127.0.1.1 and on), served by one process of its own. The spider keeps nothing and
heeds no robots.txt; ours keeps every rule, the archive and the record. Both visit 16 hosts at once, without delays.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.table import Line
from pipelines.fetch_runs import fetch_lists
from pipelines.installation import open_installation
from pipelines.moments import utc_now
from scraper.archive import Archive
from scraper.crawl import crawl
from scraper.lists import Cadence, PublishedList, Wording
from scraper.settings import Settings

HOSTS, LISTS, ROWS = 200, 2000, 100
TURNS = 3
GOAL_PAGES, GOAL_MEGABYTES = 0.7, 400
STAMP = b"Last-Modified: Mon, 12 May 2025 12:30:05 GMT\r\n"
Told = dict[str, float]  # lists a second by what was done, and the peak in megabytes


def measure() -> list[Line]:
    turns: list[Told] = []
    with served() as port:
        for _ in range(TURNS):
            with tempfile.TemporaryDirectory() as home:
                turns.append(_alone("spider", port, home) | _alone("fetched", port, home))
        with tempfile.TemporaryDirectory() as home:
            recorded = _alone("recorded", port, home)
    pace = {name: median(turn[name] for turn in turns) for name in ("spider", "fetched")} | recorded
    peak = max(told["megabytes"] for told in (*turns, recorded))
    return [
        Line(
            f"{LISTS:,} lists on {HOSTS} hosts, one process: fetched and archived",
            f"at least {GOAL_PAGES} x a bare Scrapy spider",
            _ratio(pace["fetched"], pace["spider"]),
            pace["fetched"] >= GOAL_PAGES * pace["spider"],
            f"medians of {TURNS}, in turns",
        ),
        Line(
            "the same, the next look at each: nothing new (304), recorded",
            f"at least {GOAL_PAGES} x a bare Scrapy spider",
            _ratio(pace["quiet"], pace["spider"]),
            pace["quiet"] >= GOAL_PAGES * pace["spider"],
            f"median of {TURNS}",
        ),
        Line(
            "the same, the first look at each with all stages",
            "-",
            _ratio(pace["new"], pace["spider"]),
            note=f"once; {ROWS} rows each are read, judged and recorded, one list's after another's",
        ),
        Line("the same, peak", f"under {GOAL_MEGABYTES} MB", f"{peak:.0f} MB", peak < GOAL_MEGABYTES),
    ]


def _ratio(ours: float, spider: float) -> str:
    return f"{ours / spider:.2f} x ({ours:,.0f} against {spider:,.0f} pages a second)"


def spider(port: int, _home: Path) -> Told:
    from scrapy import Request, Spider
    from scrapy.crawler import CrawlerProcess

    came: list[int] = []

    class Bare(Spider):
        name = "bare"

        async def start(self) -> AsyncIterator[Any]:
            for number in range(LISTS):
                yield Request(address(number, port), dont_filter=True)

        def parse(self, response: Any, **_: Any) -> None:
            came.append(len(response.body))

    process = CrawlerProcess(
        {"LOG_ENABLED": False, "CONCURRENT_REQUESTS": 16, "TELNETCONSOLE_ENABLED": False}
    )
    began = time.perf_counter()
    process.crawl(Bare)
    process.start()
    pages = LISTS / (time.perf_counter() - began)
    assert len(came) == LISTS  # noqa: S101 - else it was no peer
    return {"spider": pages}


def fetched(port: int, home: Path) -> Told:
    archive = Archive(home)
    pages, found = _timed(crawl(declared(port), archive, Settings(home=home), {}, utc_now))
    assert len([*archive.folder.glob("*/*")]) == len(found) == LISTS  # noqa: S101
    return {"fetched": pages, "megabytes": _peak()}


def recorded(port: int, home: Path) -> Told:
    installation = open_installation(Settings(home=home), declared(port))
    told: dict[str, list[float]] = {"recorded": [], "unchanged": []}
    for outcome in ("recorded", *["unchanged"] * TURNS):
        pages, looks = _timed(fetch_lists(installation, [*installation.lists.values()], "clock", "benchmark"))
        assert {look.outcome for look in looks} == {outcome}, looks[:3]  # noqa: S101
        told[outcome].append(pages)
    return {"new": told["recorded"][0], "quiet": median(told["unchanged"]), "megabytes": _peak()}


WORKS: dict[str, Callable[[int, Path], Told]] = {"spider": spider, "fetched": fetched, "recorded": recorded}


def declared(port: int) -> list[PublishedList]:
    columns = {"state": "state", "agency": "agency", "model": "support_type", "signed": "signed"}
    return [
        PublishedList(
            name=f"list{number}",
            page=None,
            file=address(number, port),
            format="csv",
            columns=columns,
            cadence=Cadence(("0 0 1 1 *",)),
            wording=Wording(f"List {number}", "added", "left"),
            private_addresses=True,
            delay_seconds=0,
        )
        for number in range(LISTS)
    ]


def _timed(work: Coroutine[Any, Any, Any]) -> tuple[float, Any]:
    """Lists a second, and what came of it."""
    began = time.perf_counter()
    found = asyncio.run(work)
    return LISTS / (time.perf_counter() - began), found


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _alone(work: str, port: int, home: str) -> Told:
    """In a process of its own, so that its memory and what it loaded is nobody else's."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.many", work, str(port), home],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    found: Told = json.loads(done.stdout.splitlines()[-1])
    return found


def host(number: int) -> str:
    return f"127.0.{1 + number // 100}.{1 + number % 100}"


def address(number: int, port: int) -> str:
    return f"http://{host(number % HOSTS)}:{port}/{number}.csv"


def body(number: int) -> bytes:
    rows = (f"GA,Agency {number} of the county {row},JEM,{1 + row % 12}/1/2025" for row in range(ROWS))
    return "\r\n".join(["STATE,AGENCY,MODEL,SIGNED", *rows, ""]).encode()


@contextmanager
def served() -> Iterator[int]:
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.many", "server"], stdout=subprocess.PIPE)
    assert server.stdout is not None  # noqa: S101 - it was asked for
    try:
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait()


async def serve() -> None:
    """As quick as it goes: the publisher must not be what is measured."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await _until_blank(reader):
            path = asked.split(b" ", 2)[1]
            if path == b"/robots.txt":
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            elif b"if-modified-since" in asked.lower():
                writer.write(b"HTTP/1.1 304 Not Modified\r\n" + STAMP + b"\r\n")
            else:
                told = body(int(path[1:-4]))
                head = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n" % len(told)
                writer.write(head + STAMP + b"\r\n" + told)
        writer.close()

    first = await asyncio.start_server(talk, host(0), 0)
    port = first.sockets[0].getsockname()[1]
    await asyncio.start_server(talk, [host(number) for number in range(1, HOSTS)], port)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await first.serve_forever()


async def _until_blank(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


if __name__ == "__main__":
    if sys.argv[1] == "server":
        asyncio.run(serve())
    else:
        print(json.dumps(WORKS[sys.argv[1]](int(sys.argv[2]), Path(sys.argv[3]))))
