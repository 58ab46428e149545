"""Commands that keep an installation whole."""

from __future__ import annotations

import typer

from commands.printing import progress, say


def add_to(app: typer.Typer) -> None:
    app.command()(migrate)
    app.command()(rebuild)


def migrate() -> int:
    """Bring the database to this version. A new home gets its database."""
    from pipelines.database import HEAD
    from pipelines.database import migrate as migrate_database
    from scraper.settings import get_settings
    from scraper.storage import storing

    settings = get_settings()
    with storing(settings.home):
        settings.home.mkdir(parents=True, exist_ok=True)
    migrate_database(settings.database_url)
    say(f"The database is at {HEAD}.")
    return 0


def rebuild() -> int:
    """Derive the database again from the archive and its journal. Announces nothing."""
    from pipelines.house import open_house
    from pipelines.run import rebuild as derive_again

    house = open_house()
    with progress("rebuilding") as show:
        derive_again(house, show)
    say("Rebuilt.")
    return 0
