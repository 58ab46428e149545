"""Does every row that was marked still have its mark?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from pipelines.record.digests import digest
from pipelines.record.marks import MARKED, key_of, stored
from pipelines.tables import marks
from scraper.archive import Problem


def edited_rows(connection: Connection) -> Iterator[Problem]:
    """The rows that were not written by countersign as they stand, or that it did not take away."""
    left: dict[tuple[Any, Any], Any] = {
        (row.table, row.key): row.digest for row in connection.execute(stored(connection, marks))
    }
    for table in MARKED:
        key = key_of(table).name
        for row in connection.execute(stored(connection, table)):
            name = str(row._mapping[key])
            mark = left.pop((table.name, name), None)
            if mark is None:
                yield Problem(row_name(table.name, name), "was not written by countersign.")
            elif mark != digest(row):
                yield Problem(row_name(table.name, name), "was edited since countersign wrote it.")
    for table_name, name in left:
        yield Problem(row_name(table_name, name), "is gone, and countersign did not take it away.")


def row_name(table: object, key: object) -> str:
    return f"table {table}, row {key}"
