"""`documents`: what agreements link to, what became of it, what is odd about it; and a look at it now."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from typing import Annotated

import typer

from commands.output import chosen_format, print_json_array, print_table, say
from scraper.errors import UsageError

TableOrJson = Annotated[str | None, typer.Option("--format", help="table or json.")]
OneList = Annotated[str | None, typer.Option("--list", help="Only this list.")]

documents = typer.Typer(help="The documents of agreements.", invoke_without_command=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(documents, name="documents")


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
    from pipelines.house import open_house

    shape = chosen_format(format_name, ("json", "table"))
    house = open_house()
    names = [item.name for item in house.chosen([list_name] if list_name else [])]
    with house.engine.connect() as connection:
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

    from pipelines.documents.rounds import document_round
    from pipelines.house import open_house
    from pipelines.looks.watch import BUSY

    shape = chosen_format(format_name, ("json", "table"))
    house = open_house()
    chosen = house.chosen([list_name] if list_name else [])
    if list_name and not chosen[0].documents:
        raise UsageError(f"The documents of {list_name} are not fetched: declare it with documents = true.")
    looks = []
    for one in chosen:
        if one.documents:
            told = asyncio.run(document_round(house, one, getpass.getuser(), most))
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
