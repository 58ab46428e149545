"""A stranger with the zip alone can check it; with one byte of it changed, he cannot."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
import zipfile
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pytest

from changelog.evidence.bundle import evidence
from changelog.evidence.check import NotProvenError, check
from demo.made import Week
from pipelines.verify import FOLDER, seal, write_seal
from scraper.errors import ArchiveError, UsageError
from tests.pipelines.conftest import History, files_of


@pytest.fixture
def told(history: History, published: list[Week]) -> History:
    history.feed(files_of(published))
    return history


def run_alone(bundle: bytes, place: Path, *more: Path) -> subprocess.CompletedProcess[str]:
    """As a stranger does: the script out of the zip, in a Python that sees nothing of ours."""
    place.mkdir(exist_ok=True)
    (place / "bundle.zip").write_bytes(bundle)
    with zipfile.ZipFile(place / "bundle.zip") as packed:
        (place / "check.py").write_bytes(packed.read("check.py"))
    return subprocess.run(
        [sys.executable, "-I", "-S", "check.py", "bundle.zip", *map(str, more)],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_change_can_be_checked(told: History) -> None:
    kinds = set()
    for change in [*told.changes()[::8], *told.changes("renamed", "amended", "returned")]:
        said = check(evidence(told.installation, change["id"]))
        assert any("prints what the bundle says" in line for line in said)
        kinds.add(change["kind"])
    assert kinds == {"added", "removed", "returned", "renamed", "amended"}


def test_the_script_alone_is_enough(told: History, tmp_path: Path) -> None:
    for kind in ("added", "removed", "renamed"):
        identifier = told.changes(kind)[-1]["id"]
        done = run_alone(evidence(told.installation, identifier), tmp_path / kind)
        assert (done.returncode, done.stderr) == (0, "")
        assert "PROVEN" in done.stdout


def test_one_changed_byte_anywhere_is_found(told: History) -> None:
    bundle = evidence(told.installation, told.changes("added")[60]["id"])
    chance = random.Random(5)  # noqa: S311
    for at in [*range(120), *range(len(bundle) - 120, len(bundle)), *chance.sample(range(len(bundle)), 1000)]:
        altered = bundle[:at] + bytes([bundle[at] ^ 1 << chance.randrange(8)]) + bundle[at + 1 :]
        with pytest.raises(NotProvenError, match="was changed after it was made"):
            check(altered)
    for other in (bundle + b"\0", bundle[:-1], b"", bundle[1:]):
        with pytest.raises(NotProvenError):
            check(other)


def test_the_script_fails_with_a_sentence(told: History, tmp_path: Path) -> None:
    bundle = evidence(told.installation, told.changes("added")[0]["id"])
    at = bundle.index(b"files/") + 200
    done = run_alone(bundle[:at] + bytes([bundle[at] ^ 1]) + bundle[at + 1 :], tmp_path / "altered")
    assert done.returncode == 1
    assert done.stdout.startswith("NOT PROVEN. The bundle was changed")


def forged(bundle: bytes, name: str, old: bytes, new: bytes) -> bytes:
    """As a forger would, who knows how the bundle is closed."""
    packed = BytesIO()
    with zipfile.ZipFile(BytesIO(bundle)) as original, zipfile.ZipFile(packed, "w") as copy:
        for item in original.infolist():
            body = original.read(item)
            assert item.filename != name or old in body
            copy.writestr(item, body.replace(old, new) if item.filename == name else body)
        copy.comment = b"0" * 64
    whole = packed.getvalue()[:-64]
    return whole + hashlib.sha256(whole).hexdigest().encode()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("agency", "Row .* does not print agency so|does not|not as the bundle says"),
        ("signed", "does not"),
        ("row", "does not print|names another row"),
        ("journal", "does not have its own hash|is not in its one form"),
        ("file", "does not have the hash"),
    ],
)
def test_a_closed_forgery_is_found_by_what_it_says(told: History, name: str, why: str) -> None:
    change = told.changes("added", lists=["participating"])[30]
    bundle = evidence(told.installation, change["id"])
    after = f"files/{change['sha256']}.xlsx"
    old, new, member = {
        "agency": (change["agency"], "Elsewhere County Sheriff's Office", "evidence.json"),
        "signed": (change["signed"], "2020-01-01", "evidence.json"),
        "row": (f'"row": {change["row"]}', f'"row": {change["row"] + 1}', "evidence.json"),
        "journal": ('"kind":"capture"', '"kind":"Capture"', "journal.jsonl"),
        "file": ("PK\x03\x04", "PK\x03\x05", after),
    }[name]
    with pytest.raises(NotProvenError, match=why):
        check(forged(bundle, member, old.encode(), new.encode()))


def test_the_same_change_gives_the_same_bytes(told: History) -> None:
    identifier = told.changes("renamed")[0]["id"]
    assert evidence(told.installation, identifier) == evidence(told.installation, identifier)


def test_a_seal_ties_the_bundle_to_a_time(told: History, tmp_path: Path) -> None:
    made = seal(told.installation)
    kept, _ = write_seal(made, told.installation.settings.home / FOLDER)
    bundle = evidence(told.installation, told.changes("added")[-1]["id"])
    assert any("is the one that was sealed" in line for line in check(bundle))
    assert run_alone(bundle, tmp_path / "sealed", kept).returncode == 0
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**made.as_json(), "head": "0" * 64}))
    done = run_alone(bundle, tmp_path / "other", other)
    assert done.returncode == 1
    assert "is not the one that was sealed" in done.stdout


def test_the_readme_says_what_is_in_it_and_warns_of_addresses(told: History) -> None:
    change = told.changes("added")[0]
    with zipfile.ZipFile(BytesIO(evidence(told.installation, change["id"]))) as bundle:
        text = bundle.read("README.txt").decode()
        members = set(bundle.namelist())
    assert change["id"] in text
    assert change["agency"] in text
    assert "e-mail addresses of the publisher's staff" in text
    assert {"check.py", "evidence.json", "journal.jsonl", "README.txt"} < members


def test_no_address_of_a_wrapper_leaves_the_raw_files(history: History, published: list[Week]) -> None:
    """The demo wraps links as mail software does; only the raw files may repeat that."""
    history.feed(files_of(published))
    for change in history.changes()[::10]:
        with zipfile.ZipFile(BytesIO(evidence(history.installation, change["id"]))) as bundle:
            for name in bundle.namelist():
                if not name.startswith("files/"):
                    assert b"safelinks" not in bundle.read(name)
                    assert b"%40" not in bundle.read(name)


def test_what_cannot_be_proven_is_said(told: History) -> None:
    with pytest.raises(UsageError, match="No change is called"):
        evidence(told.installation, "nothing")
    change = told.changes("added")[0]
    path = told.installation.archive.path(change["sha256"])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArchiveError, match="damaged or altered"):
        evidence(told.installation, change["id"])


@pytest.mark.corpus
@pytest.mark.long
def test_one_of_the_55_of_a_real_week_checks(history: History, corpus: Path, tmp_path: Path) -> None:
    import csv

    from pipelines.run import replay
    from scraper.capture import Capture

    with (corpus / "manifest.csv").open() as file:
        captures = [
            (
                Capture(
                    list=row["list"], url="", outcome="fetched", published_name=row["published_name"],
                    captured_at=datetime.fromisoformat(row["captured_at"]), by=row["captured_by"],
                ),
                corpus / row["path"],
            )
            for row in csv.DictReader(file)
            if "20250420" <= row["path"].partition("/")[2][:8] <= "20250520"
        ]  # fmt: skip
    replay(history.installation, captures)
    week = [
        change
        for change in history.changes("added", lists=["participating"])
        if "2025-05-12" <= change["published_at"] < "2025-05-19"
    ]
    assert len(week) == 55
    for change in week[::9]:
        check(evidence(history.installation, change["id"]))
    bundle = evidence(history.installation, week[20]["id"])
    assert run_alone(bundle, tmp_path / "alone").returncode == 0
    middle = len(bundle) // 2
    altered = bundle[:middle] + bytes([bundle[middle] ^ 4]) + bundle[middle + 1 :]
    assert run_alone(altered, tmp_path / "altered").returncode == 1
