"""2,000 lists on 200 hosts, looked at by one process, against a bare Scrapy spider that fetches the same files.

The hosts are addresses of loopback (127.0.x.y), served by one process of its own. The spider keeps nothing and heeds
no robots.txt; ours keeps every rule, the archive and the record. Both visit 16 hosts at once, without delays.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.table import Line

HOSTS, LISTS, ROWS = 200, 2000, 100
ROUNDS = 3
GOAL_PAGES, GOAL_MEGABYTES = 0.7, 400


def measure() -> list[Line]:
    with served() as port:
        spiders, ours = [], []
        for _ in range(ROUNDS):
            spiders.append(_run("spider", port))
            with tempfile.TemporaryDirectory() as home:
                ours.append(_run("lists", port, home))
    spider = max(spiders, key=lambda told: told["pages"])
    lines = []
    for name, work in (
        ("fetched", "the first look at each: fetched and archived"),
        ("new", "the first look at each, all stages: parsed, judged and recorded too"),
        ("quiet", "the next look at each: nothing new, recorded"),
    ):
        best = max(told[name] for told in ours)
        ratio = best / spider["pages"]
        goal = "" if name == "new" else f"at least {GOAL_PAGES} x a bare Scrapy spider"
        lines.append(
            Line(
                f"{LISTS:,} lists on {HOSTS} hosts, one process: {work}",
                goal,
                f"{ratio:.2f} x ({best:,.0f} against {spider['pages']:,.0f} pages a second)",
                ratio >= GOAL_PAGES if goal else None,
                "" if goal else "reading and judging a list is no fetching, so there is no goal for it",
            )
        )
    peak = max(told["megabytes"] for told in ours)
    lines.append(
        Line(
            "the same process, peak",
            f"under {GOAL_MEGABYTES} MB",
            f"{peak:.0f} MB (the spider {spider['megabytes']:.0f} MB)",
            peak < GOAL_MEGABYTES,
        )
    )
    return lines


def address(number: int, port: int) -> str:
    host = number % HOSTS
    return f"http://127.0.{1 + host // 100}.{1 + host % 100}:{port}/{number}.csv"


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


def _run(what: str, *arguments: object) -> dict[str, float]:
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.many", what, *map(str, arguments)],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    found: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return found


async def serve() -> None:
    """As quick as it goes: the publisher must not be what is measured."""
    stamp = b"Last-Modified: Mon, 12 May 2025 12:30:05 GMT\r\n"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while asked := await _until_blank(reader):
            path = asked.split(b" ", 2)[1]
            if path == b"/robots.txt":
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            elif b"if-modified-since" in asked.lower():
                writer.write(b"HTTP/1.1 304 Not Modified\r\n" + stamp + b"\r\n")
            else:
                told = body(int(path[1:-4]))
                head = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n" % len(told)
                writer.write(head + stamp + b"\r\n" + told)
        writer.close()

    server = await asyncio.start_server(talk, "0.0.0.0", 0)  # noqa: S104 - all of 127.0.0.0/8
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


async def _until_blank(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def spider(port: int) -> dict[str, float]:
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
    seconds = time.perf_counter() - began
    assert len(came) == LISTS  # noqa: S101 - else it was no peer
    return {"pages": LISTS / seconds, "megabytes": _peak()}


def lists(port: int, home: str) -> dict[str, float]:
    from pipelines.house import open_house, utc_now
    from pipelines.looks.watch import watch
    from scraper.archive import Archive
    from scraper.crawl import crawl
    from scraper.lists import Cadence, PublishedList, Wording
    from scraper.settings import Settings

    columns = {"state": "state", "agency": "agency", "model": "support_type", "signed": "signed"}
    declared = [
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
    place = Path(home)
    settings = Settings(home=place / "house")
    archive = Archive(place / "archive")
    told = {}

    def timed(name: str, work: Any) -> Any:
        began = time.perf_counter()
        found = asyncio.run(work)
        told[name] = LISTS / (time.perf_counter() - began)
        return found

    found = timed("fetched", crawl(declared, archive, settings, {}, utc_now))
    assert len([*archive.folder.glob("*/*")]) == len(found) == LISTS  # noqa: S101
    house = open_house(settings, declared)
    for name, outcome in (("new", "recorded"), ("quiet", "unchanged")):
        looks = timed(name, watch(house, declared, "clock", "benchmark"))
        assert {look.outcome for look in looks} == {outcome}, looks[:3]  # noqa: S101
    return {**told, "megabytes": _peak()}


def _peak() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    if sys.argv[1] == "server":
        asyncio.run(serve())
    else:
        port = int(sys.argv[2])
        print(json.dumps(spider(port) if sys.argv[1] == "spider" else lists(port, sys.argv[3])))
