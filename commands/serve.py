"""Commands that go on: how the lists are doing, the web page, the clock beside it, a worker."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.output import chosen_format, print_json, print_table, say

if TYPE_CHECKING:
    from pipelines.installation import Installation


OVERDUE = 6

COLUMNS = (
    "list", "outcome", "last_look", "last_success", "last_change", "next_look", "age", "overdue", "documents",
    "incident",
)  # fmt: skip


def status(
    format_name: Annotated[str | None, typer.Option("--format", help="table or json.")] = None,
) -> int:
    """How each list is doing. Exit code 6 if any is overdue, so that a monitor can ask."""
    from changelog.status import status_json
    from pipelines.installation import open_installation

    shape = chosen_format(format_name, ("json", "table"))
    told = status_json(open_installation())
    if shape == "json":
        print_json(told)
    else:
        print_table(COLUMNS, [_row(item) for item in told["lists"]])
        say(told["clock"]["text"])
        if told["queue"]:
            say(told["queue"]["text"])
    return OVERDUE if told["overdue"] else 0


def _row(item: dict[str, Any]) -> dict[str, Any]:
    incidents = "; ".join(
        [f"{one['kind']}: {one['text']}" for one in item["incidents"]]
        + [f"held and cleared: {' '.join(one['reasons'])}" for one in item["cleared"]]
    )
    asked = item["documents"]
    documents = f"{asked['outcome'] or 'going on'}, {asked['began']}" if asked else ""
    return {**item, "age": item["age"] or "never seen", "documents": documents, "incident": incidents}


def up(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at.", min=0, max=65535)] = 8287,
    public_host: Annotated[
        list[str] | None, typer.Option(help="A name by which browsers ask for the page; may be repeated.")
    ] = None,
) -> int:
    """The web page and the clock in one process. Ends cleanly on SIGTERM; SIGHUP rereads the lists."""
    import asyncio

    from commands.page_and_clock import page_and_clock
    from pipelines.installation import open_installation

    return asyncio.run(page_and_clock(open_installation(), host, port, public_host or ()))


def serve(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at.", min=0, max=65535)] = 8287,
    public_host: Annotated[
        list[str] | None, typer.Option(help="A name by which browsers ask for these pages; may be repeated.")
    ] = None,
) -> int:
    """The web page and the API. Actions need COUNTERSIGN_TOKEN; on loopback one is made at first start."""
    import uvicorn

    from pipelines.installation import open_installation
    from web.app import create_app
    from web.server import configured, listening

    installation = open_installation()
    from commands.page_and_clock import token_for

    token = token_for(installation, host)
    shown = f"[{host}]" if ":" in host else host
    at = listening(host, port)
    say(f"Serving at http://{shown}:{at.getsockname()[1]}/ until interrupted.")
    app = create_app(installation, token, hosts=[shown, *(public_host or ())])
    uvicorn.Server(configured(app, installation.settings.trusted_proxies)).run(sockets=[at])
    return 0


def token() -> int:
    """Show the token with which one signs in to the page of this home."""
    from scraper.errors import UsageError
    from scraper.settings import get_settings
    from web.keys import token_of_home

    settings = get_settings()
    if settings.token:
        raise UsageError("COUNTERSIGN_TOKEN is set: that is the token.")
    typer.echo(token_of_home(settings.home)[0])
    return 0


INTERRUPTED = 130


def worker(
    concurrency: Annotated[int, typer.Option(help="How many looks at once.", min=1, max=64)] = 4,
) -> int:
    """Make the looks that clocks hand over, for as long as it runs. Needs PostgreSQL."""
    import asyncio

    from pipelines.installation import open_installation
    from scraper.errors import UsageError

    installation = open_installation()
    if installation.engine.dialect.name != "postgresql":
        raise UsageError(
            "A worker needs PostgreSQL (COUNTERSIGN_DATABASE_URL=postgresql+psycopg://...). "
            "With SQLite the clock looks itself: `python scheduler.py` or `countersign up`."
        )
    return asyncio.run(_work(installation, concurrency))


async def _work(installation: Installation, concurrency: int) -> int:
    import asyncio

    from changelog.notices import report_runs
    from pipelines.logs import hush_libraries
    from pipelines.workers import work

    hush_libraries()
    stop = asyncio.Event()
    heard: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        heard.append(number)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    await work(installation, report_runs, concurrency, stop)
    return INTERRUPTED if signal.SIGINT in heard else 0


def add_to(app: typer.Typer) -> None:
    app.command()(status)
    app.command()(up)
    app.command()(serve)
    app.command()(token)
    app.command()(worker)
