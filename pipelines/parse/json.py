"""JSON: an array of objects somewhere in the document; nested objects become dotted columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.parse.table import Fit, Limits, Reading, check_items, check_size, ended, framed, number_text
from pipelines.values import Row, Table
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
    reading = Reading(limits)
    if all(isinstance(item, list) for item in array):
        rows = _spent((tuple(map(_text, item)) for item in array), reading)
        header, fitted = framed(list(rows), lambda _: (), reading, True, options.get("header") != "none")
        return Table(header, fitted, None, reading.findings)
    records = [_flat(item, number, limits) for number, item in enumerate(array, 1)]
    header = tuple(dict.fromkeys(key for record in records for key in record))
    reading.check_width(len(header))
    rows = _spent((tuple(record.get(key, "") for key in header) for record in records), reading)
    return Table(header, ended(Fit(header, reading).rows(rows), reading), None, reading.findings)


def _spent(records: Iterable[tuple[str, ...]], reading: Reading) -> Iterator[Row]:
    for number, cells in enumerate(records, 1):
        reading.spend(1, len(cells))
        reading.check_width(len(cells))
        yield Row(number, cells)


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
