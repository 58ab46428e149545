"""Commands for years of running: backup, restore, and what may go."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from commands.output import progress, say


def add_to(app: typer.Typer) -> None:
    app.command()(backup)
    app.command()(restore)
    app.command()(prune)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="backup.tar, or backup.tar.gz.")],
) -> int:
    """Write everything that cannot be derived again into one file, while the clock goes on."""
    from pipelines.backup import backup as write_backup
    from pipelines.installation import open_installation

    count = write_backup(open_installation(), file)
    say(f"{file}: the journal, {count} files, the record of runs, incidents and notices.")
    return 0


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="As `backup` wrote it.")],
) -> int:
    """Bring a backup back into an empty COUNTERSIGN_HOME, prove it whole, and derive the rest again."""
    from pipelines.backup import restore as bring_back
    from pipelines.installation import open_installation

    with progress("restoring") as show:
        entries = bring_back(open_installation(), file, show)
    say(f"Restored: {entries} entries of the journal taken in, every file proven by its hash.")
    return 0


def prune(
    keep_days: Annotated[int, typer.Option(min=30, help="How many days of the record to keep.")] = 400,
) -> int:
    """Forget old runs, notices and incidents, and files nobody refers to; prove that all else is kept."""
    from pipelines.backup import prove_kept
    from pipelines.backup import prune as forget
    from pipelines.installation import open_installation

    installation = open_installation()
    gone = forget(installation, timedelta(days=keep_days))
    say(
        f"Forgotten: {gone.runs} runs, {gone.notices} notices, {gone.incidents} incidents, {gone.files} files "
        "that nothing refers to."
    )
    proof = prove_kept(installation)
    say(
        f"Kept: {proof.files} files that {proof.entries} entries of the journal refer to, each proven by its hash."
    )
    return 0
