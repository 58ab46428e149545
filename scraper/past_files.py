"""Files of the past as captures: a folder, one file, or a manifest that says what each file is."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from scraper.capture import LIVE, Capture
from scraper.errors import UsageError
from scraper.lists import PublishedList

STAMPED = re.compile(r"^(\d{8}T\d{6}Z)-(.+)$")
REPLAY = "replay"
NEEDED = ("list", "captured_at", "published_name", "path")


def past_captures(path: Path, declaration: PublishedList) -> list[tuple[Capture, Path]]:
    """What `path` holds of one list, in order of capture. Raises UsageError when it holds nothing of it."""
    if path.is_dir():
        found = [_from_file(file, declaration) for file in sorted(path.rglob(f"*.{declaration.format}"))]
    elif path.suffix.lower() == ".csv" and (declaration.format != "csv" or _is_manifest(path)):
        found = list(_from_manifest(path, declaration))
    elif path.is_file():
        found = [_from_file(path, declaration)]
    else:
        raise UsageError(f"{path} does not exist.")
    if not found:
        raise UsageError(f"{path} holds no {declaration.format} file of the list {declaration.name}.")
    return sorted(found, key=lambda pair: (pair[0].captured_at, pair[1]))


def lists_of(path: Path, named: Sequence[str]) -> list[str]:
    """The lists whose files are meant: those that were named, else all that a manifest names, in its order."""
    names = [*dict.fromkeys(named)]
    if len(names) == 1:
        return names
    if path.suffix.lower() != ".csv" or not path.is_file():
        raise UsageError(
            f"Name one list with --list: {path} is no manifest (CSV) that says whose files it holds."
        )
    with _manifest(path) as rows:
        found = [*dict.fromkeys(row["list"] for _, row in rows)]
    if not found:
        raise UsageError(f"{path} names no files.")
    return names or found


def _is_manifest(path: Path) -> bool:
    try:
        with _manifest(path):
            return True
    except UsageError:
        return False


@contextmanager
def _manifest(path: Path) -> Iterator[Iterator[tuple[str, dict[str, str]]]]:
    """Its rows, each with where it stands."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            lacking = [name for name in NEEDED if name not in (reader.fieldnames or ())]
            if lacking:
                raise UsageError(f"{path} is no manifest: it has no column {', '.join(lacking)}.")
            yield (
                (f"{path}, line {number}", _whole(row, path, number)) for number, row in enumerate(reader, 2)
            )
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is no manifest: {error}.") from error


def _whole(row: dict[str, str], path: Path, number: int) -> dict[str, str]:
    if lacking := [name for name in NEEDED if row[name] is None]:
        raise UsageError(f"{path}, line {number}: it breaks off before {', '.join(lacking)}.")
    return row


def _from_manifest(path: Path, declaration: PublishedList) -> Iterator[tuple[Capture, Path]]:
    with _manifest(path) as rows:
        for where, row in rows:
            if row["list"] != declaration.name:
                continue
            place = path.parent / row["path"]
            if not place.is_file():
                raise UsageError(f"{where}: {row['path']} does not exist.")
            by = row.get("captured_by") or REPLAY
            if by == LIVE:  # only our own look is that
                by = REPLAY
            yield _capture(declaration, _time(row["captured_at"], where), row["published_name"], by), place


def _from_file(path: Path, declaration: PublishedList) -> tuple[Capture, Path]:
    """A file whose name begins with a time (20250408T221933Z-name.xlsx) was captured then, else when it was saved."""
    stamped = STAMPED.match(path.name)
    if stamped:
        captured_at = datetime.strptime(stamped[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return _capture(declaration, captured_at, stamped[2], REPLAY), path
    captured_at = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    return _capture(declaration, captured_at, path.name, REPLAY), path


def _capture(declaration: PublishedList, captured_at: datetime, name: str, by: str) -> Capture:
    return Capture(
        list=declaration.name, url="", captured_at=captured_at, outcome="fetched", published_name=name, by=by
    )


def _time(text: str, where: str) -> datetime:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{where}: {text!r} is not a time.") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
