"""An event loop in which nothing waits: when all are asleep, time is put forward to the first who wakes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

import time_machine


class FakeTimeLoop(asyncio.SelectorEventLoop):
    """Moves the machine's time (time-machine) and its own together. Threads' work is done at once."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self._steady = 0.0
        self._traveller = traveller
        super().__init__()
        # After a year a float is coarser than the machine's resolution, and time would stand still.
        self._clock_resolution = 1e-6
        select = self._selector.select  # type: ignore[attr-defined]

        def forward(timeout: float | None) -> Any:
            ready = select(0)
            if not ready and timeout:
                self._steady += timeout
                self._traveller.shift(timedelta(seconds=timeout))
            return ready

        self._selector.select = forward  # type: ignore[attr-defined]

    def time(self) -> float:
        return self._steady

    def run_in_executor(  # type: ignore[override]
        self, _executor: Any, func: Callable[..., Any], *args: Any
    ) -> Any:
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


def live(begin: datetime, life: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Live through `life` from `begin` on, as fast as the machine can."""
    with time_machine.travel(begin, tick=False) as traveller:
        loop = FakeTimeLoop(traveller)
        try:
            loop.run_until_complete(life())
        finally:
            loop.close()
