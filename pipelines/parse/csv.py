"""Delimited text: the encoding and the delimiter are found, the quoting is the standard library's."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from pipelines.parse.table import LOOK_AHEAD, Fit, Limits, Reading, check_size, framed
from pipelines.values import Finding, Row, Table
from scraper.errors import UnreadableError

DELIMITERS = ",;\t|"
NAMED = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
SAMPLE_RECORDS = 50
BATCH = 1_000
MANY_LINES = 20
LINE_ENDS = re.compile(r"\r\n?|\n")


def read(path: Path, options: Mapping[str, str], limits: Limits) -> Table:
    """`options["delimiter"]` is one character (or tab, comma, semicolon, pipe); without it, it is found.
    `options["header"]` is "none" where the first row is one like all others.
    """
    check_size(path, limits.max_bytes_unpacked)
    reading = Reading(limits)
    encoding = find_encoding(path, reading.findings)
    wanted = options.get("delimiter", "")
    delimiter = NAMED.get(wanted, wanted) or find_delimiter(path, encoding, limits.max_row_characters)
    if len(delimiter) != 1:
        raise UnreadableError(f"A delimiter is one character, not {delimiter!r}.")
    batches = reading.timed(_batches(path, encoding, delimiter, reading))
    first = next(batches, [])

    def rest(fit: Fit) -> Iterator[Iterable[Row]]:
        for batch in chain([first[LOOK_AHEAD:]], batches):
            yield _fitted(batch, fit, reading.limits)

    named = options.get("header") != "none"
    header, rows = framed(
        first[:LOOK_AHEAD], lambda fit: chain.from_iterable(rest(fit)), reading, True, named
    )
    return Table(header, rows, None, reading.findings)


def _batches(path: Path, encoding: str, delimiter: str, reading: Reading) -> Iterator[list[Row]]:
    errors = "replace" if encoding == "cp1252" else "strict"
    with path.open(encoding=encoding, errors=errors, newline="") as stream:
        records = csv.reader(_lines(stream, reading.limits.max_row_characters), delimiter=delimiter)
        number = 0
        try:
            while batch := list(islice(records, BATCH)):
                widths = [*map(len, batch)]
                reading.spend(len(batch), sum(widths))
                reading.check_width(max(widths))
                rows = [Row(number + place, tuple(record)) for place, record in enumerate(batch, 1)]
                number += len(rows)
                if records.line_num != number:  # some record goes over more than one line
                    _note_many_lines(rows, reading)
                yield rows
        except UnicodeDecodeError as error:
            raise UnreadableError(f"The text is not {encoding} throughout: {error.reason}.") from error
        except csv.Error as error:
            raise UnreadableError(f"The text cannot be read as CSV: {error}.") from error


def _lines(stream: TextIO, longest: int) -> Iterator[str]:
    while line := stream.readline(longest):
        if len(line) == longest:
            raise UnreadableError(f"A line has more than {longest:,} characters.")
        yield line


def _note_many_lines(rows: list[Row], reading: Reading) -> None:
    for row in rows:
        if len(LINE_ENDS.findall("".join(row.cells))) >= MANY_LINES:
            reading.note("many-lines", row.number)


def _fitted(rows: list[Row], fit: Fit, limits: Limits) -> Iterable[Row]:
    """Rows are looked at one by one only where there is something odd among them."""
    cells = [*chain.from_iterable([row.cells for row in rows])]
    short = max(map(len, cells), default=0) <= limits.max_cell_characters
    plain = short and "".join(cells).isprintable() and all(len(row.cells) == fit.width for row in rows)
    return fit.clean(rows) if plain else fit.rows(rows)


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


def find_delimiter(path: Path, encoding: str, longest: int) -> str:
    """The one that cuts the first records most evenly into two cells or more; a comma when none does."""
    best, most = ",", (0, 0)
    for delimiter in DELIMITERS:
        try:
            with path.open(encoding=encoding, errors="replace", newline="") as stream:
                records = islice(csv.reader(_lines(stream, longest), delimiter=delimiter), SAMPLE_RECORDS)
                widths = Counter(len(record) for record in records if record)
        except csv.Error:
            continue
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        if width > 1 and (count, width) > most:
            best, most = delimiter, (count, width)
    return best
