"""Which process is at work, named so that another one can tell, even after a crash, whether it lives."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

_broken_off = set[str]()  # holders of runs of this process that ended without being able to say so
_ENDED = ("Z", "X")  # states, as Linux names them


def process_name() -> str:
    """Host, number and start: a number alone is given out again, and is always the same in a container."""
    number = os.getpid()
    return f"{socket.gethostname()}:{number}:{_started(number)}"


def broke_off(holder: str) -> None:
    """This process could not say how a run ended: it is ended as soon as the database can be reached."""
    _broken_off.add(holder)


def is_alive(process: str) -> bool | None:
    """None when the process is of another machine: only its lease can tell. A holder's tail is ignored."""
    if process in _broken_off:
        return False
    host, number, started = ["", "", *process.partition("/")[0].rsplit(":", 2)][-3:]
    if host != socket.gethostname() or not number.isdecimal():
        return None
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return started == _started(int(number))
    return started == _started(int(number))


def _started(number: int) -> str:
    """Boot and clock ticks since it, as Linux has them; nothing elsewhere, where the number has to do.

    A process that ended and that nobody asked about yet (in a container, often nobody ever does) still has its
    number and its start, but no life.
    """
    try:
        # The program's name stands in brackets and may hold anything; the start is the 20th field after.
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return f"{_boot()}-{fields[19]}" if fields[0] not in _ENDED else "ended"


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    except OSError:
        return ""


Result = TypeVar("Result")


async def whole(work: Callable[..., Result], *arguments: Any) -> Result:
    """Do something in a thread, to its end even when we are asked to stop: no transaction ends half way."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
