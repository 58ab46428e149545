"""Reading the documents that are here and were not read yet. Result: a new reader reads them all again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from pipelines.documents.statements import READER, statements
from pipelines.helper import read_within
from pipelines.history.documents import unread_documents
from pipelines.installation import Installation, writing
from pipelines.processes import whole
from pipelines.record.documents import note_read
from scraper.errors import UnreadableError

AT_ONCE = 10  # between two such helpings we can be asked to stop
MEMORY = 1_000_000_000
SECONDS = 20  # for one document


async def read_documents(installation: Installation) -> int:
    """Read what is unread; returns how many there were. Whoever stops this loses nothing: the rest stays unread."""
    with installation.engine.connect() as connection:
        waiting = list(unread_documents(connection, READER))
    for start in range(0, len(waiting), AT_ONCE):
        await whole(_read_some, installation, waiting[start : start + AT_ONCE])
    return len(waiting)


def _read_some(installation: Installation, rows: Sequence[Row[Any]]) -> None:
    answers = [_read(installation, row) for row in rows]
    with writing(installation) as connection:
        for row, answer in zip(rows, answers, strict=True):
            year = (row.changed_at or installation.now()).year + 1
            found = statements(answer["text"], year) if "text" in answer else {"trouble": answer["trouble"]}
            note_read(connection, row.id, answer.get("pages"), found, READER)


def _read(installation: Installation, row: Row[Any]) -> dict[str, Any]:
    """The number of `pages` and the `text` of a document, or the `trouble` with it."""
    with installation.archive.local_path(row.sha256) as path:
        if not _is_pdf(path):
            return {"trouble": "it is no PDF document"}
        try:
            pages, text = read_within("pipelines.parse.pdf:print_text", path, [], MEMORY, SECONDS)
        except UnreadableError as error:
            return {"trouble": str(error)[:200]}
        return {"pages": pages, "text": text}


def _is_pdf(path: Path) -> bool:
    with path.open("rb") as stream:
        return b"%PDF-" in stream.read(1024)
