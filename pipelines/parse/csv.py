"""Delimited text: the encoding and the delimiter are found, the quoting is the standard library's."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path

from pipelines.parse.frame import LOOK_AHEAD, Fit, framed
from pipelines.parse.limits import Budget, Limits, check_size
from pipelines.parse.records import Reading, Records, in_lines, printed, texts
from pipelines.parse.tally import Tally
from pipelines.values import Finding, Row, Table, Uncut
from scraper.errors import UnreadableError

DELIMITERS = ",;\t|"
NAMED = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
SAMPLE_RECORDS = 50


def read(path: Path, options: Mapping[str, str], limits: Limits) -> Table:
    """`options["delimiter"]` is one character (or tab, comma, semicolon, pipe); without it, it is found.
    `options["header"]` is "none" where the first row is one like all others.
    """
    check_size(path, limits.max_bytes_unpacked)
    findings: list[Finding] = []
    encoding = find_encoding(path, findings)
    wanted = options.get("delimiter", "")
    delimiter = NAMED.get(wanted, wanted) or find_delimiter(path, encoding)
    if len(delimiter) != 1:
        raise UnreadableError(f"A delimiter is one character, not {delimiter!r}.")
    reading = Reading(encoding, delimiter, Budget(limits), Tally())
    ways = printed if in_lines(path, encoding) else texts
    batches = reading.budget.timed(ways(path, reading))
    first = next(batches, Records(reading, 1))
    ahead = first.part(0, LOOK_AHEAD).rows()
    about: list[Finding] = []  # what is odd about the header; of the rows it is told when all were read
    header, head = framed(
        ahead, lambda _: (), reading.tally, about, ragged=True, named=options.get("header") != "none"
    )
    findings += about
    fit = Fit(header, reading.tally, ragged=True)
    rest = chain([first.part(LOOK_AHEAD)], batches)
    # Text in a column without a name is told of each time, so such rows are cut each time.
    fitted = (records.fitted(fit, cut=not all(header)) for records in rest)
    portions = _portions(head, fitted, reading.tally, findings)
    return Table(header, _rows(portions), None, findings, portions, f"{encoding} {delimiter}")


def _portions(
    head: Iterator[Row], rest: Iterable[Sequence[Row] | Uncut], tally: Tally, findings: list[Finding]
) -> Iterator[Sequence[Row] | Uncut]:
    yield [*head]
    yield from rest
    findings.extend(tally.findings())


def _rows(portions: Iterable[Sequence[Row] | Uncut]) -> Iterator[Row]:
    for portion in portions:
        if isinstance(portion, Uncut):
            yield from (row for _, row in portion.cut(range(len(portion.prints))))
        else:
            yield from portion


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
