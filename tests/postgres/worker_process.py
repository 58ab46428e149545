"""A worker in a process of its own, quicker to take another one for dead than the real one: the tests kill it."""

from __future__ import annotations

import asyncio
import signal

from changelog.notices import report_runs
from pipelines.installation import open_installation
from pipelines.workers import Pace, work

QUICK = Pace(heartbeat=0.5, dead=2.0, poll=0.5, farewell=5.0, again=0.5)


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await work(open_installation(), report_runs, 2, stop, QUICK)


if __name__ == "__main__":
    asyncio.run(main())
