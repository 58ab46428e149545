"""`doctor`: what is wrong with this installation, each check with the words of what to do."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from commands.output import chosen_format, print_json, print_table
from scraper.errors import CountersignError

if TYPE_CHECKING:
    from scraper.settings import Settings

FREE_BYTES = 500_000_000  # a year of both ICE lists is about 50 MB; below this a full disk is near
LONG_AGO = timedelta(days=400)
OLDEST_SQLITE = (3, 35)


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was looked at. `code` is the exit code that it alone would cause; 0 is well."""

    name: str
    text: str
    code: int = 0
    advice: bool = False

    @property
    def verdict(self) -> str:
        return "wrong" if self.code else "advice" if self.advice else "well"


def add_to(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    format_name: Annotated[str | None, typer.Option("--format", help="table or json.")] = None,
) -> int:
    """Explain what is wrong with this installation. Exit code 2: settings, 7: archive or database."""
    from scraper.settings import get_settings

    shape = chosen_format(format_name, ("json", "table"))
    settings = get_settings()
    checked = [_safely(check, settings) for check in CHECKS]
    records = [{"check": item.name, "verdict": item.verdict, "text": item.text} for item in checked]
    if shape == "json":
        print_json(records)
    else:
        print_table(("check", "verdict", "text"), records)
    return max(item.code for item in checked)


def _safely(check: Callable[[Settings], Checked], settings: Settings) -> Checked:
    try:
        return check(settings)
    except CountersignError as error:
        return Checked(check.__name__.strip("_"), str(error), error.exit_code)


def _python(_settings: Settings) -> Checked:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 11):  # noqa: UP036 - a checkout can be run without being installed
        return Checked("python", f"Python {version} is too old. Install 3.11 or newer.", 2)
    return Checked("python", f"Python {version}.")


def _sqlite(_settings: Settings) -> Checked:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        return Checked("sqlite", f"SQLite {sqlite3.sqlite_version} is too old. Use a newer Python build.", 2)
    return Checked("sqlite", f"SQLite {sqlite3.sqlite_version}.")


def _time_zones(settings: Settings) -> Checked:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from scraper.list_file import declared_lists

    for item in declared_lists(settings.lists, settings.builtin):
        for zone in (item.time_zone, item.cadence.time_zone):
            try:
                ZoneInfo(zone)
            except ZoneInfoNotFoundError:
                return Checked("time zones", f"{zone} is unknown here. Run: pip install tzdata.", 2)
    return Checked("time zones", "Every time zone of the lists is known.")


def _lists(settings: Settings) -> Checked:
    from scraper.list_file import declared_lists

    names = ", ".join(item.name for item in declared_lists(settings.lists, settings.builtin))
    return Checked("lists", f"Watched: {names}.")


def _contact(settings: Settings) -> Checked:
    if settings.contact is None:
        return Checked("contact", "Set COUNTERSIGN_CONTACT, so that a publisher can reach you.", advice=True)
    return Checked("contact", f"Publishers are told: {settings.contact}.")


def _home(settings: Settings) -> Checked:
    home = settings.home
    if not home.exists():
        return Checked("home", f"{home} does not exist yet; the first command makes it.")
    if not os.access(home, os.W_OK | os.X_OK):
        return Checked("home", f"{home} cannot be written by this user. Change its owner.", 7)
    free = shutil.disk_usage(home).free
    if free < FREE_BYTES:
        return Checked("home", f"Only {free // 1_000_000} MB are free at {home}. Make room.", 7)
    return Checked("home", f"{home}, {free // 1_000_000_000} GB free.")


def _database(settings: Settings) -> Checked:
    from pipelines.database import HEAD, database_exists, open_engine, revision

    at = revision(open_engine(settings.database_url)) if database_exists(settings.database_url) else None
    if at is None:
        return Checked("database", "None yet; the first command makes it.")
    if at != HEAD:
        return Checked("database", f"It is at {at}, this version needs {HEAD}. Run `countersign migrate`.", 7)
    return Checked("database", f"At {HEAD}.")


def _archive(settings: Settings) -> Checked:
    from pipelines.verify import broken_seals, journal_problems, kept_seals
    from scraper.archive import Archive

    archive = Archive(settings.home, shared=settings.archive_url)
    count = sum(1 for _ in archive.entries())
    lost = [*journal_problems(settings), *broken_seals(archive, kept_seals(settings.home))]
    if lost:
        return Checked("archive", " ".join(f"{one.where}: {one.text}" for one in lost), 7)
    if archive.journal.unfinished():
        return Checked("archive", "The journal's last line was cut short; the next entry sets it aside.")
    return Checked(
        "archive", f"The journal is whole: {count} entries. `verify` looks into every file and row."
    )


def _clock(settings: Settings) -> Checked:
    from pipelines.moments import utc_now
    from scraper.archive import Archive

    now, last = utc_now(), Archive(settings.home, shared=settings.archive_url).journal
    last.check_clock(now)
    at = last.last_at()
    if at is not None and now - at > LONG_AGO:
        text = f"The clock says {now:%Y-%m-%d}, and the journal's last entry is of {at:%Y-%m-%d}. Is the clock right?"
        return Checked("clock", text, advice=True)
    return Checked("clock", f"{now:%Y-%m-%d %H:%M} UTC.")


def _bugs(settings: Settings) -> Checked:
    from pipelines.database import database_exists, open_engine
    from pipelines.history.publications import new_publications

    failed = []
    if database_exists(settings.database_url):
        with open_engine(settings.database_url).connect() as connection:
            failed = [*new_publications(connection, ("failed",))]
    if failed:
        told = " ".join(f"{row.list} {row.key}: {row.reasons[0]['text']}" for row in failed)
        return Checked("bugs", f"{told} Report it with the lines of the log.", 1)
    return Checked("bugs", "No publication met a bug.")


CHECKS: tuple[Callable[[Settings], Checked], ...] = (
    _python, _sqlite, _lists, _time_zones, _contact, _home, _database, _archive, _clock,
    _bugs,
)  # fmt: skip
