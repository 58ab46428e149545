"""Several machines on one store: homes of their own, one journal, every body."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256

import pytest

from scraper.bucket import TRIAL
from scraper.errors import ArchiveError
from scraper.shared import entry_key
from tests.scraper.machines import AT, ROOT, Machines, damage, lines, machine, numbers
from tests.scraper.store import Asked, Store, running, store
from tests.scraper.test_archive import TEXT, WORKBOOK, capture

__all__ = ["machine", "running", "store"]  # fixtures


def test_what_one_machine_keeps_another_has(machine: Machines, store: Store) -> None:
    one, other = machine("one"), machine("other")
    for body in (TEXT, WORKBOOK):
        one.put(body)
        one.keep(capture(body), AT)
    assert list(other.entries()) == list(one.entries())
    assert lines(other) == lines(one) == b"".join(map(store.get, store.keys("journal/")))
    for body in (TEXT, WORKBOOK):
        name = sha256(body).hexdigest()
        assert other.has(name)
        assert other.read(name) == body
        assert other.path(name).read_bytes() == one.path(name).read_bytes()
    assert list(one.verify()) == list(other.verify()) == []


def test_the_body_is_there_before_the_entry_that_names_it(machine: Machines, store: Store) -> None:
    archive = machine("one")
    archive.put(TEXT)
    archive.keep(capture(TEXT), AT)
    written = [asked.key for asked in store.asked if asked.method == "PUT" and asked.key != TRIAL]
    name = sha256(TEXT).hexdigest()
    assert written == [f"{name[:2]}/{name}.gz", entry_key(1)]


def test_an_entry_that_names_a_body_nobody_has_is_refused(machine: Machines) -> None:
    archive = machine("one")
    with pytest.raises(ArchiveError, match="missing from the shared archive and from the folder"):
        archive.append("accept", AT, sha256="0" * 64)
    assert list(archive.entries()) == []


def test_machines_take_turns_in_one_chain(machine: Machines) -> None:
    one, other = machine("one"), machine("other")
    for turn in range(4):
        (one, other)[turn % 2].append("review", AT, turn=turn)
    assert [entry["turn"] for entry in one.entries()] == [0, 1, 2, 3]
    assert list(other.entries()) == list(one.entries())
    assert lines(one) == lines(other)


WRITER = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from scraper.archive import Archive
from scraper.settings import get_settings
archive = Archive(Path(sys.argv[1]), shared=get_settings().archive_url)
for number in range(15):
    body = f"{sys.argv[2]} {number} ".encode() * 50
    archive.append("capture", datetime.now(UTC), by=sys.argv[2], number=number, sha256=archive.put(body))
"""


def test_processes_of_several_machines_write_one_chain(machine: Machines) -> None:
    homes = [machine.room / name for name in ("one", "one", "other")]
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(home), f"writer {number}"], cwd=ROOT)
        for number, home in enumerate(homes)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    one, other = machine("one"), machine("other")
    assert numbers(one) == numbers(other) == list(range(1, 46))
    assert lines(one) == lines(other)
    for by in range(3):
        assert [e["number"] for e in one.entries() if e["by"] == f"writer {by}"] == list(range(15))
    assert list(one.verify()) == list(other.verify()) == []


def test_only_what_is_new_is_fetched(machine: Machines, store: Store) -> None:
    one, other = machine("one"), machine("other")
    for turn in range(5):
        one.append("review", AT, turn=turn)
    assert numbers(other) == [1, 2, 3, 4, 5]
    store.forget()
    assert len(list(other.entries())) == 5
    assert store.asked == [Asked("GET", "")]
    one.append("review", AT, turn=5)
    store.forget()
    assert len(list(other.entries())) == 6
    assert store.asked == [Asked("GET", ""), Asked("GET", entry_key(6))]


def test_a_body_that_is_known_to_be_there_is_not_asked_for_again(machine: Machines, store: Store) -> None:
    one = machine("one")
    one.put(WORKBOOK)
    store.forget()
    one.put(WORKBOOK)
    assert one.has(sha256(WORKBOOK).hexdigest())
    assert store.asked == []
    other = machine("other")
    other.put(WORKBOOK)
    assert {asked.method for asked in store.asked} == {"HEAD"}


def test_a_home_from_before_is_brought_up_at_its_first_use(machine: Machines, store: Store) -> None:
    before = machine.alone("one")
    for body in (TEXT, WORKBOOK):
        before.put(body)
        before.keep(capture(body), AT)
    one, other = machine("one"), machine("other")
    one.append("review", AT, turn=1)
    assert numbers(other) == [1, 2, 3]
    assert other.read(sha256(TEXT).hexdigest()) == TEXT
    assert lines(other) == lines(one)
    # Entries that were written without the store, later on, are brought up too.
    machine.alone("one").append("review", AT, turn=2)
    assert numbers(other) == [1, 2, 3]
    assert numbers(one) == numbers(other) == [1, 2, 3, 4]
    assert list(other.verify()) == []


def test_a_home_that_lacks_a_body_is_not_brought_up(machine: Machines, store: Store) -> None:
    before = machine.alone("one")
    before.put(TEXT)
    before.keep(capture(TEXT), AT)
    before.path(sha256(TEXT).hexdigest()).unlink()
    with pytest.raises(ArchiveError, match="missing from the shared archive and from the folder"):
        machine("one").append("review", AT)
    assert store.keys("") == [TRIAL]


def test_a_fork_is_refused_and_nothing_is_written(machine: Machines, store: Store) -> None:
    one, other = machine("one"), machine("other")
    one.append("review", AT, turn=0)
    assert numbers(other) == [1]
    machine.alone("other").append("review", AT, turn="a")
    one.append("review", AT, turn="b")
    before, there = lines(other), store.keys("journal/")
    for attempt in (lambda: numbers(other), lambda: other.append("review", AT, turn="c")):
        with pytest.raises(ArchiveError, match=r"line 2: is not entry 2 of s3://.*went different ways"):
            attempt()
    assert lines(other) == before
    assert store.keys("journal/") == there
    assert damage(other)
    # The same of a longer journal, and of one that was never there.
    machine.alone("other").append("review", AT, turn="d")
    machine.alone("third").append("review", AT, turn="e")
    for fork in (other, machine("third")):
        with pytest.raises(ArchiveError, match="went different ways"):
            numbers(fork)


def test_complete_fetches_all_that_is_missing(machine: Machines) -> None:
    one, other = machine("one"), machine("other")
    for body in (TEXT, WORKBOOK):
        one.put(body)
        one.keep(capture(body), AT)
    other.complete()
    assert sorted(p.name for p in other.folder.glob("*/*")) == sorted(p.name for p in one.folder.glob("*/*"))
