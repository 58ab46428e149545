"""`show`: a list as it was published on a date, in whatever form is asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.output import chosen_format, print_csv, print_json, print_table, say
from scraper.errors import UsageError

COLUMNS = (
    "agreement_id", "agency_id", "state", "agency", "type", "county", "support_type", "signed", "moa", "addendum",
)  # fmt: skip


def add_to(app: typer.Typer) -> None:
    app.command()(show)


def show(
    list_name: Annotated[str, typer.Argument(metavar="LIST", help="The list.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="As published on this date (its whole day) or time.")
    ] = None,
    known_at: Annotated[str | None, typer.Option("--known-at", help="As we knew it on this date.")] = None,
    format_name: Annotated[
        str | None, typer.Option("--format", help="table, csv, json, xlsx or parquet.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Write to this file instead.")] = None,
) -> int:
    """The list as published on a date, and as we knew it on another."""
    from changelog.json import listed
    from pipelines.house import open_house

    offered = ("json", "table", "csv", "xlsx", "parquet")
    shape = chosen_format(format_name or (output.suffix.lstrip(".") if output else None), offered)
    house = open_house()
    [declaration] = house.chosen([list_name])
    found = listed(house, list_name, as_of, known_at)
    if shape in ("xlsx", "parquet"):
        from changelog.exports import write_table

        if output is None:
            raise UsageError(f"A {shape} file cannot be printed. Name it with --output.")
        write_table(output, shape, columns_of(found["agreements"]), found["agreements"])
        say(f"Wrote {output}.")
        return 0
    if output is not None:
        with output.open("w", encoding="utf-8", newline="") as sys.stdout:
            _print(shape, found, declaration.wording.nouns)
        sys.stdout = sys.__stdout__
        return 0
    _print(shape, found, declaration.wording.nouns)
    return 0


def columns_of(records: list[dict[str, Any]]) -> list[str]:
    """The agreement's own columns, then whatever else the list carries, in the order first met."""
    return list(dict.fromkeys([*COLUMNS, *(name for record in records for name in record)]))


def _print(shape: str, found: dict[str, Any], nouns: str) -> None:
    records = found["agreements"]
    if shape == "json":
        print_json(found)
    elif shape == "csv":
        print_csv(columns_of(records), records)
    else:
        note = (
            f"{found['total_agreements']} {nouns} of {found['total_agencies']} agencies, "
            f"published {found['published_at']} as {found['published_name']}"
        )
        print_table(("state", "agency", "county", "support_type", "signed"), records, note)
