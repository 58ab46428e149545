"""`lists`: what is watched; and for whoever declares a list: is it right, what would come, a draft."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.output import chosen_format, print_json, print_table, say

if TYPE_CHECKING:
    from pipelines.trial import Trial
    from scraper.lists import PublishedList
    from scraper.settings import Settings

TableOrJson = Annotated[str | None, typer.Option("--format", help="table or json.")]
HELD = 3
OURS = "built in"

lists = typer.Typer(
    help="What is watched; check, try or draft a list of your own.", invoke_without_command=True
)


def add_to(app: typer.Typer) -> None:
    app.add_typer(lists, name="lists")


@lists.callback()
def watched(context: typer.Context, format_name: TableOrJson = None) -> int:
    """What is watched; check, try or draft a list of your own."""
    if context.invoked_subcommand is not None:
        return 0
    from scraper.list_file import declared_lists
    from scraper.settings import get_settings

    shape = chosen_format(format_name, ("json", "table"))
    settings = get_settings()
    found = declared_lists(settings.lists, settings.builtin)
    records = [{**_record(item), "declared": _declared(item, settings)} for item in found]
    if shape == "json":
        print_json(records)
    else:
        print_table(("name", "title", "format", "address", "cadence", "declared"), records)
    if not found:
        say(
            "No list is watched. `countersign lists new ADDRESS` drafts one; COUNTERSIGN_LISTS names its file."
        )
    elif not any(record["declared"] == OURS for record in records):
        say(
            "The built-in lists are not watched: builtin = false, or lists of the same name take their place."
        )
    return 0


def _declared(item: PublishedList, settings: Settings) -> str:
    from scraper import lists as known

    return OURS if item in known.BUILT_IN else str(settings.lists)


def _record(item: PublishedList) -> dict[str, Any]:
    return {
        "name": item.name,
        "title": item.wording.title,
        "format": item.format,
        "address": item.page or item.file or " ".join(item.files),
        "cadence": list(item.cadence.crons),
        "time_zone": item.time_zone,
        "cadence_time_zone": item.cadence.time_zone,
    }


@lists.command()
def check(
    file: Annotated[Path, typer.Argument(help="A TOML file of lists, as COUNTERSIGN_LISTS names one.")],
    format_name: TableOrJson = None,
) -> int:
    """Is a file of lists right? Says what is wrong, on which line, and what to write. Exit code 2: wrong."""
    from scraper.list_file import examine

    shape = chosen_format(format_name, ("json", "table"))
    examined = examine(file)
    if shape == "json":
        print_json(
            {
                "lists": [_record(item) for item in examined.lists],
                "problems": [
                    {"line": problem.line, "text": problem.text, "fatal": problem.fatal}
                    for problem in examined.problems
                ],
            }
        )
    else:
        for problem in examined.problems:
            say(f"{file}, {problem}" if problem.fatal else f"{file}, {problem} (advice)")
        if not examined.fatal:
            say(f"{file} is right. It declares: {', '.join(item.name for item in examined.lists)}.")
    return 2 if examined.fatal else 0


@lists.command("try")
def try_(
    name: Annotated[str, typer.Argument(help="The list, of the file that COUNTERSIGN_LISTS names.")],
    file: Annotated[
        Path | None, typer.Option("--file", help="Another TOML file to take the list from.")
    ] = None,
    rows: Annotated[int, typer.Option(help="How many rows to show.", min=1, max=1000)] = 8,
    format_name: TableOrJson = None,
) -> int:
    """Look at a list once, show how it would be understood, write nothing. Exit code 3: it would be held."""
    from pipelines.trial import try_list
    from scraper.errors import ListError
    from scraper.list_file import declared_lists
    from scraper.settings import get_settings

    shape = chosen_format(format_name, ("json", "table"))
    settings = get_settings()
    declared = {item.name: item for item in declared_lists(file or settings.lists, settings.builtin)}
    if name not in declared:
        raise ListError(f"No list is called {name}. Declared are: {', '.join(sorted(declared))}.")
    trial = try_list(settings, declared[name], rows)
    if shape == "json":
        print_json(_trial_json(trial))
    else:
        _print_trial(trial)
    return HELD if trial.derived.state == "held" else 0


def _trial_json(trial: Trial) -> dict[str, Any]:
    figures = trial.derived.figures
    return {
        "list": trial.capture.list,
        "address": trial.capture.final_url or trial.capture.url,
        "published_name": trial.capture.published_name,
        "sha256": trial.capture.sha256,
        "header": list(trial.header),
        "rows": [agreement.as_json() for agreement in trial.rows],
        "total_rows": figures.rows if figures else 0,
        "total_agencies": figures.agencies if figures else 0,
        "outcome": trial.derived.state,
        "compared": trial.known,
        "counts": trial.derived.counts(),
        "reasons": [reason.as_json() for reason in trial.derived.reasons],
        "findings": [finding.as_json() for finding in trial.findings],
        "advice": list(trial.advice),
    }


def _print_trial(trial: Trial) -> None:
    told = _trial_json(trial)
    say(f"{told['address']}: {trial.capture.bytes:,} bytes, {told['total_rows']} rows.")
    shown = list(dict.fromkeys(name for row in told["rows"] for name, value in row.items() if value))
    print_table(shown, told["rows"])
    for finding in trial.findings[:20]:
        say(f"  odd: {finding.text}{f' (row {finding.row})' if finding.row else ''}")
    if len(trial.findings) > 20:
        say(f"  and {len(trial.findings) - 20} more that is odd")
    for line in trial.advice:
        say(f"  to change: {line}")
    for reason in trial.derived.reasons:
        say(f"  the guard: {reason.text}")
    if trial.derived.state == "held":
        say("It would be held for a person.")
    elif not trial.known:
        say("It would be this list's first publication: its baseline, without changes.")
    else:
        counts = ", ".join(f"{count} {kind}" for kind, count in trial.derived.counts().items())
        say(f"It would be recorded: {counts or 'nothing changed'}.")
    say("Nothing was kept.")


@lists.command()
def new(
    url: Annotated[str, typer.Argument(help="A page that links to the list, or the list's own address.")],
    private: Annotated[
        bool, typer.Option("--private", help="The address is in a network of your own.")
    ] = False,
) -> int:
    """Look at an address and print the draft of a list, ready for a TOML file. Writes nothing."""
    import sys

    from pipelines.drafting import draft
    from scraper.errors import UsageError
    from scraper.settings import get_settings

    if not url.startswith(("http://", "https://")):
        raise UsageError(f"{url} is no web address. Write it with https:// in front.")
    drafted = draft(get_settings(), url, private=private)
    sys.stdout.write(drafted.text)
    for note in drafted.notes:
        say(note)
    say(
        "Put it into a file and correct it. Then: countersign lists check FILE, and "
        "countersign lists try NAME --file FILE"
    )
    return 0
