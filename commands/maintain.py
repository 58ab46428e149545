"""Commands that keep an installation whole: migrate, rebuild, backup, restore, prune."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.output import chosen_format, print_json, print_table, progress, say

if TYPE_CHECKING:
    from pipelines.installation import Installation
    from pipelines.rehearsal import Effect


def migrate() -> int:
    """Bring the database to this version. A new home gets its database."""
    from pipelines.database import HEAD
    from pipelines.database import migrate as migrate_database
    from pipelines.installation import open_installation
    from pipelines.run import place_all
    from scraper.settings import get_settings
    from scraper.storage import storing

    settings = get_settings()
    with storing(settings.home):
        settings.home.mkdir(parents=True, exist_ok=True)
    migrate_database(settings.database_url)
    place_all(open_installation())
    say(f"The database is at {HEAD}.")
    return 0


def rebuild(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what the present rules would change in the log.")
    ] = False,
    format_name: Annotated[
        str | None, typer.Option("--format", help="With --dry-run: table or json.")
    ] = None,
) -> int:
    """Derive the database again from the archive and its journal. Announces nothing."""
    from pipelines.history.publications import new_publications
    from pipelines.installation import open_installation
    from pipelines.rebuild import rebuild as derive_again

    if dry_run:
        return _show_effect(format_name)
    installation = open_installation()
    with progress("rebuilding") as show:
        derive_again(installation, show)
    with installation.engine.connect() as connection:
        failed = new_publications(connection, ("failed",))
    for row in failed:
        say(f"{row.list} {row.key}: {' '.join(reason['text'] for reason in row.reasons or ())}")
    say("Rebuilt.")
    return 1 if failed else 0


def _show_effect(format_name: str | None) -> int:
    from pipelines.installation import open_installation
    from pipelines.rehearsal import effect_of_rules

    shape = chosen_format(format_name, ("json", "table"))
    installation = open_installation()
    with progress("deriving beside") as show:
        effect = effect_of_rules(installation, show)
    print_effect(installation, effect, shape)
    if effect.nothing:
        say("The present rules make of the archive exactly what is recorded.")
    say("This is what our rules make of it, not what a publisher changed. Nothing was written or announced.")
    return 0


def print_effect(installation: Installation, effect: Effect, shape: str) -> None:
    """What a change log would lose (-), gain (+) or say otherwise (~), and which lists would be judged otherwise."""
    told = _effect_json(installation, effect)
    if shape == "json":
        print_json(told)
    elif not effect.nothing:
        lines = [
            {"": sign, **record}
            for sign, kind in (("-", "gone"), ("+", "come"), ("~", "altered"), ("?", "judged"))
            for record in told[kind]
        ]
        print_table(("", "published_at", "list", "title"), lines)
    if not effect.nothing:
        say(
            f"{len(effect.gone)} changes would be gone, {len(effect.come)} would come, {len(effect.altered)} "
            f"would say something else, {len(effect.judged)} publications would be judged otherwise."
        )


def _effect_json(installation: Installation, effect: Effect) -> dict[str, Any]:
    from changelog.wording import change_json, title

    lists = installation.lists
    return {
        "gone": [change_json(one, lists.get(one.list)) for one in effect.gone],
        "come": [change_json(one, lists.get(one.list)) for one in effect.come],
        "altered": [
            {
                **change_json(after, lists.get(after.list)),
                "title": f"{title(before, lists.get(before.list))} => {title(after, lists.get(after.list))}",
                "recorded": change_json(before, lists.get(before.list)),
            }
            for before, after in effect.altered
        ],
        "judged": [
            {
                "list": one.list,
                "publication": one.key,
                "published_name": one.published_name,
                "before": one.before,
                "after": one.after,
                "title": f"{one.published_name}: {one.before} => {one.after}",
            }
            for one in effect.judged
        ],
        "publications_reread": effect.reread,
    }


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


def add_to(app: typer.Typer) -> None:
    app.command()(migrate)
    app.command()(rebuild)
    app.command()(backup)
    app.command()(restore)
    app.command()(prune)
