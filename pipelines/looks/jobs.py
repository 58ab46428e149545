"""Where looks are made: in this process, or by workers when the database is PostgreSQL and there are any.

A clock hands over what is due and need not know who does it. What was looked at since it was due is not looked
at again, whichever of several clocks (one stands by for another) asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pipelines.history.queue import workers_alive
from pipelines.house import House
from pipelines.looks.look import Look, Looking
from pipelines.looks.watch import still_due
from scraper.lists import PublishedList


async def hand_over(
    house: House, lists: Sequence[PublishedList], trigger: str, by: str, here: Looking
) -> Sequence[Look]:
    """Have `lists` looked at: by `here` in this process, or by workers when there are any.

    Looks that were handed over are in the record once they are made; none of them is returned.
    """
    if house.engine.dialect.name != "postgresql":
        return await here(house, lists, trigger, by)
    due, workers = await asyncio.to_thread(_asked, house, lists, trigger)
    if not due:
        return ()
    if not workers:
        return await here(house, due, trigger, by, due_only=trigger != "person")
    # Imported only where there is a queue, which most homes have not.
    from pipelines.looks.workers import defer

    await defer(house, due, trigger, by)
    return ()


def _asked(house: House, lists: Sequence[PublishedList], trigger: str) -> tuple[Sequence[PublishedList], int]:
    with house.engine.connect() as connection:
        due = lists if trigger == "person" else still_due(connection, lists, house.now())
        return due, workers_alive(connection)
