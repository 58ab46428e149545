"""Commands by which a person decides."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from commands.output import chosen_format, print_json, print_table, say
from scraper.errors import UsageError

SETTLED = ("held", "cleared", "accepted", "rejected")
STATUSES = ("confirmed", "disputed", "ignored", "undone")
VERDICTS = ("same", "distinct", "unjudged")


def add_to(app: typer.Typer) -> None:
    app.command()(held)
    app.command()(accept)
    app.command()(reject)
    app.command()(retract)
    app.command()(review)
    app.command()(judge)


def held(
    every: Annotated[
        bool, typer.Option("--all", help="Those that were accepted, rejected or cleared by themselves too.")
    ] = False,
    format_name: Annotated[str | None, typer.Option("--format", help="table or json.")] = None,
) -> int:
    """Lists put aside as implausible, with the reasons. Exit code 3 while there are any."""
    from changelog.json import held_json
    from pipelines.history.publications import new_publications
    from pipelines.installation import open_installation

    shape = chosen_format(format_name, ("json", "table"))
    installation = open_installation()
    with installation.engine.connect() as connection:
        found = [held_json(row) for row in new_publications(connection, None)]
    records = [one for one in found if one["state"] in (SETTLED if every else ("held",))]
    if shape == "json":
        print_json(records)
    else:
        shown = [{**r, "reasons": " ".join(reason["text"] for reason in r["reasons"] or ())} for r in records]
        columns = ("id", "list", "published_at", *(["state"] if every else []), "counts", "reasons")
        print_table(columns, shown)
    return 3 if any(one["state"] == "held" for one in records) else 0


def accept(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="As `held` prints it.")],
    note: Annotated[str, typer.Option(help="Why.")] = "",
    as_baseline: Annotated[
        bool,
        typer.Option(
            "--as-baseline", help="It is the same list in a new layout: what it words otherwise is no news."
        ),
    ] = False,
) -> int:
    """Believe a held list: its changes are recorded as of its publication, later lists derived again."""
    return _release(identifier, "baseline" if as_baseline else "accept", note)


def reject(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="As `held` prints it.")],
    note: Annotated[str, typer.Option(help="Why; it is kept with your name.")],
) -> int:
    """Put a held list aside for good. Nothing is recorded of it but that it was published."""
    return _release(identifier, "reject", note)


def _release(identifier: str, verdict: str, note: str) -> int:
    from commands.output import changes_told
    from pipelines.installation import open_installation
    from pipelines.run import release

    installation = open_installation()
    with changes_told(installation):
        row = release(installation, identifier, verdict, getpass.getuser(), note)
    say(f"{row.list} {row.key}, published {row.published_at:%Y-%m-%d %H:%M} UTC: {row.state}.")
    return 0


def retract(
    sha256: Annotated[
        str, typer.Argument(metavar="SHA256", help="Of the file, as `replay` and `changes` print it.")
    ],
    note: Annotated[str, typer.Option(help="Why; it is kept with your name.")],
) -> int:
    """Take a file that was taken in by mistake out of the record again. It stays in the archive."""
    from commands.output import changes_told
    from pipelines.installation import open_installation
    from pipelines.run import retract as take_out

    installation = open_installation()
    with changes_told(installation):
        rows = take_out(installation, sha256.strip().lower(), getpass.getuser(), note)
    for row in rows:
        say(f"{row.list} {row.key}, published {row.published_at:%Y-%m-%d %H:%M} UTC: {row.state}.")
    return 0


def review(
    identifiers: Annotated[
        list[str], typer.Argument(metavar="ID...", help="Changes, as `changes` prints them.")
    ],
    status: Annotated[str, typer.Option(help="confirmed, disputed, ignored, or undone to take it back.")],
    note: Annotated[str, typer.Option(help="Why; it is kept with your name.")] = "",
) -> int:
    """Your verdict on changes. It is kept with author and time, and can be undone."""
    from pipelines.installation import open_installation
    from pipelines.run import review as keep_review

    if status not in STATUSES:
        raise UsageError(f"There is no status {status}. Choose one of: {', '.join(STATUSES)}.")
    keep_review(open_installation(), identifiers, status, getpass.getuser(), note)
    say(f"{len(identifiers)} {status}.")
    return 0


def judge(
    verdict: Annotated[str, typer.Argument(help="same, distinct, or unjudged to take it back.")],
    one: Annotated[str, typer.Argument(help="A name with its state: 'FL:Bay County Sheriff'.")],
    other: Annotated[str, typer.Argument(help="The other name with its state.")],
    note: Annotated[str, typer.Option(help="Why; it is kept with your name.")] = "",
) -> int:
    """Say that two names are one agency, or two. Every list is derived again with that knowledge."""
    from pipelines.installation import open_installation
    from pipelines.run import judge_names

    if verdict not in VERDICTS:
        raise UsageError(f"There is no verdict {verdict}. Choose one of: {', '.join(VERDICTS)}.")
    judge_names(open_installation(), verdict, _name(one), _name(other), getpass.getuser(), note)
    say("Kept; the lists were derived again.")
    return 0


def _name(text: str) -> tuple[str, str]:
    state, colon, agency = text.partition(":")
    if not colon or len(state.strip()) != 2:
        raise UsageError(f"{text!r} is not a name with its state. Write 'FL:Bay County Sheriff'.")
    return state.strip().upper(), agency.strip()
