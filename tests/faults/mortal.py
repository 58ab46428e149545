"""Processes that die at a chosen point. Run as a script: it reads one order a line, and forks one life for each.

A point is a moment before something is written: a statement or commit of SQL, a write, a flush, a truncation or
a renaming of a file. At the chosen one the process kills itself with SIGKILL; a write it dies in is half done.
An order is JSON: home, page, hook, now, kill_at (0: live on). The answer: how many points were passed, and how
it ended. The first life is lived by the parent, so that all the others find everything imported and warm.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Engine, event

SECRET = SecretStr("of these tests alone")


class Fate:
    """Counts the points of a life, and ends it."""

    def __init__(self, kill_at: int) -> None:
        self.kill_at, self.passed = kill_at, 0

    def comes(self) -> bool:
        self.passed += 1
        return self.passed == self.kill_at

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def point(self, *_: object, **__: object) -> None:
        if self.comes():
            self.die()

    def before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def fated(*arguments: Any, **named: Any) -> Any:
            self.point()
            return call(*arguments, **named)

        return fated

    def half(self, write: Callable[[int, Any], int]) -> Callable[[int, Any], int]:
        def fated(file: int, data: Any) -> int:
            if self.comes():
                write(file, bytes(data)[: len(data) // 2])
                self.die()
            return write(file, data)

        return fated

    def traced(self, connect: Callable[..., Any]) -> Any:
        """What speaks to SQLite without SQLAlchemy."""

        def fated(*arguments: Any, **named: Any) -> Any:
            connection = connect(*arguments, **named)
            connection.set_trace_callback(self.point)
            return connection

        return fated

    def rule(self) -> None:
        os.write = self.half(os.write)
        os.fsync = self.before(os.fsync)
        os.ftruncate = self.before(os.ftruncate)
        os.replace = self.before(os.replace)
        sqlite3.connect = self.traced(sqlite3.connect)
        event.listen(Engine, "before_cursor_execute", self.point)
        event.listen(Engine, "commit", self.point)


def live(order: dict[str, Any], *, fated: bool = True) -> int:
    """One round of look and notice. Returns how many points it passed."""
    from changelog.notices import report_runs
    from pipelines.fetch_runs import fetch_lists
    from pipelines.installation import open_installation
    from scraper.lists import BUILT_IN
    from scraper.settings import Settings

    settings = Settings(
        home=Path(order["home"]), webhook_url=order["hook"], webhook_secret=SECRET, webhook_private=True,
        retries=0, timeout_seconds=20,
    )  # fmt: skip
    lists = [
        replace(item, page=order["page"], private_addresses=True, delay_seconds=0.0, documents=False)
        for item in BUILT_IN
    ]
    now = datetime.fromisoformat(order["now"])
    installation = replace(open_installation(settings, lists), now=lambda: now)
    fate = Fate(order["kill_at"])
    if fated:
        fate.rule()

    async def run() -> None:
        await report_runs(installation, await fetch_lists(installation, lists, "clock", "test"))

    asyncio.run(run())
    installation.engine.dispose()
    return fate.passed


def main() -> None:
    live(json.loads(sys.stdin.readline()), fated=False)
    gc.freeze()
    for line in sys.stdin:
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(tell, str(live(json.loads(line))).encode())
            except BaseException as error:
                sys.stderr.write(f"{error!r}\n")
                sys.stderr.flush()
                os._exit(1)
            os._exit(0)
        os.close(tell)
        with os.fdopen(told, "rb") as answer:
            passed = answer.read()
        _, status = os.waitpid(child, 0)
        ended = os.waitstatus_to_exitcode(status)
        sys.stdout.write(json.dumps({"passed": int(passed or 0), "ended": ended}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
