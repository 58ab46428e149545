"""A round: look at lists, then say what is owed. The clock, cron, a command and the page's button do it."""

from __future__ import annotations

from collections.abc import Sequence

from changelog.notices import deliver, ping
from pipelines.house import House
from pipelines.looks.watch import Look, watch
from scraper.lists import PublishedList

NOT_GOOD = ("failed", "busy")


async def round_of(house: House, lists: Sequence[PublishedList], trigger: str, by: str) -> list[Look]:
    """Look at `lists` as `watch` does, deliver notices, and ping when all was well."""
    looks = await watch(house, lists, trigger, by)
    await deliver(house)
    if looks and not any(look.outcome in NOT_GOOD for look in looks):
        await ping(house)
    return looks


def worst(exit_codes: Sequence[int]) -> int:
    """The worst that happened is what the command says."""
    return next((code for code in (7, 1, 5, 4, 3) if code in exit_codes), max(exit_codes, default=0))
