"""A round: look at lists, then say what is owed. The clock, cron, a command and the page's button do it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.desk import Desk
from pipelines.looks.look import Look
from pipelines.looks.quiet import QuietRound, look_for_nothing_new, new_round
from scraper.lists import PublishedList

if TYPE_CHECKING:
    from pipelines.house import House

NOT_GOOD = ("failed", "busy")


async def round_of(
    house: House,
    lists: Sequence[PublishedList],
    trigger: str,
    by: str,
    going: QuietRound | None = None,
    *,
    due_only: bool = False,
) -> list[Look]:
    """Look at `lists` as `watch` does, deliver notices, and ping when all was well."""
    from changelog.notices import deliver, ping
    from pipelines.looks.watch import watch

    looks = await watch(house, lists, trigger, by, going, due_only=due_only)
    await deliver(house)
    if looks and not any(look.outcome in NOT_GOOD for look in looks):
        await ping(house)
    return looks


async def quiet_round_of(
    desk: Desk, lists: Sequence[PublishedList], trigger: str, by: str
) -> tuple[QuietRound, bool]:
    """Look as far as that takes no more than what a quiet look needs; and whether that was all there is to do."""
    going = new_round(trigger, by)
    await look_for_nothing_new(desk, lists, going)
    all_done = not going.owed and not desk.settings.ping_url
    return going, all_done and all(item.name in going.looks for item in lists)


def worst(exit_codes: Sequence[int]) -> int:
    """The worst that happened is what the command says."""
    return next((code for code in (7, 1, 5, 4, 3) if code in exit_codes), max(exit_codes, default=0))
