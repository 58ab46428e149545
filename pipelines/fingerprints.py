"""Fingerprints for the many: which rows of a new list the last accepted list already holds.

A row is known by its raw fingerprint (printed exactly as before; it need not even be normalised) or by that
of its normal form (saved again, a link wrapped anew). Only the others become agreements to be identified.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import compress, islice
from operator import not_
from typing import Any

from pipelines.normalise import FIELDS, VERSION, Normaliser
from pipelines.normalise.links import without_visits
from pipelines.values import Agreement, Finding, Row, Table

CELL = "\x1f"
PART = "\x1e"
ROW = "\x1d"
BATCH = 2_000


def fingerprint(text: str) -> int:
    """64 signed bits: what both databases keep as an integer."""
    return int.from_bytes(_digest(text), "big", signed=True)


def row_fingerprints(rows: Sequence[Row]) -> array[int]:
    """Of rows as printed. Many at once, since one by one the integers cost more than the hashes."""
    printed = [CELL.join(row.cells) for row in rows]
    for index, row in enumerate(rows):
        if row.links:
            printed[index] += PART + CELL.join(row.links)
    whole = ROW + ROW.join(printed)
    anew = without_visits(whole)
    if anew is not whole and anew.count(ROW) == len(printed):
        printed = anew.split(ROW)[1:]
    found = array("q")
    found.frombytes(b"".join(map(_digest, printed)))
    if sys.byteorder == "little":
        found.byteswap()
    return found


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def agreement_fingerprint(agreement: Agreement, ignored: Collection[str] = ()) -> int:
    """Of the normal form; not of the sheet row, of how the publisher spelt what means the same, and of what is
    ignored."""
    a = agreement
    if ignored:
        kept = tuple(pair for pair in a.extra if pair[0] not in ignored)
        blank: dict[str, Any] = {name: None for name in FIELDS if name in ignored and name != "agency"}
        a = replace(a, extra=kept, **blank)
    signed = a.signed.isoformat() if a.signed else ""
    parts = (a.state, a.agency, a.support_type, signed, a.type, a.county, a.moa, a.addendum)
    text = CELL.join("\x00" if part is None else part for part in parts)
    return fingerprint(text + PART + CELL.join(f"{name}={value}" for name, value in a.extra if value))


def layout_fingerprint(header: Sequence[str], meaning: str = "") -> int:
    """Rows are comparable as printed only under the same header, declared to mean the same, and the same rules
    of normalising."""
    return fingerprint(CELL.join(header) + PART + str(VERSION) + (PART + meaning if meaning else ""))


@dataclass(slots=True)
class Packed:
    """The last accepted list as columns of equal length: fingerprint, raw fingerprint, interval, sheet row.

    The rows are kept apart from the rest, for every publication; they are empty when nobody asked for them.
    """

    layout: int = 0
    fingerprints: array[int] = field(default_factory=lambda: array("q"))
    raws: array[int] = field(default_factory=lambda: array("q"))
    intervals: array[int] = field(default_factory=lambda: array("q"))
    rows: array[int] = field(default_factory=lambda: array("q"))

    def to_bytes(self) -> bytes:
        """The columns one after the other, 8 bytes a value; `layout` is kept beside."""
        return self.fingerprints.tobytes() + self.raws.tobytes() + self.intervals.tobytes()

    @classmethod
    def from_bytes(cls, layout: int, packed: bytes) -> Packed:
        third = len(packed) // 3
        columns = []
        for start in range(0, 3 * third, third) if third else ():
            column = array("q")
            column.frombytes(packed[start : start + third])
            columns.append(column)
        return cls(layout, *columns)

    def only(self, kept: bytearray) -> Packed:
        """The rows whose mark is set, copied in runs, since most of them stay."""
        chosen = Packed(self.layout)
        start = 0
        while start < len(kept):
            gap = kept.find(0, start)
            end = gap if gap >= 0 else len(kept)
            chosen.fingerprints.extend(self.fingerprints[start:end])
            chosen.raws.extend(self.raws[start:end])
            chosen.intervals.extend(self.intervals[start:end])
            chosen.rows.extend(self.rows[start:end])
            start = end + 1
        return chosen

    def append(self, content: int, raw: int, interval: int, row: int = 0) -> None:
        self.fingerprints.append(content)
        self.raws.append(raw)
        self.intervals.append(interval)
        self.rows.append(row)

    def sheet_rows(self) -> bytes:
        """The sheet rows in the order of the intervals' ids, by which any reader can tell them apart again."""
        ordered = [row for _, row in sorted(zip(self.intervals, self.rows, strict=True))]
        return zlib.compress(array("i", ordered).tobytes())

    def with_sheet_rows(self, kept: bytes | None) -> Packed:
        """With the rows that were kept for this list; 0 where they are not known."""
        ordered = read_sheet_rows(kept)
        if len(ordered) != len(self.intervals):
            self.rows = array("q", bytes(8 * len(self.intervals)))
        else:
            row_of = dict(zip(sorted(self.intervals), ordered, strict=True))
            self.rows = array("q", map(row_of.__getitem__, self.intervals))
        return self


def read_sheet_rows(kept: bytes | None) -> array[int]:
    """The sheet rows of a list, in the order of the ids of its intervals."""
    rows = array("i")
    rows.frombytes(zlib.decompress(kept) if kept else b"")
    return rows


def content_fingerprint(packed: Packed) -> str:
    """Of all rows together, whatever their order."""
    return f"{sum(packed.fingerprints) % 2**64:016x}"


@dataclass(frozen=True, slots=True)
class Fresh:
    """A row that the last accepted list does not hold."""

    agreement: Agreement
    content: int
    raw: int


@dataclass(slots=True)
class Sifted:
    """A list sifted against the last accepted one.

    `kept` marks the positions of `packed` that the new list holds too; `packed.raws` and `packed.rows` follow the
    new print, `rows_before` are those of the last list.
    `rows` counts the rows of the new list, `repeated` the fresh ones that say what an earlier one said.
    `findings` are about fresh rows: what is odd about a row is told once, when it comes.
    """

    packed: Packed
    kept: bytearray
    layout: int
    fresh: list[Fresh] = field(default_factory=list)
    rows: int = 0
    repeated: int = 0
    findings: list[Finding] = field(default_factory=list)
    rows_before: array[int] = field(default_factory=lambda: array("q"))

    def missing(self) -> list[int]:
        """The intervals that the new list does not hold as they were."""
        return list(compress(self.packed.intervals, map(not_, self.kept)))


class _Known:
    """The packed list as dictionaries, the second made only when a row is not printed as before."""

    def __init__(self, packed: Packed) -> None:
        self.packed = packed
        self.by_raw = dict(zip(packed.raws, range(len(packed.raws)), strict=True))
        self._by_content: dict[int, int] | None = None

    @property
    def by_content(self) -> dict[int, int]:
        if self._by_content is None:
            contents = self.packed.fingerprints
            self._by_content = dict(zip(contents, range(len(contents)), strict=True))
        return self._by_content


def sift(table: Table, normaliser: Normaliser, packed: Packed) -> Sifted:
    """Pass every row once; only rows that the packed list does not hold become agreements."""
    layout = layout_fingerprint(table.header, normaliser.meaning)
    sieve = _Sieve(normaliser, packed, layout)
    rows = iter(table.rows)
    while some := list(islice(rows, BATCH)):
        sieve.pass_through(some)
    sieve.sifted.findings.extend(table.findings)
    return sieve.sifted


class _Sieve:
    def __init__(self, normaliser: Normaliser, packed: Packed, layout: int) -> None:
        self.sifted = Sifted(packed, bytearray(len(packed.intervals)), layout, rows_before=packed.rows[:])
        self._normaliser = normaliser
        self._known = _Known(packed)
        self._by_raw = self._known.by_raw if layout == packed.layout else {}
        self._seen: dict[int, int] = {}
        # Of what more than one row says, the number of the last of them: no search from the first on each time.
        self._twins: dict[int, int] = {}

    def pass_through(self, rows: Sequence[Row]) -> None:
        """Known rows and others in the order of the list: which of two rows that say the same is the second
        one must not depend on whether either is known."""
        kept = self.sifted.kept
        for row, raw in zip(rows, row_fingerprints(rows), strict=True):
            position = self._by_raw.get(raw)
            if position is None or kept[position]:
                self._read(row, raw)
            else:
                kept[position] = 1
                self.sifted.packed.rows[position] = row.number
                self.sifted.rows += 1

    def _says_nothing_new(self, content: int) -> bool:
        """Whether an earlier row said the same; counted where that was fresh itself."""
        position = self._known.by_content.get(content)
        self.sifted.repeated += content in self._seen
        return content in self._seen or (position is not None and bool(self.sifted.kept[position]))

    def _read(self, row: Row, raw: int) -> None:
        sifted = self.sifted
        agreement, findings = self._normaliser.agreement(row)
        repeated = False
        said = content = agreement_fingerprint(agreement, self._normaliser.ignored)
        if self._normaliser.once and self._says_nothing_new(content):
            return
        sifted.rows += 1
        if said in self._twins:
            content, raw, repeated = self._twins[said], 0, True
        position = self._known.by_content.get(content)
        # The second of two rows that say the same is a row of its own, under the next number. Such twins are
        # read again each time (their raw fingerprint is 0): which of them a row is, is settled by their order.
        while content in self._seen or (position is not None and sifted.kept[position]):
            if position is not None and sifted.kept[position]:
                sifted.packed.raws[position] = 0
            else:
                sifted.fresh[self._seen[content]] = replace(sifted.fresh[self._seen[content]], raw=0)
            content = (content + 1 + 2**63) % 2**64 - 2**63
            position = self._known.by_content.get(content)
            raw, repeated = 0, True
        if repeated:
            self._twins[said] = content
        if position is None:
            # Whether a row that is held already was read again depends on what was derived when; nothing that
            # the guard or a person is told may depend on that.
            sifted.findings.extend(findings)
            sifted.repeated += repeated
            self._seen[content] = len(sifted.fresh)
            sifted.fresh.append(Fresh(agreement, content, raw))
        else:
            sifted.kept[position] = 1
            sifted.packed.raws[position] = raw
            sifted.packed.rows[position] = row.number
