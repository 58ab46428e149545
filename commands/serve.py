"""`serve`: the reading room, for a browser."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

import typer

from commands.output import say

LOOPBACK_NAMES = ("localhost",)


def add_to(app: typer.Typer) -> None:
    app.command()(serve)


def serve(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at.", min=0, max=65535)] = 8287,
    public_host: Annotated[
        list[str] | None, typer.Option(help="A name by which browsers ask for these pages; may be repeated.")
    ] = None,
) -> int:
    """The web page and the API. Actions need COUNTERSIGN_TOKEN; on loopback one is made at first start."""
    import uvicorn

    from pipelines.house import open_house
    from web.app import create_app
    from web.keys import token_of_home

    house = open_house()
    token = house.settings.token.get_secret_value() if house.settings.token else None
    if token is None and is_loopback(host):
        token = token_of_home(house.settings.home)
        say(f"To accept, review or crawl from the page, sign in with this token: {token}")
    elif token is None:
        say("No COUNTERSIGN_TOKEN is set: the pages can be read, and nothing can be done from them.")
    shown = f"[{host}]" if ":" in host else host
    say(f"Serving at http://{shown}:{port}/ until interrupted.")
    uvicorn.run(
        create_app(house, token, hosts=[shown, *(public_host or ())]),
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    return 0


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES
