"""The command of a worker: makes the looks that the clocks hand over."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipelines.house import House

INTERRUPTED = 130


def add_to(app: typer.Typer) -> None:
    app.command()(worker)


def worker(
    concurrency: Annotated[int, typer.Option(help="How many looks at once.", min=1, max=64)] = 4,
) -> int:
    """Make the looks that clocks hand over, for as long as it runs. Needs PostgreSQL."""
    import asyncio

    from pipelines.house import open_house
    from scraper.errors import UsageError

    house = open_house()
    if house.engine.dialect.name != "postgresql":
        raise UsageError(
            "A worker needs PostgreSQL (COUNTERSIGN_DATABASE_URL=postgresql+psycopg://...). "
            "With SQLite the clock looks itself: `python scheduler.py` or `countersign up`."
        )
    return asyncio.run(_work(house, concurrency))


async def _work(house: House, concurrency: int) -> int:
    import asyncio

    from changelog.notices import round_of
    from pipelines.logs import hush_libraries
    from pipelines.looks.workers import work

    hush_libraries()
    stop = asyncio.Event()
    heard: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        heard.append(number)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    await work(house, round_of, concurrency, stop)
    return INTERRUPTED if signal.SIGINT in heard else 0
