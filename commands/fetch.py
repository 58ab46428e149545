"""Commands that bring lists in: a crawl now, files of the past, the Wayback Machine, the demo."""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.output import (
    changes_told,
    chosen_format,
    print_json,
    print_json_lines,
    print_table,
    progress,
    say,
)
from scraper.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Row

    from pipelines.fetch_runs import RunResult
    from pipelines.installation import Installation
    from scraper.backfill import Backfilled
    from scraper.capture import Capture


def crawl(
    lists: Annotated[
        list[str] | None, typer.Argument(help="Lists to look at; all when none is named.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per list.")] = False,
) -> int:
    """Look at the lists now. Exit code 3: something is held, 4: not reached or refused, 5: not readable."""
    import asyncio

    from scraper.errors import worst

    looks = asyncio.run(_looks(lists or []))
    if json:
        print_json_lines(look.as_json() for look in looks)
    else:
        records = [{**look.as_json(), "changes": counted(look.counts)} for look in looks]
        print_table(("list", "outcome", "changes", "reason"), records)
    return worst([look.exit_code for look in looks])


async def _looks(names: list[str]) -> Sequence[RunResult]:
    from pipelines.fetch_runs import RunResult, fetch_lists
    from pipelines.installation import open_installation
    from pipelines.maintenance import anything_to_report

    installation = open_installation()
    results = await fetch_lists(installation, installation.chosen(names), "person", getpass.getuser())
    if anything_to_report(installation):
        # Words and ways out are heavy, and most runs have nothing to tell.
        from changelog.notices import report_runs

        await report_runs(installation, results)
    wrong = {} if names else installation.wrong_lists
    return [*results, *(RunResult(name, "failed", text, exit_code=2) for name, text in wrong.items())]


def counted(counts: object) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in dict(counts or {}).items())  # type: ignore[call-overload]


def replay(
    path: Annotated[Path, typer.Argument(help="A folder, one file, or a manifest (CSV).")],
    list_names: Annotated[
        list[str] | None,
        typer.Option("--list", help="The list that the files are of; for a manifest, all that it names."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per file.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what it would change in the log; nothing is kept.")
    ] = False,
) -> int:
    """Take files of the past through the same stages. Announces nothing."""
    from commands.output import changes_told
    from pipelines.fetch_runs import recorded
    from pipelines.installation import open_installation
    from pipelines.run import replay as replay_files
    from scraper.errors import worst
    from scraper.past_files import lists_of, past_captures

    installation = open_installation()
    lists = installation.chosen(lists_of(path, list_names or ()))
    captures = [one for declaration in lists for one in past_captures(path, declaration)]
    if dry_run:
        return _show_effect(installation, captures, json)
    with (
        recorded(
            installation, [declaration.name for declaration in lists], "replay", getpass.getuser()
        ) as run,
        progress("replaying") as show,
        changes_told(installation),
    ):
        found = replay_files(installation, captures, show)
        run.note(f"{len(captures)} files of the past")
    rows = _publications(installation)
    if json:
        print_json_lines(
            {
                "list": name,
                "sha256": sha,
                "outcome": state,
                "published_name": rows[name, sha].published_name,
                "reasons": rows[name, sha].reasons or [],
            }
            for (name, sha), state in found.items()
        )
    for (name, sha), state in found.items():
        if state in ("unreadable", "failed"):
            why = " ".join(reason["text"] for reason in rows[name, sha].reasons or ())
            say(f"{name}, {rows[name, sha].published_name} ({sha}): {state}. {why}")
    for declaration in lists:
        _say_what_became(declaration.name, [capture.list for capture, _ in captures], found)
    states = [*found.values()]
    return worst([3] * states.count("held") + [5] * states.count("unreadable") + [1] * states.count("failed"))


def _show_effect(installation: Installation, captures: Sequence[tuple[Capture, Path]], json: bool) -> int:
    from commands.maintain import print_effect
    from pipelines.rehearsal import effect_of_replay

    with progress("trying") as show:
        effect, found = effect_of_replay(installation, captures, show)
    print_effect(installation, effect, "json" if json else "table")
    for name in sorted({name for name, _ in found}):
        _say_what_became(name, [capture.list for capture, _ in captures], found)
    say("The change log would stay as it is." if effect.nothing else "Nothing was written.")
    return 0


def _publications(installation: Installation) -> dict[tuple[str, str], Row[Any]]:
    from pipelines.history.publications import new_publications

    with installation.engine.connect() as connection:
        return {(row.list, row.sha256): row for row in new_publications(connection, states=None)}


def _say_what_became(name: str, listed: Sequence[str], found: Mapping[tuple[str, str], str]) -> None:
    counts = Counter(state for (of, _), state in found.items() if of == name)
    became = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
    say(f"{name}: {listed.count(name)} files; {became}")


def demo(
    home: Annotated[
        Path | None, typer.Option(help="Where the demo keeps what it finds; a new folder by default.")
    ] = None,
) -> int:
    """The whole story in a minute, without a network: a small publisher plays several weeks on loopback."""
    from demo.story import play

    return play(home)


SHOWN = 10


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


def add_to(app: typer.Typer) -> None:
    app.command()(crawl)
    app.command()(replay)
    app.command()(demo)
    app.command()(backfill)
