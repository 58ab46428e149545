"""What a running process says: for people on a terminal, JSON lines otherwise. Always on stderr."""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

_TIMES = structlog.processors.TimeStamper(fmt="iso", utc=True)


class _Stderr:
    """The stream that is stderr when a line is written, not the one that was when this was imported."""

    def msg(self, line: str) -> None:
        _stream().write(f"{line}\n")
        _stream().flush()

    debug = info = warning = error = exception = critical = msg


def _stream() -> TextIO:
    return sys.stderr


def _render(logger: Any, method: str, event: EventDict) -> str:
    if _stream().isatty():
        event["timestamp"] = str(event["timestamp"])[11:19]
        return str(structlog.dev.ConsoleRenderer()(logger, method, event))
    event = structlog.processors.format_exc_info(logger, method, event)
    return str(structlog.processors.JSONRenderer(ensure_ascii=False)(logger, method, event))


_PROCESSORS: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    _TIMES,
    _render,
]


def get_log(**bound: object) -> Any:
    """A logger with these words on every line. It needs no set-up, so that no door can forget one."""
    return structlog.wrap_logger(_Stderr(), processors=_PROCESSORS).bind(**bound)


def hush_libraries() -> None:
    """Keep other people's chatter away: some of it repeats whole addresses, passwords and all."""
    for name in ("apscheduler", "httpx", "httpcore", "apprise"):
        logging.getLogger(name).setLevel(logging.ERROR)
