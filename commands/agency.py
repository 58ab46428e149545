"""`agency`: the life of one agency, across all lists."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commands.output import chosen_format, print_json, print_table, say


def add_to(app: typer.Typer) -> None:
    app.command()(agency)


def agency(
    text: Annotated[str, typer.Argument(help="Words of the agency's name, or its id.")],
    format_name: Annotated[str | None, typer.Option("--format", help="table or json.")] = None,
) -> int:
    """The life of an agency: every agreement, change, document and source row."""
    from changelog.json import lives_of
    from pipelines.house import open_house
    from scraper.errors import UsageError

    shape = chosen_format(format_name, ("json", "table"))
    found = lives_of(open_house(), text)
    if not found:
        raise UsageError(f"No agency was ever listed whose name holds {text!r}.")
    if shape == "json":
        print_json(found)
        return 0
    for life in found:
        _print_life(life)
    return 0


def _print_life(life: dict[str, Any]) -> None:
    say(f"\n{life['agency']} ({life['state'] or '?'}), {life['agency_id']}")
    columns = ("list", "support_type", "signed", "since", "until", "agency", "row", "published_name")
    print_table(
        columns,
        [
            {**period, "list": agreement["list"]}
            for agreement in life["agreements"]
            for period in agreement["periods"]
        ],
    )
    print_table(("published_at", "list", "kind", "title"), life["changes"])
