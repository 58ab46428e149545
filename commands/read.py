"""Commands that read what is recorded: the log, a list, an agency, its documents."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.output import (
    chosen_format,
    print_csv,
    print_json,
    print_json_array,
    print_json_lines,
    print_markdown,
    print_table,
    say,
)
from pipelines.values import LEVELS
from scraper.errors import UsageError

County = Annotated[
    str | None,
    typer.Option("--county", help="FIPS codes, or names with the state (FL:Bay); several with commas."),
]
Level = Annotated[str | None, typer.Option("--level", help=f"{', '.join(LEVELS)}; several with commas.")]

if TYPE_CHECKING:
    from scraper.lists import PublishedList

Format = Annotated[str | None, typer.Option("--format", help="table, json, jsonl, csv or md.")]


def changes(
    list_name: Annotated[str | None, typer.Option("--list", help="Only this list.")] = None,
    since: Annotated[str | None, typer.Option(help="From this date or time of publication on.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this date or time of publication.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="added, removed, returned, renamed, amended; several with commas.")
    ] = None,
    state: Annotated[str | None, typer.Option(help="Two letters or the name; several with commas.")] = None,
    agency: Annotated[str | None, typer.Option(help="Words of the agency's name.")] = None,
    county: County = None,
    level: Level = None,
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
    from changelog.query import change_filter
    from changelog.wording import change_json
    from pipelines.history.changes import read_baseline, read_changes
    from pipelines.installation import open_installation

    offered = ("json", "table", "jsonl", "csv", "md", "xlsx", "parquet")
    shape = chosen_format(format_name or (output.suffix.lstrip(".") if output else None), offered)
    installation = open_installation()
    names = [item.name for item in installation.chosen([list_name])] if list_name else []
    wanted = change_filter(
        installation.lists, names, since=since, until=until, kinds=[kind or ""], states=[state or ""], words=agency,
        counties=[county or ""], levels=[level or ""], registers=installation.registers,
        reviewed=False if unreviewed else None,
    )  # fmt: skip
    with installation.engine.connect() as connection:

        def records() -> Iterator[dict[str, Any]]:
            if include_baseline:
                for name in [list_name] if list_name else installation.lists:
                    for change in read_baseline(connection, name):
                        yield change_json(change, installation.lists.get(change.list))
            for change in read_changes(connection, wanted):
                yield change_json(change, installation.lists.get(change.list))

        [only] = [installation.lists[names[0]]] if len(names) == 1 else [None]
        spread = records() if only is None or shape in ("json", "jsonl") else map(_with_own_fields, records())
        _deliver(shape, spread, output, _columns(only))
    return 0


def _with_own_fields(told: dict[str, Any]) -> dict[str, Any]:
    """The fields of the key and of the title as columns of their own."""
    return {**told["fields"], **told["key"], **told}


def _columns(declaration: PublishedList | None) -> Sequence[str]:
    """Of a list by itself: the fields that it has, its own among them."""
    from changelog.exports import CHANGE_COLUMNS
    from changelog.wording import FIELDS, OF_PLACES, OF_SIGNATURES, carried

    if declaration is None:
        return CHANGE_COLUMNS

    missing = {*FIELDS} - {"agency", *carried(declaration)}
    missing |= {*OF_SIGNATURES} if "signed" in missing else set()
    missing |= {*OF_PLACES} if "state" in missing else set()
    kept = [name for name in CHANGE_COLUMNS if name not in missing and name not in ("key", "fields")]
    return [*dict.fromkeys((*kept, *declaration.key, *declaration.title))]


def _deliver(
    shape: str, records: Iterator[dict[str, Any]], output: Path | None, columns: Sequence[str]
) -> None:
    if shape in ("xlsx", "parquet"):
        from changelog.exports import write_table

        if output is None:
            raise UsageError(f"A {shape} file cannot be printed. Name it with --output.")
        write_table(output, shape, columns, records)
    elif output is not None:
        with output.open("w", encoding="utf-8", newline="") as file, redirect_stdout(file):
            _print_changes(shape, records, columns)
    else:
        _print_changes(shape, records, columns)
        return
    say(f"Wrote {output}.")


def _print_changes(shape: str, records: Iterator[dict[str, Any]], columns: Sequence[str]) -> None:
    match shape:
        case "json":
            print_json_array(records)
        case "jsonl":
            print_json_lines(records)
        case "csv":
            print_csv(columns, records)
        case "md":
            print_markdown(("published_at", "list", "kind", "title"), records)
        case _:
            print_table(("published_at", "list", "kind", "title", "id"), records)


def show(
    list_name: Annotated[str, typer.Argument(metavar="LIST", help="The list.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="As published on this date (its whole day) or time.")
    ] = None,
    known_at: Annotated[str | None, typer.Option("--known-at", help="As we knew it on this date.")] = None,
    county: County = None,
    level: Level = None,
    format_name: Annotated[
        str | None, typer.Option("--format", help="table, csv, json, xlsx or parquet.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", help="Write to this file instead.")] = None,
) -> int:
    """The list as published on a date, and as we knew it on another."""
    from changelog.json import listed
    from pipelines.installation import open_installation

    offered = ("json", "table", "csv", "xlsx", "parquet")
    shape = chosen_format(format_name or (output.suffix.lstrip(".") if output else None), offered)
    installation = open_installation()
    [declaration] = installation.chosen([list_name])
    found = listed(installation, list_name, as_of, known_at, counties=[county or ""], levels=[level or ""])
    if shape in ("xlsx", "parquet"):
        from changelog.exports import columns_of, write_table

        if output is None:
            raise UsageError(f"A {shape} file cannot be printed. Name it with --output.")
        write_table(output, shape, columns_of(found["agreements"]), found["agreements"])
        say(f"Wrote {output}.")
        return 0
    if output is not None:
        with output.open("w", encoding="utf-8", newline="") as sys.stdout:
            _print_agreements(shape, found, declaration)
        sys.stdout = sys.__stdout__
        return 0
    _print_agreements(shape, found, declaration)
    return 0


def _print_agreements(shape: str, found: dict[str, Any], declaration: PublishedList) -> None:
    records = found["agreements"]
    if shape == "json":
        print_json(found)
    elif shape == "csv":
        from changelog.exports import columns_of

        print_csv(columns_of(records), records)
    else:
        from changelog.wording import carried, counted

        note = (
            f"{counted(found, declaration)}, published {found['published_at']} as {found['published_name']}"
        )
        have = {"agency", *carried(declaration)}
        common: list[str] = [
            name for name in ("state", "agency", "county", "support_type", "signed") if name in have
        ]
        if declaration.mail:
            common[3:3] = ["level", "fips"]
        print_table([*dict.fromkeys((*declaration.title, *declaration.key, *common))], records, note)


def agency(
    text: Annotated[str, typer.Argument(help="Words of the agency's name, or its id.")],
    format_name: Annotated[str | None, typer.Option("--format", help="table or json.")] = None,
) -> int:
    """The life of an agency: every agreement, change, document and source row."""
    from changelog.json import lives_of
    from pipelines.installation import open_installation
    from scraper.errors import UsageError

    shape = chosen_format(format_name, ("json", "table"))
    found = lives_of(open_installation(), text)
    if not found:
        raise UsageError(f"No agency was ever listed whose name holds {text!r}.")
    if shape == "json":
        print_json(found)
        return 0
    for life in found:
        _print_life(life)
    return 0


def _print_life(life: dict[str, Any]) -> None:
    say(f"\n{life['agency']} ({life['state'] or '?'}), {life['agency_id']}")
    columns = ("list", "support_type", "signed", "since", "until", "agency", "row", "published_name")
    print_table(
        columns,
        [
            {**period, "list": agreement["list"]}
            for agreement in life["agreements"]
            for period in agreement["periods"]
        ],
    )
    print_table(("published_at", "list", "kind", "title"), life["changes"])


TableOrJson = Annotated[str | None, typer.Option("--format", help="table or json.")]
OneList = Annotated[str | None, typer.Option("--list", help="Only this list.")]

documents = typer.Typer(help="The documents of agreements.", invoke_without_command=True)


@documents.callback()
def view(
    context: typer.Context,
    list_name: OneList = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="Agreements without a document, oldest first.")
    ] = False,
    odd: Annotated[
        bool,
        typer.Option("--odd", help="Only links to another agency's file, and documents that say otherwise."),
    ] = False,
    log: Annotated[bool, typer.Option("--log", help="What became of documents, oldest first.")] = False,
    format_name: TableOrJson = None,
) -> int:
    """The documents that agreements link to; what is missing, odd, or happened to them."""
    if context.invoked_subcommand is not None:
        return 0
    from changelog.json import document_events, linked_documents, missing_documents
    from pipelines.installation import open_installation

    shape = chosen_format(format_name, ("json", "table"))
    installation = open_installation()
    names = [item.name for item in installation.chosen([list_name] if list_name else [])]
    with installation.engine.connect() as connection:
        if missing:
            columns = ["signed", "listed_since", "state", "agency", "support_type", "moa", "list"]
            records = missing_documents(connection, names)
        elif log:
            columns, records = ["at", "title", "url"], document_events(connection, names)
        else:
            columns = ["state", "agency", "support_type", "document", "pages", "trouble", "findings", "url"]
            records = linked_documents(connection, names, odd=odd)
        if shape == "json":
            print_json_array(records)
        else:
            print_table(columns, ({**one, "findings": _told(one.get("findings", ()))} for one in records))
    return 0


def _told(findings: list[dict[str, str]]) -> str:
    return " ".join(finding["text"] for finding in findings)


@documents.command()
def look(
    list_name: Annotated[str | None, typer.Argument(metavar="LIST")] = None,
    most: Annotated[int, typer.Option(help="Ask for so many at most, of each list.", min=1)] = 1000,
    format_name: TableOrJson = None,
) -> int:
    """Ask for the documents of the lists that have `documents = true`. It goes on where a stop left it."""
    import asyncio

    from pipelines.documents.fetch import fetch_documents
    from pipelines.fetch_runs import BUSY
    from pipelines.installation import open_installation

    shape = chosen_format(format_name, ("json", "table"))
    installation = open_installation()
    chosen = installation.chosen([list_name] if list_name else [])
    if list_name and not chosen[0].documents:
        raise UsageError(f"The documents of {list_name} are not fetched: declare it with documents = true.")
    looks = []
    for one in chosen:
        if one.documents:
            told = asyncio.run(fetch_documents(installation, one, getpass.getuser(), most))
            if told is None:
                say(f"{one.name}: {BUSY}")
            else:
                looks.append(told)
    if shape == "json":
        print_json_array(asdict(one) for one in looks)
    else:
        columns = [
            "name",
            "linked",
            "asked",
            "posted",
            "replaced",
            "gone",
            "returned",
            "unchanged",
            "missing",
        ]
        print_table([*columns, "refused", "waiting"], [asdict(one) for one in looks])
    for found in looks:
        if found.doubt:
            say(f"{found.name}: {found.doubt}")
        for url, why in list(found.troubles.items())[:10]:
            say(f"{url}: {why}")
    return 0


def add_to(app: typer.Typer) -> None:
    app.command()(changes)
    app.command()(show)
    app.command()(agency)
    app.add_typer(documents, name="documents")
