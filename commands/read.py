"""Commands that read what is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.output import (
    chosen_format,
    moment,
    print_csv,
    print_json_array,
    print_json_lines,
    print_markdown,
    print_table,
    say,
)
from scraper.errors import UsageError

if TYPE_CHECKING:
    from pipelines.history.changes import ChangeFilter
    from pipelines.house import House

COLUMNS = (
    "id", "list", "kind", "published_at", "captured_at", "recorded_at", "published_name", "sha256",
    "previous_sha256", "row", "state", "agency", "agency_id", "agreement_id", "support_type", "signed",
    "before", "after", "rule", "score", "evidence", "newly_signed", "new_agency", "pending_since", "title", "review",
)  # fmt: skip
Format = Annotated[str | None, typer.Option("--format", help="table, json, jsonl, csv or md.")]


def add_to(app: typer.Typer) -> None:
    app.command()(changes)


def changes(
    list_name: Annotated[str | None, typer.Option("--list", help="Only this list.")] = None,
    since: Annotated[str | None, typer.Option(help="From this date or time of publication on.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this date or time of publication.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="added, removed, returned, renamed, amended; several with commas.")
    ] = None,
    state: Annotated[str | None, typer.Option(help="Two letters; several with commas.")] = None,
    agency: Annotated[str | None, typer.Option(help="Words of the agency's name.")] = None,
    unreviewed: Annotated[bool, typer.Option("--unreviewed", help="Only what nobody has reviewed.")] = False,
    include_baseline: Annotated[
        bool, typer.Option("--include-baseline", help="Also the agreements of each list's first publication.")
    ] = False,
    format_name: Annotated[
        str | None, typer.Option("--format", help="table, json, jsonl, csv, md, xlsx or parquet.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Write to this file instead.")] = None,
) -> int:
    """The change log, oldest first."""
    from changelog.wording import change_json
    from pipelines.history.changes import read_baseline, read_changes
    from pipelines.house import open_house

    offered = ("json", "table", "jsonl", "csv", "md", "xlsx", "parquet")
    shape = chosen_format(format_name or (output.suffix.lstrip(".") if output else None), offered)
    house = open_house()
    wanted = _filter(house, list_name, since, until, kind, state, agency, unreviewed)
    pending_of = {name: item.pending_list for name, item in house.lists.items() if item.pending_list}
    with house.engine.connect() as connection:

        def records() -> Iterator[dict[str, Any]]:
            if include_baseline:
                for name in [list_name] if list_name else house.lists:
                    for change in read_baseline(connection, name):
                        yield change_json(change, house.lists.get(change.list))
            for change in read_changes(connection, wanted, pending_of=pending_of):
                yield change_json(change, house.lists.get(change.list))

        _deliver(shape, records(), output)
    return 0


def _deliver(shape: str, records: Iterator[dict[str, Any]], output: Path | None) -> None:
    if shape in ("xlsx", "parquet"):
        from changelog.exports import write_table

        if output is None:
            raise UsageError(f"A {shape} file cannot be printed. Name it with --output.")
        write_table(output, shape, COLUMNS, records)
    elif output is not None:
        with output.open("w", encoding="utf-8", newline="") as file, redirect_stdout(file):
            _print_changes(shape, records)
    else:
        _print_changes(shape, records)
        return
    say(f"Wrote {output}.")


def _print_changes(shape: str, records: Iterator[dict[str, Any]]) -> None:
    match shape:
        case "json":
            print_json_array(records)
        case "jsonl":
            print_json_lines(records)
        case "csv":
            print_csv(COLUMNS, records)
        case "md":
            print_markdown(("published_at", "list", "kind", "title"), records)
        case _:
            print_table(("published_at", "list", "kind", "title", "id"), records)


def _filter(
    house: House,
    list_name: str | None,
    since: str | None,
    until: str | None,
    kind: str | None,
    state: str | None,
    agency: str | None,
    unreviewed: bool,
) -> ChangeFilter:
    from pipelines.history.changes import ChangeFilter
    from pipelines.values import KINDS

    chosen = house.chosen([list_name]) if list_name else []
    zone = chosen[0].time_zone if chosen else "UTC"
    kinds = tuple(part.strip() for part in kind.split(",")) if kind else ()
    unknown = [part for part in kinds if part not in KINDS]
    if unknown:
        raise UsageError(f"There is no kind {', '.join(unknown)}. Kinds are: {', '.join(KINDS)}.")
    return ChangeFilter(
        lists=(list_name,) if list_name else (),
        since=moment(since, zone) if since else None,
        until=moment(until, zone) if until else None,
        kinds=kinds,
        states=tuple(part.strip().upper() for part in state.split(",")) if state else (),
        agency=agency,
        reviewed=False if unreviewed else None,
    )
