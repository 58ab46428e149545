"""Look at any number of lists inside the running event loop.

Each list is first asked whether it is the copy that we hold (scraper.quiet), which most looks find; the others are
looked at by Scrapy (scraper.engine), which is loaded when there is one.

Bodies are in the archive when `crawl` returns; the caller writes the captures into its journal
(`Archive.keep`), with whatever else it decides to record.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, WeakValueDictionary

from scraper.answers import Look
from scraper.archive import Archive
from scraper.capture import Capture, Validators
from scraper.errors import CountersignError, ListError
from scraper.lists import PublishedList
from scraper.quiet import Robots, quiet_look
from scraper.settings import HOSTS_AT_ONCE, Settings

_ENGINES_AT_ONCE = 4
_MOST_HEARD = 64_000_000  # bytes of answers that wait for Scrapy; what is beyond is asked for again


@dataclass(slots=True)
class Round:
    """`results` are there by list; `left` are the looks without one yet, by host, with what was heard already."""

    results: dict[str, Capture | CountersignError] = field(default_factory=dict)
    left: dict[str, list[Look]] = field(default_factory=dict)
    robots: Robots = field(default_factory=dict)
    heard: int = 0


async def crawl(
    lists: Sequence[PublishedList],
    archive: Archive,
    settings: Settings,
    validators: Mapping[str, Validators],
    now: Callable[[], datetime],
) -> dict[str, Capture | CountersignError]:
    """One result for each list, by its name. Nothing is raised for one list's trouble.

    `validators` are those of each list's last capture. Lists of one page are looked at together, hosts side
    by side, and pages of one host one after another, also when it is asked for several times at once.
    """
    going = await look_quietly(lists, archive, settings, validators, now)
    await look_at_the_rest(going, archive, settings)
    return {published.name: going.results[published.name] for published in lists}


async def look_quietly(
    lists: Sequence[PublishedList],
    archive: Archive,
    settings: Settings,
    validators: Mapping[str, Validators],
    now: Callable[[], datetime],
    going: Round | None = None,
) -> Round:
    """The captures of the lists that are as they were, in a round that may have begun with others."""
    going = going or Round()
    held = {name: known for name, known in validators.items() if known.sha256 and archive.has(known.sha256)}
    hosts = _by_host(_with_address(lists, going.results))
    await asyncio.gather(
        *(
            _one_host(host, [Look(group, held, now, going.results) for group in groups], settings, going)
            for host, groups in hosts.items()
        )
    )
    return going


async def _one_host(host: str, looks: Sequence[Look], settings: Settings, going: Round) -> None:
    manners = _manners()
    async with manners.hosts_at_once, manners.visiting([host]):
        for look in looks:
            if await quiet_look(look, settings, going.robots):
                continue
            going.left.setdefault(host, []).append(look)
            going.heard += sum(len(answer.body) for answer in look.answers.values())
            if going.heard > _MOST_HEARD:
                look.answers.clear()


async def look_at_the_rest(going: Round, archive: Archive, settings: Settings) -> None:
    """Every list of the round has its result afterwards."""
    if not going.left:
        return
    from scraper.engine import look_by_scrapy

    looks = [look for its in going.left.values() for look in its]
    robots = {address: answer for address, (answer, _) in going.robots.items()}
    manners = _manners()
    async with manners.engines_at_once, manners.visiting(going.left):
        await look_by_scrapy(looks, archive, settings, robots)


class _Manners:
    """What all looks of one event loop keep to together."""

    def __init__(self) -> None:
        self.hosts_at_once = asyncio.Semaphore(HOSTS_AT_ONCE)
        self.engines_at_once = asyncio.Semaphore(_ENGINES_AT_ONCE)
        self._visited = WeakValueDictionary[str, asyncio.Lock]()

    @asynccontextmanager
    async def visiting(self, hosts: Iterable[str]) -> AsyncIterator[None]:
        """Nobody else visits these hosts. In one order, so that no two wait for each other."""
        async with AsyncExitStack() as stack:
            for host in sorted(hosts):
                await stack.enter_async_context(self._visited.setdefault(host, asyncio.Lock()))
            yield


_of_loops = WeakKeyDictionary[asyncio.AbstractEventLoop, _Manners]()


def _manners() -> _Manners:
    return _of_loops.setdefault(asyncio.get_running_loop(), _Manners())


def _with_address(
    lists: Sequence[PublishedList], results: dict[str, Capture | CountersignError]
) -> list[PublishedList]:
    for published in lists:
        if not _address(published):
            said = f"The list {published.name} has neither a page nor a file to look at."
            results[published.name] = ListError(said)
    return [published for published in lists if published.name not in results]


def _by_host(lists: Sequence[PublishedList]) -> dict[str, list[list[PublishedList]]]:
    """Lists in groups that share a page, the groups by host."""
    groups: dict[str, list[PublishedList]] = {}
    for published in lists:
        address = _address(published)
        groups.setdefault(f"{address} in parts" if published.in_parts else address, []).append(published)
    hosts: dict[str, list[list[PublishedList]]] = {}
    for address, group in groups.items():
        hosts.setdefault(urlsplit(address).netloc.lower(), []).append(group)
    return hosts


def _address(published: PublishedList) -> str:
    return published.file or published.page or next(iter(published.files), "")
