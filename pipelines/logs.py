"""What a running process says: for people on a terminal, JSON lines otherwise. Always on stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor


class _Stderr:
    """The stream that is stderr when a line is written, not the one that was when this was imported."""

    def msg(self, line: str) -> None:
        _stream().write(f"{line}\n")
        _stream().flush()

    debug = info = warning = error = exception = critical = msg


def _stream() -> TextIO:
    return sys.stderr


def _render(logger: Any, method: str, event: EventDict) -> str:
    import structlog

    if _stream().isatty():
        event["timestamp"] = str(event["timestamp"])[11:19]
        return str(structlog.dev.ConsoleRenderer()(logger, method, event))
    event = structlog.processors.format_exc_info(logger, method, event)
    return str(structlog.processors.JSONRenderer(ensure_ascii=False)(logger, method, event))


@cache
def _processors() -> list[Processor]:
    import structlog

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _render,
    ]


def get_log(**bound: object) -> Any:
    """A logger with these words on every line. It needs no set-up, so that no door can forget one."""
    # It takes as long to load as a whole look that has nothing to say.
    import structlog

    return structlog.wrap_logger(_Stderr(), processors=_processors()).bind(**bound)


def log_run(
    bound: Mapping[str, object],
    story: str,
    told: Mapping[str, object],
    stages: Mapping[str, float],
    level: str = "info",
) -> None:
    """One line that tells the story of a run. A person at a terminal is told by the command itself."""
    on_terminal = _stream().isatty()
    if on_terminal and bound["trigger"] == "person":
        return
    words = {name: value for name, value in told.items() if value}
    words["seconds"] = {name: round(spent, 3) for name, spent in stages.items()}
    if on_terminal or level != "info":
        getattr(get_log(**bound), level)(story, **words)
        return
    moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    line = {**bound, **words, "event": story, "level": level, "timestamp": moment}
    _Stderr().msg(json.dumps(line, ensure_ascii=False))


def hush_libraries() -> None:
    """Keep other people's chatter away: some of it repeats whole addresses, passwords and all."""
    for name in ("apscheduler", "httpx", "httpcore", "apprise", "psycopg"):
        logging.getLogger(name).setLevel(logging.ERROR)
