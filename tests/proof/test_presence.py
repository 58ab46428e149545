"""That an agency stood on a list on a day, or did not, can be checked by a stranger with the zip alone."""

from __future__ import annotations

import json
import random
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from changelog.evidence.bundle import zipped
from changelog.evidence.check import NotProvenError, check
from changelog.evidence.presence import presence
from demo.made import Week
from scraper.errors import UsageError
from tests.pipelines.conftest import History, files_of
from tests.proof.test_bundle import run_alone

LIST = "participating"


@pytest.fixture
def told(history: History, published: list[Week]) -> History:
    history.feed(files_of(published))
    return history


def days(published: list[Week]) -> list[str]:
    return [f"{week.published_at:%Y-%m-%d}" for week in published]


def test_who_was_added_stood_from_then_on_and_not_before(told: History, published: list[Week]) -> None:
    first, *_, last = days(published)
    for change in [c for c in told.changes("added", lists=[LIST]) if c["new_agency"]][::12]:
        before, absence = presence(told.installation, change["agency_id"], LIST, first)
        after, proof = presence(told.installation, change["agency_id"], LIST, last)
        assert (before["stood"], before["rows"], after["stood"]) == (False, [], True)
        assert any("in none" in line for line in check(absence))
        assert any(f"in row {after['rows'][0]['row']}" in line for line in check(proof))


def test_the_rows_named_are_the_rows_of_that_file(
    told: History, published: list[Week], tmp_path: Path
) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    agency = told.changes("added", lists=[LIST])[5]["agency"]
    said, bundle = presence(told.installation, agency, LIST, days(published)[-1])
    with zipfile.ZipFile(BytesIO(bundle)) as packed:
        book = openpyxl.load_workbook(BytesIO(packed.read(f"files/{said['sha256']}.xlsx")))
    for one in (*said["rows"], *said["around"]):
        assert (
            book.worksheets[0].cell(one["row"], said["columns"]["agency"] + 1).value
            == one["printed"]["agency"]
        )


def test_a_corrected_name_is_looked_for_under_every_spelling(told: History, published: list[Week]) -> None:
    [change] = told.changes("renamed")
    said, _ = presence(told.installation, change["agency"], LIST, days(published)[-1])
    assert len(said["names"]) == 2


def test_a_name_that_was_never_printed_was_not_there(
    told: History, published: list[Week], tmp_path: Path
) -> None:
    said, bundle = presence(told.installation, "Nowhere Town Marshal", LIST, days(published)[2])
    assert (said["stood"], len(said["around"])) == (False, 2)
    done = run_alone(bundle, tmp_path / "absence")
    assert (done.returncode, done.stderr) == (0, "")
    assert "did not stand on the list" in done.stdout


def test_what_is_not_clear_is_asked(told: History, published: list[Week]) -> None:
    with pytest.raises(UsageError, match="Name one by its id"):
        presence(told.installation, "County", LIST, days(published)[-1])
    with pytest.raises(UsageError, match="Nothing of the list"):
        presence(told.installation, "County", LIST, "2001-01-01")


@pytest.mark.parametrize("stood", [True, False])
def test_a_bundle_that_says_otherwise_is_refused(told: History, published: list[Week], stood: bool) -> None:
    """Not a byte that was flipped (that is found at once), but a bundle made up anew around another claim."""
    day = days(published)[-1]
    name = told.changes("added", lists=[LIST])[5]["agency"] if stood else "Nowhere Town Marshal"
    _, bundle = presence(told.installation, name, LIST, day)
    with zipfile.ZipFile(BytesIO(bundle)) as packed:
        members = {item.filename: packed.read(item) for item in packed.infolist()}
    evidence = json.loads(members["evidence.json"])
    claim = evidence["standing"]
    rows = claim["rows"]
    for lie in (
        {"stood": not stood},
        {"rows": [] if stood else claim["around"][:1]},
        {"stood": not stood, "rows": [] if stood else claim["around"][:1]},
        {"sha256": "0" * 64},
        {"list": "pending"},
        {"rows": [{**row, "row": row["row"] + 1} for row in rows or claim["around"]], "stood": True},
        {"around": [{**row, "printed": {"agency": "Somebody else"}} for row in claim["around"]]},
    ):
        made_up = json.dumps({**evidence, "standing": {**claim, **lie}}).encode()
        with pytest.raises(NotProvenError):
            check(zipped({**members, "evidence.json": made_up}))
    chance = random.Random(7)  # noqa: S311
    for at in chance.sample(range(len(bundle)), 100):
        with pytest.raises(NotProvenError):
            check(bundle[:at] + bytes([bundle[at] ^ 1]) + bundle[at + 1 :])
