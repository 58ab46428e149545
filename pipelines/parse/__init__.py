"""Bytes to rows of text with their positions, one reader per format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from pathlib import Path

from pipelines.parse.limits import DEFAULT, Limits
from pipelines.parse.sniff import HEAD, check
from pipelines.values import Table
from scraper.lists import Format
from scraper.parts import is_bundle

Reader = Callable[[Path, Mapping[str, str], Limits], Table]


def _when_needed(module: str) -> Reader:
    """The `read` of a module that is imported only when a file of its format comes."""

    def reader(path: Path, options: Mapping[str, str], limits: Limits) -> Table:
        read: Reader = import_module(f"pipelines.parse.{module}").read
        return read(path, options, limits)

    return reader


READERS: dict[Format, Reader] = {
    "xlsx": _when_needed("xlsx"),
    "csv": _when_needed("csv"),
    "html": _when_needed("html"),
    "json": _when_needed("json"),
    "pdf": _when_needed("pdf"),
    "ods": _when_needed("ods"),
}
# The formats that hold the time of their own last edit.
DATED: frozenset[Format] = frozenset({"xlsx", "ods"})


def read(path: Path, format: Format, options: Mapping[str, str], limits: Limits = DEFAULT) -> Table:  # noqa: A002
    """The file as a table. UnreadableError when it is something else, damaged, empty or beyond the limits.

    The rows stream: errors further down the file are raised while they are read.
    """
    if _in_parts(path):
        from pipelines.parse.parts import read as read_parts

        return read_parts(path, lambda part: read(part, format, options, limits), limits)
    check(path, format)
    return READERS[format](path, options, limits)


def _in_parts(path: Path) -> bool:
    with path.open("rb") as stream:
        return is_bundle(stream.read(HEAD))


def last_edited(path: Path, format: Format, limits: Limits = DEFAULT) -> datetime | None:  # noqa: A002
    """The file's own time of last edit, aware, without reading its rows; None when the format has none."""
    if _in_parts(path):
        return None
    check(path, format)
    if format != "xlsx":
        return READERS[format](path, {}, limits).modified if format == "ods" else None
    from pipelines.parse.package import Package
    from pipelines.parse.workbook import read_modified

    return read_modified(Package(path, limits))
