"""Commands that tell what the record adds up to: `report`, `claim`, `export`."""

from __future__ import annotations

import textwrap
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.output import chosen_format, print_json, say
from scraper.errors import UsageError

if TYPE_CHECKING:
    from pipelines.installation import Installation
    from scraper.lists import PublishedList


Output = Annotated[Path | None, typer.Option("--output", help="Write to this file instead.")]


def report(
    list_name: Annotated[
        str | None, typer.Option("--list", help="The list; the first one declared otherwise.")
    ] = None,
    week: Annotated[
        str | None, typer.Option(help="An ISO week, 2025-W20. Otherwise the week of the newest publication.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="From this day on.")] = None,
    until: Annotated[
        str | None, typer.Option(help="Before this day; through the newest publication otherwise.")
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(help="Compare with the list as of this day, not the one its declaration names."),
    ] = None,
    format_name: Annotated[
        str | None, typer.Option("--format", help="md, html, json, or png (the card).")
    ] = None,
    output: Output = None,
) -> int:
    """The batch of a week (or any period) and the headline figures against a baseline."""
    from changelog.query import day_of
    from changelog.reports import report as reported
    from changelog.reports import report_period
    from pipelines.installation import open_installation

    shape = chosen_format(format_name or _shape_of(output), ("md", "html", "json", "png"))
    installation = open_installation()
    declaration = _declaration(installation, list_name)
    with installation.engine.connect() as connection:
        first, last = report_period(connection, declaration, installation.now(), week, since, until)
        told = reported(
            connection,
            installation.lists,
            declaration.name,
            first,
            last,
            day_of(baseline) if baseline else None,
            known=installation.registers,
        )
        data = _shaped(connection, installation, declaration, told, shape)
    _deliver(data, told, shape, output)
    return 0


def claim(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The statement, in quotation marks.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="The day on which it was made; the newest list otherwise.")
    ] = None,
    list_name: Annotated[str | None, typer.Option("--list", help="The list that it is about.")] = None,
    format_name: Annotated[str | None, typer.Option("--format", help="table or json.")] = None,
) -> int:
    """Hold the figures of a public statement against what was published, counted every sensible way."""
    from changelog.claims import check_claim
    from changelog.query import day_of
    from pipelines.installation import open_installation

    shape = chosen_format(format_name, ("table", "json"))
    installation = open_installation()
    with installation.engine.connect() as connection:
        told = check_claim(
            connection,
            installation.lists,
            text,
            day_of(as_of) if as_of else None,
            list_name,
            installation.registers,
        )
    if shape == "json":
        print_json(told)
        return 0
    typer.echo(f"{_filled(told['standing'], indent='')}\n")
    for figure in told["figures"]:
        typer.echo(f"{figure['phrase']}\n  {figure['verdict']}\n{_filled(figure['answer'])}\n")
    typer.echo(_filled(told["summary"].removeprefix(told["standing"]).strip(), indent=""))
    return 0


def export(folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write into.")]) -> int:
    """Everything as a data package: CSV and Parquet, with a data dictionary; the same record, the same bytes."""
    from changelog.exports import export as exported
    from pipelines.history.dump import snapshot
    from pipelines.installation import open_installation

    installation = open_installation()
    with snapshot(installation.engine) as connection:
        written = exported(connection, installation.lists, folder)
    for path in written:
        say(f"Wrote {path}.")
    return 0


def _filled(text: str, indent: str = "  ") -> str:
    return textwrap.fill(text, 100, initial_indent=indent, subsequent_indent=indent)


def _shape_of(output: Path | None) -> str:
    return (
        output.suffix.lstrip(".") if output and output.suffix in (".md", ".html", ".json", ".png") else "md"
    )


def _declaration(installation: Installation, list_name: str | None) -> PublishedList:
    return installation.chosen([list_name] if list_name else [])[0]


def _shaped(
    connection: Any, installation: Installation, declaration: PublishedList, told: dict[str, Any], shape: str
) -> bytes | str:
    if shape == "json":
        return ""
    from changelog.report_pages import as_html, as_markdown

    if shape == "md":
        return as_markdown(told, installation.lists)
    from changelog.reports import beginning
    from pipelines.history.figures import totals_between

    end = beginning(date.fromisoformat(told["until"]), declaration.time_zone)
    series = totals_between(connection, declaration.name, until=end)
    if shape == "png":
        from changelog.card import card

        return card(told, declaration, series)
    return as_html(told, installation.lists, series)


def _deliver(data: bytes | str, told: dict[str, Any], shape: str, output: Path | None) -> None:
    import json

    if shape == "json":
        if output is None:
            print_json(told)
            return
        data = json.dumps(told, ensure_ascii=False, indent=2) + "\n"
    if isinstance(data, bytes) and output is None:
        raise UsageError("A picture cannot be printed. Name a file with --output.")
    if output is None:
        typer.echo(data, nl=False)
        return
    output.write_bytes(data if isinstance(data, bytes) else data.encode())
    say(f"Wrote {output}.")


NAMED = 20


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


def add_to(app: typer.Typer) -> None:
    app.command()(report)
    app.command()(claim)
    app.command()(export)
    app.command()(site)
