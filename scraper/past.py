"""Files of the past as captures: a folder, one file, or a manifest that says what each file is."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from scraper.capture import Capture
from scraper.errors import UsageError
from scraper.lists import PublishedList

STAMPED = re.compile(r"^(\d{8}T\d{6}Z)-(.+)$")
NEEDED = ("captured_at", "published_name", "path")


def past_captures(path: Path, declaration: PublishedList) -> list[tuple[Capture, Path]]:
    """What `path` holds of one list, in order of capture. Raises UsageError when it holds nothing of it."""
    if path.is_dir():
        found = [_from_file(file, declaration) for file in sorted(path.rglob(f"*.{declaration.format}"))]
    elif path.suffix.lower() == ".csv" and declaration.format != "csv":
        found = list(_from_manifest(path, declaration))
    elif path.is_file():
        found = [_from_file(path, declaration)]
    else:
        raise UsageError(f"{path} does not exist.")
    if not found:
        raise UsageError(f"{path} holds no {declaration.format} file of the list {declaration.name}.")
    return sorted(found, key=lambda pair: (pair[0].captured_at, pair[1]))


def lists_of(path: Path) -> list[str]:
    """The lists that a manifest names, in its order. Raises UsageError for what cannot say whose files it holds."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        raise UsageError(
            f"Say with --list which list is meant: only a manifest (CSV) can name it, and {path} is none."
        )
    with _manifest(path) as rows:
        return [*dict.fromkeys(row["list"] for row in rows)]


@contextmanager
def _manifest(path: Path) -> Iterator[csv.DictReader[str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        lacking = [name for name in ("list", *NEEDED) if name not in (reader.fieldnames or ())]
        if lacking:
            raise UsageError(f"{path} is no manifest: it has no column {', '.join(lacking)}.")
        yield reader


def _from_manifest(path: Path, declaration: PublishedList) -> Iterator[tuple[Capture, Path]]:
    with _manifest(path) as rows:
        for number, row in enumerate(rows, 2):
            if row["list"] != declaration.name:
                continue
            place = path.parent / row["path"]
            if not place.is_file():
                raise UsageError(f"{path}, line {number}: {row['path']} does not exist.")
            captured_at = _time(row["captured_at"], f"{path}, line {number}")
            yield (
                _capture(declaration, captured_at, row["published_name"], row.get("captured_by") or "replay"),
                place,
            )


def _from_file(path: Path, declaration: PublishedList) -> tuple[Capture, Path]:
    """A file whose name begins with a time (20250408T221933Z-name.xlsx) was captured then, else when it was saved."""
    stamped = STAMPED.match(path.name)
    if stamped:
        captured_at = datetime.strptime(stamped[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return _capture(declaration, captured_at, stamped[2], "replay"), path
    captured_at = datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
    return _capture(declaration, captured_at, path.name, "replay"), path


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
