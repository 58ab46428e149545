"""How data leaves the process: tables, JSON, JSON lines, CSV, Markdown; talk goes to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from changelog.cells import csv_lines, flat, markdown
from scraper.errors import UsageError

if TYPE_CHECKING:
    from pipelines.installation import Installation

Record = Mapping[str, Any]
_WIDTH = 160  # of a table that no terminal shows


def chosen_format(wanted: str | None, offered: Sequence[str]) -> str:
    """The format asked for; what a person reads otherwise, on a terminal and in a pipe."""
    if wanted is None:
        return "table" if "table" in offered else offered[0]
    if wanted not in offered:
        raise UsageError(f"There is no format {wanted} here. Choose one of: {', '.join(offered)}.")
    return wanted


def print_json(data: object) -> None:
    json.dump(data, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_json_lines(records: Iterable[Record]) -> None:
    for record in records:
        sys.stdout.write(json.dumps(record, ensure_ascii=False, sort_keys=False) + "\n")


def print_json_array(records: Iterable[Record]) -> None:
    """An array, written as it comes: a long log is never held in memory."""
    separator = "["
    for record in records:
        sys.stdout.write(f"{separator}\n{json.dumps(record, ensure_ascii=False)}")
        separator = ","
    sys.stdout.write("[]\n" if separator == "[" else "\n]\n")


def print_csv(columns: Sequence[str], records: Iterable[Record]) -> None:
    sys.stdout.writelines(csv_lines(columns, records))


def print_markdown(columns: Sequence[str], records: Iterable[Record]) -> None:
    sys.stdout.write(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n")
    for record in records:
        cells = (markdown(record.get(column)) for column in columns)
        sys.stdout.write(f"| {' | '.join(cells)} |\n")


def print_table(columns: Sequence[str], records: Iterable[Record], note: str = "") -> None:
    """Drawn on a terminal, plain columns elsewhere. `note` stands below it."""
    titles = [column.replace("_", " ") for column in columns]
    rows = [[flat(record.get(column)) for column in columns] for record in records]
    plain = None if note or sys.stdout.isatty() else _plain([titles, *rows])
    if plain is not None:
        sys.stdout.write(plain)
        return
    # It takes longer to load than a whole look at a list that did not change.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    console.print(table)
    if note:
        console.print(note, style="dim")


def _plain(rows: Sequence[Sequence[str]]) -> str | None:
    """What Rich would print, when it has neither colours to show nor anything to fold or to measure; else None."""
    if not all(cell.isascii() and (cell.isprintable() or not cell) for row in rows for cell in row):
        return None
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) > _WIDTH or not all(widths):
        return None
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + "\n" for row in rows
    )


def say(text: str) -> None:
    """Talk: to stderr, so that stdout is data alone."""
    sys.stderr.write(f"{text}\n")


@contextmanager
def progress(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on stderr while something long goes on; nothing when nobody watches."""
    if not sys.stderr.isatty():
        yield lambda _name, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def show(name: str, done: int, total: int) -> None:
            bar.update(task, description=f"{title} {name}", completed=done, total=total)

        yield show


@contextmanager
def changes_told(installation: Installation) -> Iterator[None]:
    """Say afterwards what became of the changes that were recorded before."""
    from pipelines.history.changes import change_ids

    with installation.engine.connect() as connection:
        before = change_ids(connection)
    yield
    with installation.engine.connect() as connection:
        after = change_ids(connection)
    gone, come = len(before - after), len(after - before)
    told = f"In the change log, {gone} changes are gone and {come} came."
    say(told if gone or come else "The change log is as it was.")
