"""Commands by which a person decides."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from commands.printing import chosen_format, print_json, print_table, say


def add_to(app: typer.Typer) -> None:
    app.command()(held)
    app.command()(accept)
    app.command()(reject)


def held(format_name: Annotated[str | None, typer.Option("--format", help="table or json.")] = None) -> int:
    """Lists put aside as implausible, with the reasons. Exit code 3 while there are any."""
    from changelog.wording import iso
    from pipelines.history.publications import held_publications
    from pipelines.house import open_house

    shape = chosen_format(format_name, ("json", "table"))
    house = open_house()
    with house.engine.connect() as connection:
        records = [
            {
                "id": row.key,
                "list": row.list,
                "published_at": iso(row.published_at),
                "captured_at": iso(row.captured_at),
                "published_name": row.published_name,
                "sha256": row.sha256,
                "reasons": row.reasons,
                "counts": row.counts or {},
                "agreements": row.agreements,
            }
            for row in held_publications(connection)
        ]
    if shape == "json":
        print_json(records)
    else:
        shown = [{**r, "reasons": " ".join(reason["text"] for reason in r["reasons"] or ())} for r in records]
        print_table(("id", "list", "published_at", "counts", "reasons"), shown)
    return 3 if records else 0


def accept(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="As `held` prints it.")],
    note: Annotated[str, typer.Option(help="Why.")] = "",
) -> int:
    """Believe a held list: its changes are recorded as of its publication, later lists derived again."""
    return _release(identifier, "accept", note)


def reject(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="As `held` prints it.")],
    note: Annotated[str, typer.Option(help="Why; it is kept with your name.")],
) -> int:
    """Put a held list aside for good. Nothing is recorded of it but that it was published."""
    return _release(identifier, "reject", note)


def _release(identifier: str, verdict: str, note: str) -> int:
    from pipelines.house import open_house
    from pipelines.run import release

    house = open_house()
    row = release(house, identifier, verdict, getpass.getuser(), note, None)
    say(f"{row.list} {row.key}, published {row.published_at:%Y-%m-%d %H:%M} UTC: {row.state}.")
    return 0
