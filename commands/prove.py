"""Commands that prove: the installation to its owner, a change to a stranger, the record to the future."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.output import chosen_format, print_json, progress, say
from scraper.errors import UsageError
from scraper.storage import storing

DAMAGED = 7
UNPROVEN = "runs, incidents and notices, which follow from no archive"


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
    from pipelines.installation import open_installation
    from pipelines.verify import archive_problems, journal_problems, record_problems
    from scraper.errors import StorageError
    from scraper.settings import get_settings

    damaged, compared = False, not quick
    settings = get_settings()
    try:
        for problem in archive_problems(settings.home, seals or (), settings.archive_url):
            damaged |= problem.damage
            say(f"{problem.where}: {problem.text}")
        if quick:
            for problem in journal_problems(settings):
                damaged |= problem.damage
                say(f"{problem.where}: {problem.text}")
        else:
            with progress("deriving beside") as show:
                for problem in record_problems(open_installation(settings), show):
                    damaged |= problem.damage
                    compared &= not problem.not_compared
                    say(f"{problem.where}: {problem.text}")
    except StorageError as error:
        damaged = True
        say(str(error))
    if not damaged:
        rows = ", and every row that follows from them is what they say" if compared else ""
        say(f"Whole: every file has its hash, every entry follows the one before it{rows}.")
    say(f"Not looked into: {'' if compared else 'the rows that follow from the archive; '}{UNPROVEN}.")
    return DAMAGED if damaged else 0


def seal(
    output: Annotated[
        Path | None, typer.Option("--output", help="The folder to write to; `seals` in the home by default.")
    ] = None,
) -> int:
    """Write the journal's head with time and counts, to be published or time-stamped somewhere else."""
    from pipelines.installation import open_installation
    from pipelines.verify import FOLDER, write_seal
    from pipelines.verify import seal as make_seal

    installation = open_installation()
    made = make_seal(installation)
    for place in write_seal(made, output or installation.settings.home / FOLDER):
        say(f"Wrote {place}.")
    typer.echo(made.as_text(), nl=False)
    return 0


def prove(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="CHANGE|NAME", help="A change as `changes` prints it; or an agency, with --list and --on."
        ),
    ],
    list_name: Annotated[
        str | None, typer.Option("--list", help="The list on which the agency stood or not.")
    ] = None,
    on: Annotated[str | None, typer.Option("--on", help="The day: 2025-04-08.")] = None,
    output: Annotated[Path | None, typer.Option("--output", help="The zip to write.")] = None,
    format_name: Annotated[str | None, typer.Option("--format", help="table or json.")] = None,
) -> int:
    """Write evidence as one zip, which a stranger can check with the script inside it: of a change, or that an
    agency stood or did not stand on a list on a day."""
    from changelog.evidence.bundle import evidence
    from changelog.evidence.presence import presence
    from pipelines.installation import open_installation

    shape = chosen_format(format_name, ("table", "json"))
    if (list_name is None) != (on is None):
        raise UsageError("Name both the list and the day: prove NAME --list L --on 2025-04-08.")
    if list_name is None or on is None:
        told: dict[str, Any] = {"change": subject}
        bundle, otherwise = evidence(open_installation(), subject), f"evidence-{subject}.zip"
    else:
        told, bundle = presence(open_installation(), subject, list_name, on)
        slug = "-".join(re.findall(r"[a-z0-9]+", subject.lower()))[:60]
        otherwise = f"{'presence' if told['stood'] else 'absence'}-{slug}-{list_name}-{on}.zip"
    place = output or Path(otherwise)
    with storing(place):
        place.write_bytes(bundle)
    digest = hashlib.sha256(bundle).hexdigest()
    if shape == "json":
        print_json({**told, "bundle": str(place), "bundle_sha256": digest})
    else:
        if "sentence" in told:
            typer.echo(told["sentence"])
        typer.echo(f"{digest}  {place}")
    say(f"Wrote {place}. To check it: unzip -p {place} check.py > check.py && python check.py {place}")
    return 0


def warc(
    output: Annotated[Path, typer.Argument(help="The file to write: captures.warc.gz, or .warc.")],
    lists: Annotated[
        list[str] | None, typer.Option("--list", help="Only this list; may be given several times.")
    ] = None,
) -> int:
    """Export what was captured as a WARC file, for web archives and their tools."""
    from changelog.evidence.warc import write_warc
    from pipelines.installation import open_installation

    installation = open_installation()
    installation.chosen(lists or [])
    say(f"Wrote {output}: {write_warc(installation.archive, output, lists or ())} captures.")
    return 0
