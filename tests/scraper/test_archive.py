from __future__ import annotations

import gzip
import os
import random
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from scraper.archive import Archive
from scraper.capture import Capture, Validators
from scraper.errors import ArchiveError

AT = datetime(2025, 5, 12, 13, 0, 4, tzinfo=UTC)
TEXT = b"STATE,AGENCY\n" + b"FLORIDA,Bay County Sheriff's Office\n" * 400
WORKBOOK = b"PK\x03\x04" + bytes(range(256)) * 20


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def capture(body: bytes) -> Capture:
    return Capture(
        list="participating",
        url="https://example.org/a.xlsx",
        captured_at=AT,
        outcome="fetched",
        sha256=sha256(body).hexdigest(),
        bytes=len(body),
        published_name="a.xlsx",
        final_url="https://example.org/a.xlsx",
        status=200,
        headers={"last-modified": "Mon, 12 May 2025 12:00:00 GMT"},
        requested_at=AT,
        page={"agreements": 444},
        requests=2,
        received=len(body),
    )


def test_many_bodies_are_put_at_once_and_each_folder_is_flushed_once(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = [b"%d" % number for number in range(600)]
    flushed: list[Path] = []
    monkeypatch.setattr("scraper.archive.sync_directory", flushed.append)
    assert archive.put_all([*bodies, TEXT, TEXT]) == [
        sha256(body).hexdigest() for body in [*bodies, TEXT, TEXT]
    ]
    assert sorted(flushed) == sorted({tmp_path / "archive", *(tmp_path / "archive").glob("??")})
    assert {archive.read(sha256(body).hexdigest()) for body in bodies} == set(bodies)


@pytest.mark.parametrize("body", [TEXT, WORKBOOK, b"", b"x"])
def test_a_body_comes_back_as_it_was(archive: Archive, body: bytes) -> None:
    name = archive.put(body)
    assert name == sha256(body).hexdigest()
    assert archive.has(name)
    assert archive.read(name) == body
    with archive.open(name) as file:
        assert file.read() == body
    with archive.local_path(name) as path:
        assert path.read_bytes() == body


def test_a_body_in_pieces_is_the_same_body(archive: Archive) -> None:
    assert archive.put(iter([TEXT[:7], TEXT[7:]])) == archive.put(TEXT)
    assert archive.put(iter([WORKBOOK[:7], WORKBOOK[7:]])) == archive.put(WORKBOOK)
    assert len(list(archive.folder.glob("*/*"))) == 2


def test_text_is_packed_so_that_any_tool_can_read_it_and_a_workbook_is_left_alone(archive: Archive) -> None:
    packed = archive.path(archive.put(TEXT))
    assert packed.suffix == ".gz"
    assert packed.stat().st_size < len(TEXT) / 5
    assert gzip.decompress(packed.read_bytes()) == TEXT
    assert archive.path(archive.put(WORKBOOK)).read_bytes() == WORKBOOK


def test_what_is_not_there_is_named(archive: Archive) -> None:
    absent = "0" * 64
    assert not archive.has(absent)
    with pytest.raises(ArchiveError, match=f"{absent}: missing from the archive"):
        archive.read(absent)
    with pytest.raises(ArchiveError, match="is not a SHA-256"):
        archive.read("../../etc/passwd")


@pytest.mark.parametrize("body", [TEXT, WORKBOOK])
def test_every_single_flipped_bit_is_found(archive: Archive, body: bytes) -> None:
    name = archive.put(body)
    archive.keep(capture(body), AT)
    path = archive.path(name)
    whole = path.read_bytes()
    bits = random.Random(7).sample(range(len(whole) * 8), 150)  # noqa: S311
    for bit in [*range(80), *bits, *range(len(whole) * 8 - 8 * 60, len(whole) * 8, 3)]:
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        assert [problem.where for problem in archive.verify() if problem.damage] == [str(path)], bit


def test_a_damaged_file_is_never_handed_out(archive: Archive) -> None:
    for body in (TEXT, WORKBOOK):
        name = archive.put(body)
        path = archive.path(name)
        path.write_bytes(path.read_bytes()[:-70])
        with pytest.raises(ArchiveError, match=f"{name}.*: damaged or altered"):
            archive.read(name)
        with pytest.raises(ArchiveError, match="damaged or altered"):
            archive.open(name)
        with pytest.raises(ArchiveError, match="damaged or altered"), archive.local_path(name):
            pass


def test_a_capture_goes_through_the_journal_unchanged(archive: Archive) -> None:
    archive.put(TEXT)
    kept = capture(TEXT)
    entry = archive.keep(kept, AT)
    assert entry["kind"] == "capture"
    assert Capture.from_entry(entry) == kept
    assert kept.validators == Validators(kept.url, kept.headers["last-modified"], None, kept.sha256)


def test_an_absent_list_is_kept_too(archive: Archive) -> None:
    absent = Capture(list="pending", url="https://example.org/", captured_at=AT, outcome="absent")
    assert Capture.from_entry(archive.keep(absent, AT)) == absent
    assert list(archive.verify()) == []


def test_a_capture_whose_body_was_not_put_is_refused(archive: Archive) -> None:
    with pytest.raises(ArchiveError, match="missing from the archive"):
        archive.keep(capture(TEXT), AT)
    assert list(archive.entries()) == []


def test_verify_tells_missing_from_unnamed(archive: Archive) -> None:
    archive.put(TEXT)
    archive.keep(capture(TEXT), AT)
    assert list(archive.verify()) == []
    archive.put(WORKBOOK)
    (unnamed,) = archive.verify()
    assert not unnamed.damage
    assert "named by no entry" in unnamed.text
    archive.path(capture(TEXT).sha256 or "").unlink()
    damage = [problem for problem in archive.verify() if problem.damage]
    assert [problem.text for problem in damage] == ["is named in the journal and missing."]


def test_what_a_killed_process_left_is_swept_up_later(archive: Archive) -> None:
    archive.put(TEXT)
    old, young = (archive.folder / f"incoming-{age}" for age in ("old", "young"))
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (0, 0))
    archive.put(WORKBOOK)
    assert old.exists(), "a folder of many is not looked through for every body"
    Archive(archive.folder.parent).put(b"another")
    assert not old.exists()
    assert young.exists()


def test_a_body_that_breaks_off_leaves_nothing(archive: Archive) -> None:
    def breaking() -> Iterator[bytes]:
        yield TEXT
        raise ConnectionResetError(104, "Connection reset by peer")

    with pytest.raises(ArchiveError):
        archive.put(breaking())
    assert list(archive.folder.iterdir()) == []


def test_a_home_that_cannot_be_a_folder_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="a file stands where a folder should be") as refusal:
        Archive(tmp_path / "file").put(TEXT)
    assert refusal.value.exit_code == 7


FULL_DISK = """
import resource, signal, sys
from datetime import datetime, UTC
from pathlib import Path
from scraper.archive import Archive
from scraper.errors import ArchiveError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
archive = Archive(Path(sys.argv[1]))
archive.append("capture", datetime.now(UTC), n=1)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
for attempt in (lambda: archive.put(bytes([0x50, 0x4b, 3, 4]) + bytes(9000)),
                lambda: archive.append("capture", datetime.now(UTC), note="x" * 9000)):
    try:
        attempt()
    except ArchiveError as refusal:
        print(refusal.exit_code, "Nothing was half kept" in str(refusal))
"""


def test_no_room_keeps_nothing_half(tmp_path: Path) -> None:
    """A limit on file size stands for the full disk: writing fails part-way, as ENOSPC does."""
    assert resource.RLIMIT_FSIZE
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), "4096"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "7 True\n7 True\n"
    archive = Archive(tmp_path)
    assert [path.name for path in archive.folder.iterdir()] == ["journal.jsonl"]
    assert len(list(archive.entries())) == 1
    assert list(archive.verify()) == []
    archive.put(TEXT)
    archive.keep(capture(TEXT), datetime.now(UTC))
    assert list(archive.verify()) == []
