"""Both lists of a playing publisher, declared in a file for a process of its own."""

from __future__ import annotations

from pathlib import Path

from demo.publisher import Publisher

COLUMNS = {"STATE": "state", "LAW ENFORCEMENT AGENCY": "agency", "SUPPORT TYPE": "support_type"}


def declared_in(folder: Path, publisher: Publisher) -> Path:
    """The path of the file, for COUNTERSIGN_LISTS."""
    columns = "".join(f'"{header}" = "{field}"\n' for header, field in COLUMNS.items())
    path = folder / "lists.toml"
    path.write_text(
        "".join(
            f'[lists.{name}]\npage = "{publisher.page_url}"\nprivate_addresses = true\ndelay_seconds = 0\n'
            f'link = {{ text = "{name}" }}\n[lists.{name}.columns]\n{columns}'
            for name in ("participating", "pending")
        )
    )
    return path
