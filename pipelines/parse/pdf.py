"""PDF documents, read by a helper process: what one asks of its reader cannot be foreseen from its bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipelines.parse.frame import framed
from pipelines.parse.limits import Budget, Limits, check_size
from pipelines.parse.tally import Tally
from pipelines.values import Finding, Row, Table
from scraper.errors import UnreadableError

ROOT = Path(__file__).parents[2]


def read(path: Path, options: Mapping[str, str], limits: Limits) -> Table:
    """The tables of all pages as one, where their headers agree. It takes no options."""
    del options
    check_size(path, limits.max_bytes_held)
    findings: list[Finding] = []
    tally = Tally()
    rows = _joined(_tables(path, limits), findings, Budget(limits))
    header, fitted = framed(rows, lambda _: (), tally, findings)
    return Table(header, fitted, None, findings)


PrintedTable = list[tuple[list[str], list[str]]]


def _tables(path: Path, limits: Limits) -> Iterator[PrintedTable]:
    """Each table as rows of (cells, links), in the order of the pages."""
    command = [sys.executable, "-m", "pipelines.parse.pdf_tables"]
    limit = [str(limits.max_bytes_helper), str(int(limits.max_seconds) + 1)]
    try:
        done = subprocess.run(  # noqa: S603  our own module on a file of the archive
            [*command, str(path.resolve()), *limit],
            cwd=ROOT,
            capture_output=True,
            timeout=limits.max_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnreadableError(f"Reading took longer than {limits.max_seconds:g} seconds.") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else "it needs more memory or time than it may have"
        raise UnreadableError(f"The PDF document cannot be read: {reason}.")
    return iter(json.loads(done.stdout))


def _joined(tables: Iterator[PrintedTable], findings: list[Finding], budget: Budget) -> list[Row]:
    """One list of rows: a header that is printed again on every page is left out."""
    header: list[str] | None = None
    rows: list[Row] = []
    others = 0
    for table in tables:
        first = [" ".join(cell.split()).casefold() for cell in table[0][0]]
        if header is None:
            header = first
        elif first == header:
            table = table[1:]
        elif len(first) != len(header):
            others += 1
            continue
        for cells, links in table:
            budget.spend(1, len(cells))
            budget.check_width(len(cells))
            texts = tuple(" ".join(cell.split()) for cell in cells)
            rows.append(Row(len(rows) + 1, texts, tuple(links) if any(links) else ()))
    if header is None:
        raise UnreadableError("The PDF document has no table.")
    if others:
        findings.append(Finding("extra-tables", f"{others} tables of another width were not read"))
    return rows
