"""`backfill`: a list's past out of the Wayback Machine."""

from __future__ import annotations

import getpass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.output import changes_told, chosen_format, print_json, progress, say
from scraper.errors import UsageError

if TYPE_CHECKING:
    from scraper.backfill import Backfilled

SHOWN = 10


def add_to(app: typer.Typer) -> None:
    app.command()(backfill)


def backfill(
    list_name: Annotated[str, typer.Argument(metavar="LIST")],
    since: Annotated[str, typer.Option(help="From this day on.")],
    until: Annotated[str | None, typer.Option(help="Before this day; today when not given.")] = None,
    format_name: Annotated[str | None, typer.Option("--format", help="table or json.")] = None,
) -> int:
    """Fetch a list's past from the Wayback Machine, slowly; go on where it stopped. Announces nothing."""
    from pipelines.fetch_runs import recorded
    from pipelines.installation import open_installation
    from pipelines.run import catch_up
    from scraper.backfill import WAYBACK
    from scraper.backfill import backfill as bring_home
    from scraper.wayback import Visitor

    shape = chosen_format(format_name, ("json", "table"))
    installation = open_installation()
    [declaration] = installation.chosen([list_name])
    first, last = _day(since, "--since"), _day(until, "--until") if until else installation.now().date()
    if first >= last:
        raise UsageError(f"A period ends after it begins; {last} is not after {first}.")
    installation.archive.journal.check_clock(installation.now())
    try:
        with (
            recorded(installation, [list_name], "backfill", getpass.getuser()) as run,
            Visitor(WAYBACK, installation.settings.user_agent) as visitor,
            progress("asking the archive") as show,
        ):
            lists = list(installation.lists.values())
            done = bring_home(
                declaration, lists, installation.archive, visitor, first, last, installation.now, show
            )
            run.note(f"{done.captures} captures of the past, {done.known} known before")
    finally:
        # What came before a stop is taken in all the same.
        with progress("deriving") as show, changes_told(installation):
            catch_up(installation, show)
    if shape == "json":
        print_json(_told(done))
    else:
        _print(done)
    return 0


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is not a day. Write it like 2025-02-01.") from None


def _told(done: Backfilled) -> dict[str, Any]:
    return {
        "list": done.name,
        "since": done.since.isoformat(),
        "until": done.until.isoformat(),
        "requests": done.requests,
        "captures": done.captures,
        "known": done.known,
        "missing": done.missing,
        "never_archived": done.never_archived,
        "unclear": done.unclear,
        "gaps": [
            {"from": begin.isoformat(), "to": end.isoformat(), "days": (end - begin).days}
            for begin, end in done.gaps()
        ],
    }


def _print(done: Backfilled) -> None:
    say(f"{done.name}: {done.captures} captures are new, {done.known} were known; {done.requests} requests.")
    for title, lines in (
        ("In the archive's index, but not to be had", done.missing),
        ("Linked by the page, but never archived", done.never_archived),
        ("Pages that say nothing clear", done.unclear),
    ):
        if lines:
            say(f"{title}: {len(lines)}")
        for line in lines[:SHOWN]:
            say(f"  {line}")
    for begin, end in done.gaps():
        if end - begin > timedelta(days=7):
            say(f"No capture from {begin:%Y-%m-%d} to {end:%Y-%m-%d} ({(end - begin).days} days).")
