"""Delimited text: the encoding and the delimiter are found, the quoting is the standard library's."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, count, islice
from pathlib import Path

from pipelines.parse.frame import LOOK_AHEAD, Fit, framed
from pipelines.parse.limits import Budget, Limits, check_size
from pipelines.parse.tally import Tally
from pipelines.values import Finding, Row, Table
from scraper.errors import UnreadableError

DELIMITERS = ",;\t|"
NAMED = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
SAMPLE_RECORDS = 50
BATCH = 1_000
MANY_LINES = 20
LINE_ENDS = re.compile(r"\r\n?|\n")


def read(path: Path, options: Mapping[str, str], limits: Limits) -> Table:
    """`options["delimiter"]` is one character (or tab, comma, semicolon, pipe); without it, it is found."""
    check_size(path, limits.max_bytes_unpacked)
    findings: list[Finding] = []
    tally = Tally()
    budget = Budget(limits)
    encoding = find_encoding(path, findings)
    wanted = options.get("delimiter", "")
    delimiter = NAMED.get(wanted, wanted) or find_delimiter(path, encoding)
    if len(delimiter) != 1:
        raise UnreadableError(f"A delimiter is one character, not {delimiter!r}.")
    batches = budget.timed(_batches(path, encoding, delimiter, budget, tally))
    first = next(batches, [])
    rest = chain([first[LOOK_AHEAD:]], batches)
    header, fitted = framed(first[:LOOK_AHEAD], lambda fit: _fit(rest, fit), tally, findings, ragged=True)
    return Table(header, fitted, None, findings)


def find_encoding(path: Path, findings: list[Finding]) -> str:
    """By byte order mark, else UTF-8 when every byte agrees, else Windows-1252 with a finding."""
    with path.open("rb") as stream:
        start = stream.read(4)
        if start.startswith(codecs.BOM_UTF8):
            return "utf-8-sig"
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        stream.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := stream.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            findings.append(Finding("encoding", "The text is not UTF-8; it was read as Windows-1252"))
            return "cp1252"
    return "utf-8"


def find_delimiter(path: Path, encoding: str) -> str:
    """The one that cuts the first records most evenly into two cells or more; a comma when none does."""
    best, most = ",", (0, 0)
    for delimiter in DELIMITERS:
        try:
            with path.open(encoding=encoding, errors="replace", newline="") as stream:
                records = islice(csv.reader(stream, delimiter=delimiter), SAMPLE_RECORDS)
                widths = Counter(len(record) for record in records if record)
        except csv.Error:
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        if width > 1 and (count, width) > most:
            best, most = delimiter, (count, width)
    return best


def _batches(path: Path, encoding: str, delimiter: str, budget: Budget, tally: Tally) -> Iterator[list[Row]]:
    errors = "replace" if encoding == "cp1252" else "strict"
    number, more_lines = 1, 0
    with path.open(encoding=encoding, errors=errors, newline="") as stream:
        reader = csv.reader(stream, delimiter=delimiter)
        try:
            while records := list(islice(reader, BATCH)):
                widths = [*map(len, records)]
                budget.spend(len(records), sum(widths))
                budget.check_width(max(widths))
                rows = [*map(Row, count(number), map(tuple, records))]
                number += len(records)
                if reader.line_num != number - 1 + more_lines:
                    more_lines = reader.line_num - number + 1
                    _tell_many_lines(rows, tally)
                yield rows
        except UnicodeDecodeError as error:
            raise UnreadableError(f"The text is not {encoding} throughout: {error.reason}.") from error
        except csv.Error as error:
            raise UnreadableError(f"The text cannot be read as CSV: {error}.") from error


def _tell_many_lines(rows: list[Row], tally: Tally) -> None:
    for row in rows:
        if len(LINE_ENDS.findall("".join(row.cells))) >= MANY_LINES:
            tally.add("many-lines", row.number)


def _fit(batches: Iterable[list[Row]], fit: Fit) -> Iterator[Row]:
    """Rows are looked at one by one only where a batch of them has something odd in it."""
    for rows in batches:
        text = "".join(chain.from_iterable([row.cells for row in rows]))
        plain = text.isprintable() and all(len(row.cells) == fit.width for row in rows)
        yield from fit.clean(rows) if plain else fit.rows(rows)
