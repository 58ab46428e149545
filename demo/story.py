"""The demo: a small publisher plays several weeks on loopback, the real spiders look at it, each batch is told."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from changelog.wording import title
from demo.made import Week, weeks
from demo.publisher import Publisher
from pipelines.fetch_runs import RunResult, fetch_lists
from pipelines.history.changes import ChangeFilter, StoredChange, read_changes
from pipelines.history.publications import accepted_publications
from pipelines.installation import Installation, open_installation
from scraper.settings import get_settings

SHOWN = 6
SEEN_AFTER = timedelta(minutes=20)


def play(home: Path | None) -> int:
    """Play all weeks into `home` (a new folder by default) and print what each publication changed."""
    console = Console(highlight=False)
    place = home or Path(tempfile.mkdtemp(prefix="countersign-demo-"))
    settings = get_settings().model_copy(
        update={"home": place, "database_url": f"sqlite:///{place}/countersign.sqlite"}
    )
    console.print("A small publisher plays on loopback; every figure below was crawled from it.\n")
    published = weeks()
    with Publisher() as publisher:
        installation = open_installation(settings, publisher.lists())
        for week in published:
            _publish(publisher, week)
            then = replace(installation, now=partial(_the_same, week.published_at + SEEN_AFTER))
            with redirect_stderr(StringIO()):  # the log of each look says what is printed here anyway
                looks = asyncio.run(
                    fetch_lists(then, list(installation.lists.values()), trigger="person", by="demo")
                )
            _tell(console, then, week, looks)
    _tell_batches(console, installation)
    busiest = max(published[1:], key=lambda week: len(week.truth["participating"].added)).published_at
    console.print(f"The home of this demo is {place}. Look around in it:\n")
    console.print(f"  COUNTERSIGN_HOME={place} countersign serve", soft_wrap=True)
    console.print(f"  COUNTERSIGN_HOME={place} countersign report --week {busiest:%G-W%V}", soft_wrap=True)
    return 0


def _the_same(at: datetime) -> datetime:
    return at


def _tell_batches(console: Console, installation: Installation) -> None:
    """Every batch of the signed list once more, as the change log has it."""
    table = Table(
        "published", "newly signed", "added", "other changes", title="The batches", title_justify="left"
    )
    with installation.engine.connect() as connection:
        for row in accepted_publications(connection, "participating"):
            changes = list(
                read_changes(connection, ChangeFilter(lists=("participating",), sha256=row.sha256))
            )
            added = [change for change in changes if change.kind == "added"]
            signed = sum(change.newly_signed is True for change in added)
            table.add_row(
                f"{row.published_at:%-d %B %Y}", str(signed), str(len(added)), str(len(changes) - len(added))
            )
    console.print(table)


def _publish(publisher: Publisher, week: Week) -> None:
    publisher.show_week(week, pending_form="number")
    publisher.say(statement=week.statement, updated=week.published_at.isoformat())


def _tell(console: Console, installation: Installation, week: Week, looks: Sequence[RunResult]) -> None:
    console.print(f"{week.published_at:%A, %-d %B %Y}", style="bold")
    for look in looks:
        counts = ", ".join(f"{count} {kind}" for kind, count in look.counts.items())
        console.print(
            f"  {look.list}: {look.outcome}{f' ({counts})' if counts else ''} {look.reason}".rstrip()
        )
        if look.outcome == "recorded":
            _tell_changes(console, list(_changes(installation, look)), installation)
    console.print()


def _changes(installation: Installation, look: RunResult) -> Iterator[StoredChange]:
    with installation.engine.connect() as connection:
        yield from read_changes(connection, ChangeFilter(lists=(look.list,), sha256=look.publication))


def _tell_changes(console: Console, changes: Sequence[StoredChange], installation: Installation) -> None:
    added = [change for change in changes if change.kind == "added"]
    if added:
        declaration = installation.lists[added[0].list]
        signed = sum(change.newly_signed is True for change in added)
        agencies = len({change.agency_id for change in added if change.new_agency})
        told = f"{signed} newly signed, {agencies} new agencies" if signed else declaration.wording.nouns
        console.print(f"    {len(added)} added: {told}", style="green")
    # Corrections first: there are few, and they are what others report as news.
    ordered = [change for change in changes if change.kind != "added"] + added
    for change in ordered[:SHOWN]:
        line = Text(f"      {change.kind:<9}{title(change, installation.lists[change.list])}")
        console.print(line, soft_wrap=True)  # where no terminal is, nothing needs to be cut
    if len(ordered) > SHOWN:
        console.print(f"      and {len(ordered) - SHOWN} more", style="dim")
