"""`site`: everything that `serve` shows, as files that any web space can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.output import say

NAMED = 20


def add_to(app: typer.Typer) -> None:
    app.command()(site)


def site(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write into.")],
    check: Annotated[bool, typer.Option("--check", help="Only say what would be written.")] = False,
) -> int:
    """Everything that `serve` shows as files for any web space; only what changed is written."""
    from pipelines.installation import open_installation
    from web.site import build

    built = build(open_installation(), folder, check=check)
    would = "would be " if check else ""
    for name in built.written[:NAMED] if check else ():
        typer.echo(f"write   {name}")
    for name in built.removed:
        typer.echo(f"remove  {name}")
    say(
        f"{len(built.written)} files {would}written, {built.unchanged} unchanged, {len(built.removed)} {would}removed: "
        f"{built.unchanged + len(built.written)} files, {built.bytes / 1e6:.1f} MB in {folder}."
    )
    return 0
