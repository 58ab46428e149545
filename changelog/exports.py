"""Everything as data: a Frictionless data package of CSV and Parquet, and single tables as XLSX or Parquet.

The bytes depend on what is recorded and on nothing else: the same record gives the same files, before and after
a rebuild. Rows pass through in portions; a long log is never held in memory.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from changelog.cells import flat, harmless
from changelog.dictionary import SHEETS, Column, Sheet, dictionary_page
from changelog.records import records_of
from changelog.tabular import ParquetFile, Replacing, portions, write_table
from scraper.errors import StorageError
from scraper.lists import PublishedList

__all__ = ["export", "write_table"]

Record = Mapping[str, Any]


def export(connection: Connection, lists: Mapping[str, PublishedList], folder: Path) -> list[Path]:
    """Write the data package into `folder` (made if need be) and return its files.

    The connection's transaction is the state that is written. Raises StorageError when it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for sheet in SHEETS:
            written += _write_sheet(folder, sheet, records_of(connection, lists, sheet))
        written.append(_write_text(folder / "DICTIONARY.md", dictionary_page()))
        written.append(_write_text(folder / "datapackage.json", _package(folder, lists)))
    except OSError as error:
        raise StorageError(f"The export cannot be written to {folder}: {error.strerror}.") from error
    return written


def _write_sheet(folder: Path, sheet: Sheet, records: Iterator[Record]) -> list[Path]:
    """CSV and Parquet side by side, in one pass."""
    text, columns = folder / f"{sheet.name}.csv", folder / f"{sheet.name}.parquet"
    with ExitStack() as stack:
        csv_file = stack.enter_context(Replacing(text))
        writer = csv.writer(
            io.TextIOWrapper(csv_file, "utf-8", newline="", write_through=True), lineterminator="\n"
        )
        writer.writerow(sheet.names)
        parquet = stack.enter_context(ParquetFile(columns, sheet.columns))
        for portion in portions(records):
            writer.writerows([[_csv_cell(r.get(c.name), c) for c in sheet.columns] for r in portion])
            parquet.write(portion)
    return [text, columns]


def _csv_cell(value: object, column: Column) -> str:
    text = flat(value)
    return harmless(text) if column.type == "string" else text


def _write_text(path: Path, text: str) -> Path:
    with Replacing(path) as file:
        file.write(text.encode())
    return path


def _package(folder: Path, lists: Mapping[str, PublishedList]) -> str:
    """The descriptor; hashes make it a seal on the CSV files."""
    resources = [
        {
            "name": sheet.name,
            "type": "table",
            "title": sheet.title,
            "description": sheet.text,
            "path": f"{sheet.name}.csv",
            "scheme": "file",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "dialect": {"csv": {"lineTerminator": "\n"}},
            **_seal(folder / f"{sheet.name}.csv"),
            "schema": sheet.schema(),
        }
        for sheet in SHEETS
    ]
    told = {
        "name": "countersign",
        "title": "What published lists said, and how it changed",
        "description": "See DICTIONARY.md. The Parquet files have the same tables.",
        "sources": [
            {"title": item.wording.title, "path": item.page or item.file}
            for item in lists.values()
            if item.page or item.file
        ],
        "resources": resources,
    }  # fmt: skip
    return json.dumps(told, ensure_ascii=False, indent=2) + "\n"


def _seal(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"hash": f"sha256:{digest}", "bytes": path.stat().st_size}
