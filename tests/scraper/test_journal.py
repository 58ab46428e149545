from __future__ import annotations

import json
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from scraper.errors import ArchiveError
from scraper.journal import BEGINNING, Journal

AT = datetime(2025, 5, 12, 13, 0, 4, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "archive" / "journal.jsonl")


def test_entries_come_back_in_order_and_chained(journal: Journal) -> None:
    first = journal.append("capture", AT, {"list": "participating", "name": "Peña County"})
    second = journal.append(
        "accept", AT - timedelta(minutes=1), {"by": "me"}
    )  # clocks are corrected a little
    assert list(journal.entries()) == [first, second]
    assert (first["n"], second["n"]) == (1, 2)
    assert first["prev"] == BEGINNING
    assert first["at"] == "2025-05-12T13:00:04+00:00"
    assert journal.path.read_text().count("\n") == 2


def test_many_entries_at_once_are_the_same_lines(journal: Journal, tmp_path: Path) -> None:
    told = [{"list": name} for name in ("participating", "pending", "participating")]
    one_by_one = Journal(tmp_path / "other" / "journal.jsonl")
    for at_once in (told[:2], [], told[2:]):
        journal.append_all("capture", AT, at_once)
    for fields in told:
        one_by_one.append("capture", AT, fields)
    assert journal.path.read_bytes() == one_by_one.path.read_bytes()
    assert len(list(journal.entries())) == 3


def test_times_are_kept_in_utc_and_must_have_a_zone(journal: Journal) -> None:
    eastern = datetime(2025, 5, 12, 9, 0, 4, tzinfo=timezone(timedelta(hours=-4)))
    assert journal.append("capture", eastern, {})["at"] == "2025-05-12T13:00:04+00:00"
    with pytest.raises(ValueError, match="no time zone"):
        journal.append("capture", datetime(2025, 5, 12), {})  # noqa: DTZ001


def test_an_empty_journal_has_no_entries(journal: Journal) -> None:
    assert list(journal.entries()) == []
    assert not journal.unfinished()


@pytest.mark.parametrize("kept", [1, 40, 100])
def test_a_half_written_last_line_is_set_aside_and_the_chain_goes_on(journal: Journal, kept: int) -> None:
    first = journal.append("capture", AT, {"list": "participating"})
    journal.append("capture", AT, {"list": "pending"})
    whole = journal.path.read_bytes()
    cut = whole[: whole.index(b"\n") + 1 + kept]
    journal.path.write_bytes(cut)
    assert journal.unfinished()
    assert list(journal.entries()) == [first]
    again = journal.append("capture", AT, {"list": "pending"})
    assert list(journal.entries()) == [first, again]
    assert journal.path.with_name("journal.damaged-1").read_bytes() == cut[cut.index(b"\n") + 1 :]


def test_a_second_crash_does_not_overwrite_what_the_first_left(journal: Journal) -> None:
    for _ in range(2):
        journal.append("capture", AT, {})
        with journal.path.open("ab") as file:
            file.write(b'{"at":')
    journal.append("capture", AT, {})
    assert len(list(journal.path.parent.glob("journal.damaged-*"))) == 2
    assert len(list(journal.entries())) == 3


def test_every_single_flipped_bit_is_found(journal: Journal) -> None:
    for number in range(5):
        journal.append("capture", AT, {"list": "participating", "number": number, "name": "Peña"})
    whole = journal.path.read_bytes()
    for bit in random.Random(7).sample(range(len(whole) * 8), 300):  # noqa: S311
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        journal.path.write_bytes(flipped)
        with pytest.raises(ArchiveError, match=r"journal\.jsonl, line \d"):
            list(journal.entries())


def test_a_removed_line_and_two_exchanged_lines_are_found(journal: Journal) -> None:
    for number in range(4):
        journal.append("capture", AT, {"number": number})
    a, b, c, d = journal.path.read_bytes().splitlines(keepends=True)
    for lines in ([a, c, d], [b, c, d], [a, c, b, d], [a, a, b, c, d]):
        journal.path.write_bytes(b"".join(lines))
        with pytest.raises(ArchiveError, match="does not follow the line before it"):
            list(journal.entries())


def test_a_forged_entry_without_the_right_hash_is_found(journal: Journal) -> None:
    entry = journal.append("capture", AT, {"by": "crawl"})
    forged = json.dumps({**entry, "by": "x"}, sort_keys=True, separators=(",", ":"))
    journal.path.write_text(forged + "\n")
    with pytest.raises(ArchiveError, match="line 1: was altered or damaged"):
        list(journal.entries())


def test_nothing_is_written_after_a_damaged_line(journal: Journal) -> None:
    journal.append("capture", AT, {})
    journal.path.write_bytes(b"nonsense\n")
    with pytest.raises(ArchiveError, match="its last line: was altered"):
        journal.append("capture", AT, {})
    assert journal.path.read_bytes() == b"nonsense\n"


def test_lines_longer_than_a_block_are_chained(journal: Journal) -> None:
    journal.append("capture", AT, {"long": "x" * 200_000})
    journal.append("capture", AT, {"long": "y" * 70_000})
    journal.append("capture", AT, {})
    assert [entry["n"] for entry in journal.entries()] == [1, 2, 3]


def test_a_line_that_lacks_only_its_end_was_cut_short_and_one_whose_end_was_altered_is_damage(
    journal: Journal,
) -> None:
    first = journal.append("capture", AT, {})
    journal.append("capture", AT, {})
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-1] + b"\x0b")
    with pytest.raises(ArchiveError, match="line 2: the line end was altered"):
        list(journal.entries())
    with pytest.raises(ArchiveError, match="the end of its last line was altered"):
        journal.append("capture", AT, {})
    journal.path.write_bytes(whole[:-1])
    assert list(journal.entries()) == [first]
    journal.append("capture", AT, {})
    assert [entry["n"] for entry in journal.entries()] == [1, 2]


WRITER = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from scraper.journal import Journal
for number in range(20):
    Journal(Path(sys.argv[1])).append("capture", datetime.now(UTC), {"number": number})
"""


def test_several_processes_write_one_chain(journal: Journal) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(journal.path)]) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert [entry["n"] for entry in journal.entries()] == list(range(1, 61))
