"""The door a person knocks at: parses, calls one function, prints, and maps errors to exit codes."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from commands import (
    decide,
    doctor,
    fetch,
    lists_tools,
    maintain,
    mcp,
    places,
    prove,
    read,
    reports,
    serve,
)
from scraper.errors import CountersignError, UsageError

ADVICE = "This is a bug in countersign. Please report it with the lines above."
INTERRUPTED = 130
# Commands that make a home, and those that need none.
MAKING = ("crawl", "replay", "backfill", "migrate", "restore", "up", "worker")
ANYWHERE = ("demo", "doctor", "lists")
BUG = 1

app = typer.Typer(
    name="countersign",
    help="Watches published agreement lists, keeps what was published, and says who newly signed, left or was "
    "corrected, with evidence for every line.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for commands in (
    fetch,
    read,
    lists_tools,
    reports,
    decide,
    serve,
    maintain,
    prove,
    doctor,
    mcp,
    places,
):
    commands.add_to(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from scraper.settings import version

        print(f"countersign {version()}")  # noqa: T201 - asked for, so it is data
        raise typer.Exit


@app.callback()
def _door(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version, and leave."
        ),
    ] = False,
) -> None:
    """What can be said before a command."""
    if context.invoked_subcommand and not {"-h", "--help"} & {*(context.obj or ())}:
        _at_home(context.invoked_subcommand)


def _at_home(command: str) -> None:
    """Reading never makes a home: a wrong name would seem to be an empty record."""
    if command in ANYWHERE:
        return
    from scraper.settings import get_settings

    settings = get_settings()
    home = settings.home
    if home.exists():
        return
    # A new machine that shares an archive begins by deriving from it.
    if command not in MAKING and not (command == "rebuild" and settings.archive_url):
        raise UsageError(
            f"{home} does not exist. COUNTERSIGN_HOME names the folder of archive and database; "
            "`countersign crawl` or `countersign migrate` makes it."
        )
    print(f"countersign: {home} does not exist yet and is made.", file=sys.stderr)  # noqa: T201


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with the exit code that the promise names."""
    raise SystemExit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    # Pydantic would look through every installed package for plugins, and let them see settings and tokens.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Loading makes objects by the ten thousand, and nearly none of them is garbage.
    gc.set_threshold(20_000, 20, 20)
    try:
        words = sys.argv[1:] if arguments is None else arguments
        code = app(args=words, standalone_mode=False, obj=words)
    except CountersignError as error:
        print(f"countersign: {error}", file=sys.stderr)  # noqa: T201 - the door is where we speak to people
        return error.exit_code
    except KeyboardInterrupt:
        print("countersign: interrupted; what was recorded stays recorded.", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing may be written to it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _told(error)
    return int(code or 0)


def _told(error: Exception) -> int:
    """Typer's own complaints about usage are for people; everything else is a bug with a log to paste."""
    if hasattr(error, "exit_code") and hasattr(error, "show"):
        error.show()
        return int(error.exit_code)
    if type(error).__name__ == "Abort":
        return INTERRUPTED
    import traceback

    traceback.print_exception(error)
    print(f"countersign: {ADVICE}", file=sys.stderr)  # noqa: T201
    return BUG


if __name__ == "__main__":
    main()
