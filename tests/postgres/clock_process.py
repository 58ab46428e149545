"""A clock in a process of its own that ticks faster than the real one: what is due after a kill need not wait."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from pipelines.installation import open_installation
from scheduler import Clock, heeding_signals


async def main() -> None:
    clock = Clock(open_installation(), every=timedelta(seconds=2))
    with heeding_signals(clock):
        await clock.run()


if __name__ == "__main__":
    asyncio.run(main())
