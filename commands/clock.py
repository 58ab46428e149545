"""Commands about the clock: how the lists are doing, and the page and the clock in one process."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commands.output import chosen_format, print_json, print_table, say

OVERDUE = 6

COLUMNS = (
    "list", "outcome", "last_look", "last_success", "last_change", "next_look", "age", "overdue", "documents",
    "incident",
)  # fmt: skip


def add_to(app: typer.Typer) -> None:
    app.command()(status)
    app.command()(up)


def status(
    format_name: Annotated[str | None, typer.Option("--format", help="table or json.")] = None,
) -> int:
    """How each list is doing. Exit code 6 if any is overdue, so that a monitor can ask."""
    from changelog.status import status_json
    from pipelines.house import open_house

    shape = chosen_format(format_name, ("json", "table"))
    told = status_json(open_house())
    if shape == "json":
        print_json(told)
    else:
        print_table(COLUMNS, [_row(item) for item in told["lists"]])
        say(told["clock"]["text"])
        if told["queue"]:
            say(told["queue"]["text"])
    return OVERDUE if told["overdue"] else 0


def _row(item: dict[str, Any]) -> dict[str, Any]:
    incidents = "; ".join(f"{one['kind']}: {one['text']}" for one in item["incidents"])
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

    from commands.together import page_and_clock
    from pipelines.house import open_house

    return asyncio.run(page_and_clock(open_house(), host, port, public_host or ()))
