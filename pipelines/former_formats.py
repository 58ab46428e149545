"""How a list was published when a file was captured: as it is declared now, or in an earlier form."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipelines.parse.sniff import HEAD, looks_like
from scraper.capture import is_bundle
from scraper.lists import Earlier, PublishedList

_BLOCK = 1 << 20


def as_published(path: Path, declaration: PublishedList) -> PublishedList:
    """The declaration by which this file is to be read."""
    if not declaration.earlier:
        return declaration
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    allowed = looks_like(head, path)[1] if head else ()
    if declaration.format in allowed or is_bundle(head):
        return declaration
    for earlier in declaration.earlier:
        if earlier.format in allowed and _names_table(path, earlier.table):
            return _then(declaration, earlier)
    return declaration


def _then(declaration: PublishedList, earlier: Earlier) -> PublishedList:
    options = {"table": earlier.table, "base_url": declaration.page or declaration.file or ""}
    return replace(
        declaration,
        format=earlier.format,
        options=options if earlier.format == "html" else {},
        columns={**declaration.columns, **earlier.columns},
    )


def _names_table(path: Path, table: str) -> bool:
    wanted = "".join(table.split()).casefold()
    with path.open("rb") as stream:
        text = stream.read(32 * _BLOCK).decode("utf-8", "replace")
    return wanted in "".join(text.split()).casefold()
