"""A list in several parts, read as one table: rows are numbered on from part to part."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from pipelines.parse.limits import Limits
from pipelines.values import Finding, Row, Table
from scraper.errors import UnreadableError

MOST_PARTS = 1_000
One = Callable[[Path], Table]


def read(path: Path, read_one: One, limits: Limits) -> Table:
    """`read_one` reads a part. UnreadableError when a part has other columns than the first."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError) as damage:
        raise UnreadableError(f"The parts of the list cannot be taken apart: {damage}.") from damage
    if len(members) > MOST_PARTS or sum(member.file_size for member in members) > limits.max_bytes_unpacked:
        raise UnreadableError("The list has more parts, or larger ones, than may be read.")
    findings: list[Finding] = []
    with tempfile.TemporaryDirectory(prefix="countersign-") as folder:
        first = read_one(_extracted(path, members[0], Path(folder)))
        header = first.header
    return Table(header, _rows(path, members, header, read_one, findings), first.modified, findings)


def _extracted(path: Path, member: zipfile.ZipInfo, folder: Path) -> Path:
    if member.compress_type != zipfile.ZIP_STORED:
        raise UnreadableError("A part of the list is packed, which ours never are.")
    place = folder / "part"
    with zipfile.ZipFile(path) as archive:
        place.write_bytes(archive.read(member))
    return place


def _rows(
    path: Path,
    members: list[zipfile.ZipInfo],
    header: tuple[str, ...],
    read_one: One,
    findings: list[Finding],
) -> Iterator[Row]:
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
