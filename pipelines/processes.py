"""Which process is at work, named so that another one can tell, even after a crash, whether it lives."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

_ENDED = ("Z", "X")  # states, as Linux names them


def process_name() -> str:
    """Host, number and start: a number alone is given out again, and is always the same in a container."""
    number = os.getpid()
    return f"{socket.gethostname()}:{number}:{_started(number)}"


def is_alive(process: str) -> bool | None:
    """None when the process is of another machine: only its lease can tell. A holder's tail is ignored."""
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
