"""Bytes to rows of text with their positions, one reader per format."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple
from datetime import datetime
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from pipelines.parse.sniff import HEAD, check
from pipelines.parse.table import DEFAULT, Limits
from pipelines.values import Finding, Row, Table
from scraper.capture import is_bundle
from scraper.errors import UnreadableError
from scraper.lists import Format

Reader = Callable[[Path, Mapping[str, str], Limits], Table]


def _when_needed(module: str) -> Reader:
    """The `read` of a module that is imported only when a file of its format comes."""

    def reader(path: Path, options: Mapping[str, str], limits: Limits) -> Table:
        read: Reader = import_module(f"pipelines.parse.{module}").read
        return read(path, options, limits)

    return reader


def _in_helper(format: Format) -> Reader:  # noqa: A002
    """The same, done by a process that may be killed."""

    def reader(path: Path, options: Mapping[str, str], limits: Limits) -> Table:
        from pipelines.helper import read_within  # here, as most lists need no helper

        seconds = min(limits.max_seconds, limits.max_seconds_pdf) if format == "pdf" else limits.max_seconds
        arguments = [format, dict(options), astuple(limits)]
        values = read_within("pipelines.parse:print_table", path, arguments, limits.max_bytes_helper, seconds)
        header, modified = next(values)
        moment = datetime.fromisoformat(modified) if modified else None
        findings: list[Finding] = []
        return Table(tuple(header), _printed_rows(values, findings), moment, findings)

    return reader


def _printed_rows(values: Iterator[Any], findings: list[Finding]) -> Iterator[Row]:
    batch = next(values)
    for following in values:
        yield from (Row(number, tuple(cells), tuple(links)) for number, cells, links in batch)
        batch = following
    findings += [Finding(*finding) for finding in batch]


# Rows of workbooks and of CSV stream through limits of our own, a million of them as cheaply as they can. What is
# held whole by a library, or says in a few bytes that it is repeated without end, is read by the helper.
PLAIN: dict[Format, Reader] = {
    "xlsx": _when_needed("xlsx"),
    "csv": _when_needed("csv"),
    "html": _when_needed("html"),
    "json": _when_needed("json"),
    "pdf": _when_needed("pdf"),
    "ods": _when_needed("ods"),
}
READERS: dict[Format, Reader] = {
    name: reader if name in ("xlsx", "csv") else _in_helper(name) for name, reader in PLAIN.items()
}
# The formats that hold the time of their own last edit.
DATED: frozenset[Format] = frozenset({"xlsx", "ods"})
BATCH = 1_000
MOST_PARTS = 1_000


def print_table(
    path: Path,
    format: Format,  # noqa: A002
    options: Mapping[str, str],
    limits: Sequence[float],
) -> Iterator[Any]:
    """In the helper: header and time of last edit, rows by the thousand, and at the end the findings."""
    table = PLAIN[format](path, options, Limits(*limits))  # type: ignore[arg-type]
    yield table.header, table.modified.isoformat() if table.modified else None
    rows = iter(table.rows)
    while batch := list(islice(rows, BATCH)):
        yield batch
    yield [astuple(finding) for finding in table.findings]


def read(path: Path, format: Format, options: Mapping[str, str], limits: Limits = DEFAULT) -> Table:  # noqa: A002
    """The file as a table. UnreadableError when it is something else, damaged, empty or beyond the limits.

    The rows stream: errors further down the file are raised while they are read.
    """
    if _in_parts(path):
        return _read_parts(path, lambda part: read(part, format, options, limits), limits)
    check(path, format)
    return READERS[format](path, options, limits)


def last_edited(path: Path, format: Format, limits: Limits = DEFAULT) -> datetime | None:  # noqa: A002
    """The file's own time of last edit, aware, without reading its rows; None when the format has none."""
    if format not in DATED or _in_parts(path):
        return None
    check(path, format)
    reader: Callable[[Path, Limits], datetime | None]
    reader = import_module(f"pipelines.parse.{format}").last_edited
    return reader(path, limits)


def _in_parts(path: Path) -> bool:
    with path.open("rb") as stream:
        return is_bundle(stream.read(HEAD))


def _read_parts(path: Path, read_one: Callable[[Path], Table], limits: Limits) -> Table:
    """A list in several parts as one table: rows are numbered on from part to part. UnreadableError when a part
    has other columns than the first."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError) as damage:
        raise UnreadableError(f"The parts of the list cannot be taken apart: {damage}.") from damage
    if len(members) > MOST_PARTS or sum(member.file_size for member in members) > limits.max_bytes_unpacked:
        raise UnreadableError("The list has more parts, or larger ones, than may be read.")
    import tempfile

    findings: list[Finding] = []
    with tempfile.TemporaryDirectory(prefix="countersign-") as folder:
        first = read_one(_extracted(path, members[0], Path(folder)))
        header = first.header
    return Table(header, _rows_of_parts(path, members, header, read_one, findings), first.modified, findings)


def _extracted(path: Path, member: zipfile.ZipInfo, folder: Path) -> Path:
    if member.compress_type != zipfile.ZIP_STORED:
        raise UnreadableError("A part of the list is packed, which ours never are.")
    place = folder / "part"
    with zipfile.ZipFile(path) as archive:
        place.write_bytes(archive.read(member))
    return place


def _rows_of_parts(
    path: Path,
    members: list[zipfile.ZipInfo],
    header: tuple[str, ...],
    read_one: Callable[[Path], Table],
    findings: list[Finding],
) -> Iterator[Row]:
    import tempfile

    before = 0
    for number, member in enumerate(members, 1):
        with tempfile.TemporaryDirectory(prefix="countersign-") as folder:
            table = read_one(_extracted(path, member, Path(folder)))
            if _plain(table.header) != _plain(header):
                raise UnreadableError(
                    f"Part {number} of {len(members)} has the columns {', '.join(table.header)}; the first "
                    f"has {', '.join(header)}."
                )
            last = before
            for row in table.rows:
                last = before + row.number
                yield row._replace(number=last)
            before = last
            findings.extend(table.findings)


def _plain(header: tuple[str, ...]) -> list[str]:
    return [" ".join(cell.split()).casefold() for cell in header]
