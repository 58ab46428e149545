"""Several machines on one store: homes of their own, one journal, every body."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from scraper.archive import Archive
from scraper.errors import ArchiveError, UsageError
from scraper.settings import get_settings
from scraper.shared.bucket import TRIAL
from scraper.shared.journal import bundle_key, entry_key
from tests.scraper.store import Asked, Store, running, store
from tests.scraper.test_archive import TEXT, WORKBOOK, capture

__all__ = ["running", "store"]  # fixtures

AT = datetime(2025, 5, 12, 13, 0, 4, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


class Machines:
    """Archives of machines that share one store, each with a home of its own."""

    def __init__(self, room: Path) -> None:
        self.room = room

    def __call__(self, name: str) -> Archive:
        return Archive(self.room / name, shared=get_settings().archive_url)

    def alone(self, name: str) -> Archive:
        return Archive(self.room / name)


@pytest.fixture
def machine(tmp_path: Path, store: Store) -> Machines:
    return Machines(tmp_path)


def numbers(archive: Archive) -> list[int]:
    return [entry["n"] for entry in archive.entries()]


def lines(archive: Archive) -> bytes:
    return archive.journal.path.read_bytes()


def damage(archive: Archive) -> list[str]:
    return [f"{problem.where}: {problem.text}" for problem in archive.verify() if problem.damage]


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
import scraper.shared.journal
archive = Archive(Path(sys.argv[1]), shared=get_settings().archive_url)
archive.append("review", datetime.now(UTC), turn=0)
scraper.shared.journal.write = lambda *_: os.kill(os.getpid(), 9)
archive.append("review", datetime.now(UTC), turn=1)
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


@pytest.fixture
def thousands(monkeypatch: pytest.MonkeyPatch) -> int:
    """Bundles, and pages of a listing, of thirty: the rules are the same, and it takes no minute."""
    for name in ("journal.BUNDLE", "proof.BUNDLE", "journal.PAGE", "bucket.PAGE"):
        monkeypatch.setattr(f"scraper.shared.{name}", 30)
    return 30


def test_a_newcomer_fetches_old_entries_in_bundles(machine: Machines, store: Store, thousands: int) -> None:
    one = machine("one")
    for turn in range(70):
        one.append("review", AT, turn=turn)
    assert store.keys("thousands/") == [bundle_key(30), bundle_key(60)]
    store.forget()
    new = machine("new")
    assert numbers(new) == list(range(1, 71))
    fetched = [asked.key for asked in store.asked if asked.method == "GET" and asked.key]
    assert fetched[:2] == [bundle_key(30), bundle_key(60)]
    assert sorted(fetched[2:]) == [entry_key(n) for n in range(61, 71)]
    assert lines(new) == lines(one)
    assert list(new.verify()) == []


def test_a_bundle_that_is_missing_is_made_again_and_one_that_is_wrong_is_not_believed(
    machine: Machines, store: Store, thousands: int
) -> None:
    one = machine("one")
    for turn in range(65):
        one.append("review", AT, turn=turn)
    whole = {n: store.get(bundle_key(n)) for n in (30, 60)}
    store.delete(bundle_key(30))
    store.put(bundle_key(60), whole[60].replace(b'"turn":44', b'"turn":45'))
    new = machine("new")
    assert numbers(new) == list(range(1, 66))
    assert lines(new) == lines(one)
    assert store.get(bundle_key(30)) == whole[30]
    [wrong] = damage(new)
    assert bundle_key(60) in wrong


def test_a_home_of_many_entries_is_brought_up_with_its_bundles(
    machine: Machines, store: Store, thousands: int
) -> None:
    before = machine.alone("one")
    for turn in range(61):
        before.append("review", AT, turn=turn)
    assert numbers(machine("one")) == list(range(1, 62))
    assert store.keys("thousands/") == [bundle_key(30), bundle_key(60)]
    assert len(store.keys("journal/")) == 61


def test_complete_fetches_all_that_is_missing(machine: Machines) -> None:
    one, other = machine("one"), machine("other")
    for body in (TEXT, WORKBOOK):
        one.put(body)
        one.keep(capture(body), AT)
    other.complete()
    assert sorted(p.name for p in other.folder.glob("*/*")) == sorted(p.name for p in one.folder.glob("*/*"))


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
