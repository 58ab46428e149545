"""A shared store that goes away, loses answers, is altered or was never there: said, and nothing half kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scraper.archive import Archive
from scraper.errors import ArchiveError, UsageError
from scraper.settings import get_settings
from scraper.shared import entry_key
from tests.scraper.machines import AT, ROOT, Machines, damage, lines, machine, numbers
from tests.scraper.store import Asked, Store, running, store
from tests.scraper.test_archive import TEXT, WORKBOOK, capture

__all__ = ["machine", "running", "store"]  # fixtures


def test_an_unreachable_store_is_an_error_with_advice_and_nothing_is_half_kept(
    machine: Machines, store: Store
) -> None:
    archive = machine("one")
    archive.append("review", AT, turn=0)
    store.cut = lambda _asked: "before"
    for attempt in (
        lambda: archive.put(TEXT),
        lambda: archive.append("review", AT, turn=1),
        lambda: numbers(archive),
        lambda: archive.read("0" * 64),
    ):
        with pytest.raises(ArchiveError, match=r"cannot be reached\. Check the network") as refusal:
            attempt()
        assert refusal.value.exit_code == 7
        assert "\n" not in str(refusal.value)
    store.cut = lambda _asked: None
    assert numbers(archive) == [1]
    archive.put(TEXT)
    archive.keep(capture(TEXT), AT)
    assert list(archive.verify()) == []


def test_a_store_that_goes_away_between_body_and_entry_leaves_no_entry(
    machine: Machines, store: Store
) -> None:
    archive = machine("one")
    archive.put(TEXT)
    store.cut = lambda asked: "before" if asked == Asked("PUT", entry_key(1)) else None
    with pytest.raises(ArchiveError, match="cannot be reached"):
        archive.keep(capture(TEXT), AT)
    assert store.keys("journal/") == []
    assert numbers(archive) == []
    store.cut = lambda _asked: None
    assert archive.keep(capture(TEXT), AT)["n"] == 1


def test_a_store_that_writes_over_what_is_there_is_refused(machine: Machines, store: Store) -> None:
    store.careless = True
    machine.alone("other").append("review", AT)
    for name in ("one", "other", "one"):
        with pytest.raises(ArchiveError, match="writes over objects"):
            machine(name).append("review", AT)
    assert store.keys("journal/") == []


def test_an_answer_that_is_lost_does_not_write_an_entry_twice(machine: Machines, store: Store) -> None:
    lost: list[Asked] = []

    def once(asked: Asked) -> str | None:
        if asked != Asked("PUT", entry_key(1)) or lost:
            return None
        lost.append(asked)
        return "after"

    archive = machine("one")
    store.cut = once
    archive.append("review", AT, turn=0)
    archive.append("review", AT, turn=1)
    assert lost == [Asked("PUT", entry_key(1))]
    assert [entry["turn"] for entry in machine("other").entries()] == [0, 1]


KILLED = """
import os, sys
from datetime import datetime, UTC
from pathlib import Path
from scraper.archive import Archive
from scraper.settings import get_settings
import scraper.shared
archive = Archive(Path(sys.argv[1]), shared=get_settings().archive_url)
archive.append("review", datetime(2025, 5, 12, 13, tzinfo=UTC), turn=0)
scraper.shared.write = lambda *_: os.kill(os.getpid(), 9)
archive.append("review", datetime(2025, 5, 12, 13, tzinfo=UTC), turn=1)
"""


def test_killed_between_store_and_file_the_entry_is_caught_up(machine: Machines, store: Store) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(machine.room / "one")], cwd=ROOT, check=False, capture_output=True
    )
    assert killed.returncode == -9, killed.stderr
    one = machine("one")
    assert len(lines(one).splitlines()) == 1
    assert one.append("review", AT, turn=2)["n"] == 3
    assert [entry["turn"] for entry in one.entries()] == [0, 1, 2]


def test_a_line_that_a_crash_cut_short_is_fetched_whole(machine: Machines) -> None:
    one = machine("one")
    one.append("review", AT, turn=0)
    whole = lines(one)
    one.journal.path.write_bytes(whole[:50])
    assert numbers(one) == [1]
    assert lines(one) == whole


@pytest.mark.parametrize("body", [TEXT, WORKBOOK])
@pytest.mark.parametrize("fetched", [True, False])
def test_a_body_altered_in_the_store_is_found(
    machine: Machines, store: Store, body: bytes, fetched: bool
) -> None:
    one, other = machine("one"), machine("other")
    name = one.put(body)
    one.keep(capture(body), AT)
    [key] = store.keys(name[:2])
    whole = store.get(key)
    if fetched:
        other.read(name)
    for altered in (whole[:-1], bytes([whole[0] ^ 1]) + whole[1:], b""):
        store.put(key, altered)
        assert [line for line in damage(other) if key in line and "damaged or altered" in line]
        if not fetched:
            with pytest.raises(ArchiveError, match=f"{key}: damaged or altered"):
                other.read(name)
            assert list(other.folder.glob("*/*")) == []
    assert [path.name for path in other.folder.glob("incoming-*")] == []
    store.delete(key)
    [missing] = damage(other)
    assert f"{name}: is named in the journal and missing from the shared archive" in missing


def test_an_entry_altered_or_missing_in_the_store_is_found(machine: Machines, store: Store) -> None:
    one = machine("one")
    for turn in range(3):
        one.append("review", AT, turn=turn)
    whole = store.get(entry_key(2))
    store.put(entry_key(2), whole.replace(b'"turn":1', b'"turn":7'))
    assert damage(one) == [f"{one_url()}/{entry_key(2)}: is not what the journal of this machine says."]
    with pytest.raises(ArchiveError, match="entry 2: was altered or damaged"):
        numbers(machine("other"))
    store.delete(entry_key(2))
    assert damage(one) == [f"{one_url()}/{entry_key(2)}: is missing from the shared archive."]
    with pytest.raises(ArchiveError, match=r"later entries are there\. Put it back"):
        numbers(machine("third"))
    store.put(entry_key(2), lines(one).splitlines(keepends=True)[1])
    assert damage(one) == []
    assert numbers(machine("fourth")) == [1, 2, 3]


def one_url() -> str:
    return str(get_settings().archive_url)


def test_what_does_not_belong_there_is_said_and_harms_nobody(machine: Machines, store: Store) -> None:
    one = machine("one")
    one.append("review", AT)
    for key in ("journal/notes.txt", "README", "ab/" + "0" * 64):
        store.put(key, b"something")
    assert numbers(machine("other")) == [1]
    said = {problem.where.removeprefix(one_url()): problem for problem in one.verify()}
    assert not any(problem.damage for problem in said.values())
    assert set(said) == {"/README", "/ab/" + "0" * 64}


@pytest.mark.parametrize(
    "wrong", ["bucket/prefix", "s3://", "https://host/bucket", "s3://key:secret@bucket/x", "s3://bucket/a?b"]
)
def test_an_address_that_is_none_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("COUNTERSIGN_ARCHIVE_URL", wrong)
    with pytest.raises(UsageError, match="COUNTERSIGN_ARCHIVE_URL must be s3://bucket/prefix") as refusal:
        get_settings()
    assert "secret" not in str(refusal.value)


def test_a_bucket_that_is_not_there_is_said_so(tmp_path: Path, store: Store) -> None:
    archive = Archive(tmp_path, shared="s3://bucket-of-nobody/x")
    for attempt in (lambda: archive.put(TEXT), lambda: numbers(archive)):
        with pytest.raises(ArchiveError, match="there is no such bucket"):
            attempt()


WITHOUT_LIBRARY = """
import json, sys
from pathlib import Path
sys.modules["obstore"] = None
from scraper.archive import Archive
from scraper.errors import UsageError
Archive(Path(sys.argv[1]))
try:
    Archive(Path(sys.argv[1]), shared="s3://bucket/prefix")
except UsageError as refusal:
    print(json.dumps([refusal.exit_code, str(refusal)]))
"""


def test_without_its_library_the_setting_is_refused_with_advice(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LIBRARY, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    code, said = json.loads(done.stdout)
    assert code == 2
    assert "pip install 'countersign[s3]'" in said
