"""Tables as files with typed columns, and everything as a data package."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from changelog.cells import flat, harmless, runs_as_formula
from changelog.dictionary import SHEETS, Column, Sheet, dictionary_page
from changelog.json import records_of
from scraper.errors import StorageError, UsageError
from scraper.lists import PublishedList

PORTION = 5000
SHEET_ROWS = 1_048_576  # of an XLSX sheet, with its header
CREATED = datetime(2000, 1, 1)  # noqa: DTZ001 - a workbook's time has no zone; fixed, so that the bytes are
Record = Mapping[str, Any]
CHANGE_COLUMNS = (
    "id", "list", "kind", "published_at", "captured_at", "recorded_at", "published_name", "sha256",
    "previous_sha256", "row", "state", "agency", "agency_id", "agreement_id", "support_type", "signed",
    "before", "after", "rule", "score", "evidence", "newly_signed", "new_agency", "pending_since",
    "level", "fips", "place", "ori", "population", "officers", "place_evidence", "title", "review",
    "key", "fields",
)  # fmt: skip
AGREEMENT_COLUMNS = (
    "agreement_id", "agency_id", "state", "agency", "type", "county", "support_type", "signed", "moa", "addendum",
)  # fmt: skip


def columns_of(records: Sequence[Record]) -> list[str]:
    """The agreement's own columns that the list has, then whatever else it carries, in the order first met."""
    have = dict.fromkeys(name for record in records for name in record)
    return list(dict.fromkeys([*(name for name in AGREEMENT_COLUMNS if name in have or not have), *have]))


def portions(records: Iterable[Record]) -> Iterator[list[Record]]:
    iterator = iter(records)
    while portion := list(islice(iterator, PORTION)):
        yield portion


class Replacing:
    """A file that takes its name only once it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(f".{path.name}.partial")

    def __enter__(self) -> io.BufferedWriter:
        self._file = self._partial.open("wb")
        return self._file

    def __exit__(self, failed: type[BaseException] | None, *rest: object) -> None:
        if not self._file.closed:
            self._file.flush()
            self._file.close()
        if failed is None:
            self._partial.replace(self._path)
        else:
            self._partial.unlink(missing_ok=True)


class ParquetFile:
    """A Parquet file written portion by portion, its columns typed as the dictionary says."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        import pyarrow as pa

        self._replacing = Replacing(path)
        self._columns = columns
        self._schema = pa.schema([_arrow_field(column) for column in columns])

    def __enter__(self) -> ParquetFile:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(self._replacing.__enter__(), self._schema, compression="zstd")
        return self

    def __exit__(self, failed: type[BaseException] | None, *rest: object) -> None:
        self._writer.close()
        self._replacing.__exit__(failed, *rest)

    def write(self, records: Sequence[Record]) -> None:
        import pyarrow as pa

        arrays = [
            pa.array([_arrow_value(record.get(c.name), c) for record in records], _arrow(c.type))
            for c in self._columns
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))


def _arrow_field(column: Column) -> Any:
    import pyarrow as pa

    words = {"description": column.text} if column.text else None
    return pa.field(column.name, _arrow(column.type), nullable=not column.required, metadata=words)


def _arrow(kind: str) -> Any:
    import pyarrow as pa

    return {
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "datetime": pa.timestamp("ms", tz="UTC"),
    }.get(kind, pa.string())


def _arrow_value(value: Any, column: Column) -> Any:
    if value is None or column.type in ("integer", "number", "boolean"):
        return value
    if column.type == "date":
        return date.fromisoformat(value) if value else None
    if column.type == "datetime":
        return datetime.fromisoformat(value) if value else None
    return flat(value)


def write_table(path: Path, shape: str, columns: Sequence[str], records: Iterable[Record]) -> None:
    """One table as `shape` ("xlsx" or "parquet"). Columns that the dictionary knows have its types.

    Raises UsageError when a workbook cannot hold so many rows, StorageError when the file cannot be written.
    """
    try:
        if shape == "parquet":
            with ParquetFile(path, _typed(columns)) as parquet:
                for portion in portions(records):
                    parquet.write(portion)
        else:
            with Replacing(path) as file:
                _write_workbook(file, _typed(columns), records)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from error


def _typed(columns: Sequence[str]) -> list[Column]:
    known = {column.name: column for sheet in SHEETS for column in sheet.columns}
    return [
        Column(
            name, known[name].type if name in known else "string", known[name].text if name in known else ""
        )
        for name in columns
    ]


def _write_workbook(file: io.BufferedWriter, columns: Sequence[Column], records: Iterable[Record]) -> None:
    """Every text is written as text: no cell is a formula, and none becomes one when it is edited."""
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
               "strings_to_numbers": False}  # fmt: skip
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"title": "countersign", "created": CREATED})
        sheet = book.add_worksheet("list")
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        quoted = book.add_format({"quote_prefix": True})
        for number, column in enumerate(columns):
            sheet.write_string(0, number, column.name, bold)
        sheet.freeze_panes(1, 0)
        for row, record in enumerate(records, 1):
            if row >= SHEET_ROWS:
                raise UsageError("A workbook's sheet ends at 1,048,576 rows. Choose csv or parquet.")
            for number, column in enumerate(columns):
                value = record.get(column.name)
                if value is None or value == "":
                    continue
                if column.type == "date" and value >= "1900":  # a workbook knows no earlier day
                    sheet.write_datetime(row, number, datetime.fromisoformat(value), day)
                elif column.type in ("integer", "number"):
                    sheet.write_number(row, number, value)
                elif column.type == "boolean":
                    sheet.write_boolean(row, number, value)
                else:
                    text = flat(value)[:32_767]
                    sheet.write_string(row, number, text, quoted if runs_as_formula(text) else None)


__all__ = ["export", "write_table"]


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
