"""Commands that keep an installation whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.output import chosen_format, print_json, print_table, progress, say

if TYPE_CHECKING:
    from pipelines.installation import Installation
    from pipelines.rehearsal import Effect


def add_to(app: typer.Typer) -> None:
    app.command()(migrate)
    app.command()(rebuild)


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
