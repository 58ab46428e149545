"""Commands about where agreements are: a person's word, and the registers that the rules read."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from commands.output import chosen_format, print_json, print_table, say
from scraper.errors import UsageError

registers = typer.Typer(
    help="The registers of counties, towns and agencies: where each is from; replace one by a newer file.",
    invoke_without_command=True,
)


def add_to(app: typer.Typer) -> None:
    app.command()(place)
    app.add_typer(registers, name="registers")


def place(
    agreement: Annotated[str, typer.Argument(metavar="AGREEMENT", help="Its id, as `show` prints it.")],
    note: Annotated[str, typer.Option(help="Why; it is kept with your name.")],
    fips: Annotated[str | None, typer.Option(help="FIPS codes of its counties; several with commas.")] = None,
    ori: Annotated[str | None, typer.Option(help="The FBI's number of the agency.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take back what was said before.")] = False,
) -> int:
    """Your word on where an agreement is. It goes before what the rules find, and can be undone."""
    from changelog.query import several
    from pipelines.installation import open_installation
    from pipelines.run import place as keep_word

    if undo == (fips is not None or ori is not None):
        raise UsageError("Say where it is with --fips or --ori, or take it back with --undo.")
    codes = None if fips is None else several([fips])
    keep_word(open_installation(), agreement, codes, ori, getpass.getuser(), note)
    say("Taken back." if undo else "Kept.")
    return 0


@registers.callback()
def known(
    context: typer.Context,
    format_name: Annotated[str | None, typer.Option("--format", help="table or json.")] = None,
) -> int:
    """The registers of counties, towns and agencies: where each is from; replace one by a newer file."""
    if context.invoked_subcommand is not None:
        return 0
    from pipelines.installation import open_installation
    from pipelines.registers import whole

    shape = chosen_format(format_name, ("json", "table"))
    records = [
        {
            "name": one.name,
            "title": one.title,
            "date": one.date,
            "own": one.own,
            "whole": whole(one),
            "licence": one.licence,
            "source": one.source,
            "sha256": one.sha256,
        }
        for one in open_installation().registers.about
    ]
    if shape == "json":
        print_json(records)
    else:
        print_table(("name", "title", "date", "own", "whole", "licence", "source"), records)
    return 0


@registers.command()
def replace(
    name: Annotated[str, typer.Argument(help="counties, towns or agencies.")],
    file: Annotated[Path, typer.Argument(help="A CSV file with the register's columns, perhaps gzipped.")],
    source: Annotated[str, typer.Option(help="Where it is from.")],
    date: Annotated[str, typer.Option(help="Of what day it is.")],
    licence: Annotated[str, typer.Option(help="Its terms.")] = "not said",
) -> int:
    """Use a newer file instead of a register that is shipped, and say of every agreement again where it is."""
    from pipelines.installation import open_installation
    from pipelines.registers import COLUMNS
    from pipelines.registers import replace as keep_register
    from pipelines.run import place_all

    if name not in COLUMNS:
        raise UsageError(f"There is no register {name}. They are: {', '.join(COLUMNS)}.")
    installation = open_installation()
    try:
        kept = keep_register(installation.own_registers, name, file, source, date, licence)
    except (OSError, ValueError) as error:
        columns = ", ".join(COLUMNS[name])
        raise UsageError(f"{file} is not used: {error} Its columns must be: {columns}.") from None
    place_all(installation)
    say(f"{name} is of {kept.version} now.")
    return 0


@registers.command()
def restore(name: Annotated[str, typer.Argument(help="counties, towns or agencies.")]) -> int:
    """Use the register that is shipped again."""
    from pipelines.installation import open_installation
    from pipelines.registers import restore as shipped_again
    from pipelines.run import place_all

    installation = open_installation()
    shipped_again(installation.own_registers, name)
    place_all(installation)
    say(f"{name} is the one that is shipped.")
    return 0
