"""Commands that prove: the installation to its owner, a change to a stranger, the record to the future."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from commands.output import progress, say

DAMAGED = 7


def add_to(app: typer.Typer) -> None:
    app.command()(verify)
    app.command()(seal)
    app.command()(prove)
    app.command()(warc)


def verify(
    quick: Annotated[bool, typer.Option("--quick", help="Archive, journal and seals only, not SQL.")] = False,
    seals: Annotated[
        list[Path] | None,
        typer.Option("--seal", help="A seal that was kept elsewhere; may be given several times."),
    ] = None,
) -> int:
    """Prove archive, journal and SQL whole: every file, every entry, every row that follows from them. 7 if not."""
    from pipelines.house import open_house
    from pipelines.proof.whole import archive_problems, record_problems
    from scraper.errors import StorageError
    from scraper.settings import get_settings

    damaged = False
    settings = get_settings()
    try:
        for problem in archive_problems(settings.home, seals or (), settings.archive_url):
            damaged |= problem.damage
            say(f"{problem.where}: {problem.text}")
        if not quick:
            with progress("deriving beside") as show:
                for problem in record_problems(open_house(settings), show):
                    damaged |= problem.damage
                    say(f"{problem.where}: {problem.text}")
    except StorageError as error:
        damaged = True
        say(str(error))
    if not damaged:
        rows = "" if quick else ", and every row of SQL is what they say"
        say(f"Whole: every file has its hash, every entry follows the one before it{rows}.")
    return DAMAGED if damaged else 0


def seal(
    output: Annotated[
        Path | None, typer.Option("--output", help="The folder to write to; `seals` in the home by default.")
    ] = None,
) -> int:
    """Write the journal's head with time and counts, to be published or time-stamped somewhere else."""
    from pipelines.house import open_house
    from pipelines.proof.seal import FOLDER, write_seal
    from pipelines.proof.seal import seal as make_seal

    house = open_house()
    made = make_seal(house)
    for place in write_seal(made, output or house.settings.home / FOLDER):
        say(f"Wrote {place}.")
    typer.echo(made.as_text(), nl=False)
    return 0


def prove(
    identifier: Annotated[str, typer.Argument(metavar="CHANGE", help="As `changes` prints it.")],
    output: Annotated[Path | None, typer.Option("--output", help="The zip to write.")] = None,
) -> int:
    """Write the evidence of a change as one zip, which a stranger can check with the script inside it."""
    from changelog.evidence.bundle import evidence
    from pipelines.house import open_house
    from scraper.storage import storing

    bundle = evidence(open_house(), identifier)
    place = output or Path(f"evidence-{identifier}.zip")
    with storing(place):
        place.write_bytes(bundle)
    say(f"Wrote {place}. To check it: unzip -p {place} check.py > check.py && python check.py {place}")
    typer.echo(f"{hashlib.sha256(bundle).hexdigest()}  {place}")
    return 0


def warc(
    output: Annotated[Path, typer.Argument(help="The file to write: captures.warc.gz, or .warc.")],
    lists: Annotated[
        list[str] | None, typer.Option("--list", help="Only this list; may be given several times.")
    ] = None,
) -> int:
    """Export what was captured as a WARC file, for web archives and their tools."""
    from changelog.evidence.warc import write_warc
    from pipelines.house import open_house

    house = open_house()
    house.chosen(lists or [])
    say(f"Wrote {output}: {write_warc(house.archive, output, lists or ())} captures.")
    return 0
