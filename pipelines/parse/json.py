"""JSON: an array of objects somewhere in the document; nested objects become dotted columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.parse.cells import number_text
from pipelines.parse.frame import Fit, framed, told
from pipelines.parse.limits import Budget, Limits, check_items, check_size
from pipelines.parse.tally import Tally
from pipelines.values import Finding, Row, Table
from scraper.errors import UnreadableError


def read(path: Path, options: Mapping[str, str], limits: Limits) -> Table:
    """`options["rows"]` is the dotted path to the array, or several with | between, of which the first that is there
    counts; without it the document or its longest array. `options["header"]` is "none" for rows without names."""
    check_size(path, limits.max_bytes_held)
    body = path.read_bytes()
    check_items(sum(map(body.count, (b",", b"{", b"["))), limits)
    try:
        document = json.loads(body, parse_float=number_text, parse_constant=str)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UnreadableError(f"The document is not JSON: {reason}.") from error
    array = _first_array(document, options.get("rows", "").split("|"))
    findings: list[Finding] = []
    tally = Tally()
    budget = Budget(limits)
    if all(isinstance(item, list) for item in array):
        rows = [Row(number, tuple(map(_text, item))) for number, item in enumerate(array, 1)]
        _spend(rows, budget)
        header, fit = framed(
            rows, lambda _: (), tally, findings, ragged=True, named=options.get("header") != "none"
        )
        return Table(header, fit, None, findings)
    records = [_flat(item, number, limits) for number, item in enumerate(array, 1)]
    header = tuple(dict.fromkeys(key for record in records for key in record))
    budget.check_width(len(header))
    rows = [
        Row(number, tuple(record.get(key, "") for key in header)) for number, record in enumerate(records, 1)
    ]
    _spend(rows, budget)
    return Table(header, told(Fit(header, tally).rows(rows), tally, findings), None, findings)


def _spend(rows: list[Row], budget: Budget) -> None:
    for row in rows:
        budget.spend(1, len(row.cells))
        budget.check_width(len(row.cells))
        budget.check_text(max(map(len, row.cells), default=0))


def _first_array(document: Any, places: Sequence[str]) -> list[Any]:
    for place in places[:-1]:
        try:
            return _array(document, place)
        except UnreadableError:
            continue
    return _array(document, places[-1])


def _array(document: Any, place: str) -> list[Any]:
    for key in filter(None, place.split(".")):
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            raise UnreadableError(f"The document has nothing at {place!r}: there is no {key!r}.")
    if isinstance(document, dict) and not place:
        document = max((item for item in document.values() if isinstance(item, list)), key=len, default=None)
    if not isinstance(document, list):
        raise UnreadableError(f"The document has no array of rows at {place or 'its top'!r}.")
    if not document:
        raise UnreadableError("The table is empty: there is no header and no row.")
    return document


def _flat(item: Any, number: int, limits: Limits) -> dict[str, str]:
    if not isinstance(item, dict):
        raise UnreadableError(f"Item {number} of the array is no object.")
    record: dict[str, str] = {}
    for key, text in _leaves(item, ""):
        record[key] = text
        if len(record) > limits.max_columns:
            raise UnreadableError(f"The table has more than {limits.max_columns:,} columns.")
    return record


def _leaves(item: dict[str, Any], before: str) -> Iterator[tuple[str, str]]:
    for key, value in item.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{before}{key}.")
        else:
            yield before + key, _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, list):
        if any(isinstance(part, (dict, list)) for part in value):
            return json.dumps(value, ensure_ascii=False)
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
