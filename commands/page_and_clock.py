"""The web page and the clock in one event loop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import uvicorn

from commands.output import say
from pipelines.installation import Installation
from pipelines.logs import hush_libraries
from scheduler import Clock, heeding_signals
from scraper.errors import StorageError
from web.app import create_app
from web.keys import is_loopback, token_of_home
from web.server import configured, listening


class _Page(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The clock heeds signals, for both."""
        yield


def token_for(installation: Installation, host: str) -> str | None:
    """The token that is set, or on loopback that of this home; None when nobody may act."""
    if installation.settings.token:
        return installation.settings.token.get_secret_value()
    made, token = False, None
    if is_loopback(host):
        with suppress(StorageError):  # a home that can only be read has its pages read
            token, made = token_of_home(installation.settings.home)
    if token is None:
        say("No COUNTERSIGN_TOKEN is set: the pages can be read, and nothing can be done from them.")
    elif made:
        say(f"To accept, review or crawl from the page, sign in with this token: {token}")
    else:
        say(
            "To accept, review or crawl from the page, sign in with the token that `countersign token` shows."
        )
    return token


async def page_and_clock(installation: Installation, host: str, port: int, names: Sequence[str]) -> int:
    """Until a signal stops both. `names` are hosts by which browsers may ask. Returns the exit code."""
    hush_libraries()
    at = listening(host, port)
    token = token_for(installation, host)
    shown = f"[{host}]" if ":" in host else host
    app = create_app(installation, token, hosts=[shown, *names])
    page = _Page(configured(app, installation.settings.trusted_proxies))
    clock = Clock(installation)

    def stop_page() -> None:
        page.should_exit = True

    with heeding_signals(clock, stop_page) as heard:
        say(f"Serving at http://{shown}:{at.getsockname()[1]}/, and looking when lists are due.")
        async with asyncio.TaskGroup() as both:
            both.create_task(page.serve(sockets=[at]))
            both.create_task(clock.run())
    return 130 if signal.SIGINT in heard else 0
