"""What a value looks like in one cell of text, and made harmless for spreadsheets and Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain


def flat(value: object) -> str:
    """One cell of text: lists and objects as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list, tuple, Mapping)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def csv_lines(columns: Sequence[str], records: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """With a header; what a spreadsheet would run as a formula is made text."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    for cells in chain(
        [columns], ([harmless(flat(record.get(name))) for name in columns] for record in records)
    ):
        writer.writerow(cells)
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def runs_as_formula(text: str) -> bool:
    """Whether a spreadsheet that opens this cell might run it."""
    return text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(text: str) -> str:
    """A cell that a spreadsheet would run as a formula is made text by an apostrophe."""
    return f"'{text}" if text and runs_as_formula(text) else text


def markdown(value: object) -> str:
    """Text that Markdown shows as it is, on one line."""
    text = flat(value)
    for sign in "\\|`*_<>[]&~#":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
