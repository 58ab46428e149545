"""Reading the documents that are here and were not read yet. Derived: a new reader reads them all again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from pipelines.documents.said import READER, said
from pipelines.documents.texts import SECONDS
from pipelines.history.documents import unread_documents
from pipelines.house import House, writing
from pipelines.record.documents import note_read
from pipelines.threads import whole

ROOT = Path(__file__).parents[2]
AT_ONCE = 10  # between two such helpings we can be asked to stop
_PDF = b"%PDF-"


async def read_documents(house: House) -> int:
    """Read what is unread; returns how many there were. Whoever stops this loses nothing: the rest stays unread."""
    with house.engine.connect() as connection:
        waiting = list(unread_documents(connection, READER))
    for start in range(0, len(waiting), AT_ONCE):
        await whole(_read_some, house, waiting[start : start + AT_ONCE])
    return len(waiting)


def _read_some(house: House, rows: Sequence[Row[Any]]) -> None:
    with ExitStack() as held:
        paths = [held.enter_context(house.archive.local_path(row.sha256)) for row in rows]
        answers = _answers(paths)
    with writing(house) as connection:
        for row, answer in zip(rows, answers, strict=True):
            year = (row.changed_at or house.now()).year + 1
            told = said(answer["text"], year) if "text" in answer else {"trouble": answer["trouble"]}
            note_read(connection, row.id, answer.get("pages"), told, READER)


def _answers(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """One answer for each path. A helper that dies over one document is followed by another for the rest."""
    answers: list[dict[str, Any]] = []
    while len(answers) < len(paths):
        left = paths[len(answers) :]
        if not _is_pdf(left[0]):
            answers.append({"trouble": "it is no PDF document"})
            continue
        some = next((at for at, path in enumerate(left) if not _is_pdf(path)), len(left))
        found = _ask(left[:some])
        answers += found or [{"trouble": f"it took longer than {SECONDS} seconds"}]
    return answers


def _is_pdf(path: Path) -> bool:
    with path.open("rb") as stream:
        return _PDF in stream.read(1024)


def _ask(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """The answers that came; fewer than were asked for when the helper died over the next one."""
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.documents.texts"],
        cwd=ROOT,
        input="".join(f"{path.resolve()}\n" for path in paths),
        capture_output=True,
        text=True,
        timeout=(SECONDS + 1) * len(paths) + 10,
        check=False,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.endswith("}")]
    died = done.returncode != 0 and len(answers) < len(paths)
    return [*answers, {"trouble": f"it could not be read within {SECONDS} seconds"}] if died else answers
