"""Delimited text: records as the standard library cuts them, and lists sifted alike whatever is known of them."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pytest

from pipelines.fingerprints import Packed, Sifted, content_fingerprint, sift
from pipelines.normalise import Normaliser
from pipelines.parse import read
from pipelines.values import Table

PIECES = ("a", "Ab c", "", "x,y", 'q"u', "two\nlines", "é", "\u200b", "  ", "0\x07", "m\n" * 25)
COLUMNS = {"a": "agency", "b": "number", "c": "note"}


def written(chance: random.Random, rows: int, pieces: tuple[str, ...] = PIECES) -> str:
    text = io.StringIO()
    end = chance.choice(["\n", "\r\n"])
    lines = csv.writer(text, lineterminator=end)
    lines.writerow(["a", "b", "c"])
    for _ in range(rows):
        width = 3 if chance.random() < 0.95 else chance.randrange(4)
        lines.writerow([chance.choice(pieces) for _ in range(width)])
    return text.getvalue() + chance.choice(["", end, 'never "closed'])


def table(path: Path, text: str, encoding: str = "utf-8") -> Table:
    path.write_bytes(text.encode(encoding, "replace"))
    return read(path, "csv", {"delimiter": ","})


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_records_are_those_of_the_standard_library(tmp_path: Path, seed: int, encoding: str) -> None:
    chance = random.Random(seed)  # noqa: S311 - any lines will do
    text = written(chance, chance.choice([3, 40, 2_300]))
    path = tmp_path / "list.csv"
    found = table(path, text, encoding)
    rows = list(found.rows)
    known = text.encode(encoding, "replace").decode(encoding)
    expected = [
        (number, (*record, "", "", "")[:3])
        for number, record in enumerate(csv.reader(io.StringIO(known, newline="")), 1)
        if "".join(record).strip() and number > 1
    ]
    assert [(row.number, row.cells) for row in rows] == [
        (number, cells) for number, cells in expected if "".join(cells).strip()
    ]


def test_a_return_alone_ends_a_line_too(tmp_path: Path) -> None:
    found = table(tmp_path / "list.csv", "a,b,c\r1,2,3\r4,5,6\r")
    assert [row.cells for row in found.rows] == [("1", "2", "3"), ("4", "5", "6")]


def sifted(path: Path, text: str, packed: Packed) -> Sifted:
    found = table(path, text)
    return sift(found, Normaliser(found.header, COLUMNS), packed)


@pytest.mark.parametrize("seed", range(25))
def test_a_list_is_sifted_alike_whatever_is_known_of_its_print(tmp_path: Path, seed: int) -> None:
    """Twins, odd rows and blank ones among them: what is kept, fresh and told is the same without any print."""
    chance = random.Random(seed)  # noqa: S311 - any lines will do
    pieces = (*PIECES, "d", "e", "f") if seed % 2 else ("a", "b", "é", "", "d")
    old = written(chance, 1_500, pieces)
    lines = old.splitlines(keepends=True)
    head, rest = lines[0], lines[1:]
    chance.shuffle(rest)
    new = "".join([head, *(line for line in rest if chance.random() > 0.02)]) + written(chance, 30, pieces)
    first = sifted(tmp_path / "old.csv", old, Packed())
    known, unknown = Packed(first.layout), Packed(first.layout)
    for number, fresh in enumerate(first.fresh):
        known.append(fresh.content, fresh.raw, number)
        unknown.append(fresh.content, 0, number)
    one = sifted(tmp_path / "new.csv", new, known)
    other = sifted(tmp_path / "new.csv", new, unknown)
    assert one.kept == other.kept
    assert one.fresh == other.fresh
    assert one.findings == other.findings
    assert (one.rows, one.repeated) == (other.rows, other.repeated)
    assert content_fingerprint(one.packed.only(one.kept)) == content_fingerprint(
        other.packed.only(other.kept)
    )
