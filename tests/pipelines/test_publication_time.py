"""Which witness is believed about the time of publication."""

from __future__ import annotations

import csv
import re
import zipfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.publication_time import publication_time

CAPTURED = datetime(2025, 5, 12, 20, 0, tzinfo=UTC)
NAME = "participatingAgencies05122025pm.xlsx"


def test_the_workbooks_own_time_is_believed_first() -> None:
    modified = datetime(2025, 5, 12, 17, 40, 40, 813000, tzinfo=UTC)
    assert publication_time(modified, CAPTURED, NAME, CAPTURED) == (
        modified.replace(microsecond=0),
        "workbook",
    )


def test_a_workbook_time_after_the_capture_was_not_the_publishers() -> None:
    later = CAPTURED + timedelta(days=40)
    served = CAPTURED - timedelta(hours=3)
    assert publication_time(later, served, NAME, CAPTURED) == (served, "last-modified")
    assert publication_time(later, later, NAME, CAPTURED) == (CAPTURED, "name")
    assert publication_time(later, later, "list.xlsx", CAPTURED) == (CAPTURED, "capture")


def test_a_templates_time_years_before_the_name_is_not_believed() -> None:
    template = datetime(2021, 1, 4, tzinfo=UTC)
    assert publication_time(template, None, NAME, CAPTURED)[1] == "name"
    assert publication_time(datetime(2006, 9, 16, tzinfo=UTC), None, "list.xlsx", CAPTURED)[1] == "capture"


def test_an_old_file_found_later_keeps_its_own_time() -> None:
    modified = datetime(2023, 2, 20, 16, 0, tzinfo=UTC)
    for name in ("list.xlsx", "participatingAgencies02202023.xlsx"):
        assert publication_time(modified, None, name, CAPTURED) == (modified, "workbook")


def test_a_year_off_in_the_name_does_not_discredit_the_workbook() -> None:
    modified = datetime(2025, 5, 12, 17, 0, tzinfo=UTC)
    for wrong in ("participatingAgencies05122024am.xlsx", "participatingAgencies05122026am.xlsx"):
        assert publication_time(modified, None, wrong, CAPTURED)[1] == "workbook"


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("participatingAgencies05092025am.xlsx", "2025-05-09T12:00:00"),
        ("participatingAgencies05092025pm_b.xlsx", "2025-05-09T23:59:59"),
        ("participatingAgencies05092025mid.xlsx", "2025-05-09T23:59:59"),
        ("ParticipatingAgency050925.xlsx", "2025-05-09T23:59:59"),
        ("participatingAgencies_20250509.xlsx", "2025-05-09T23:59:59"),
        ("participating 2025-05-09.xlsx", "2025-05-09T23:59:59"),
        ("participating_5.9.2025.xlsx", "2025-05-09T23:59:59"),
        ("participatingAgencies-20250509221933.xlsx", "2025-05-09T22:19:33"),
    ],
)
def test_dates_in_names(name: str, day: str) -> None:
    assert publication_time(None, None, name, CAPTURED) == (datetime.fromisoformat(day + "+00:00"), "name")


@pytest.mark.parametrize(
    "name",
    [
        "participatingAgencies13402025.xlsx",  # no such day
        "participatingAgencies05132025am.xlsx",  # tomorrow
        "participatingAgencies03012025am.xlsx",  # too long ago
        "participatingAgencies05122024am.xlsx",  # a year off
        "287g-list-123456789.xlsx",
        "",
    ],
)
def test_implausible_names_leave_the_capture(name: str) -> None:
    assert publication_time(None, None, name, CAPTURED) == (CAPTURED, "capture")


moments = st.datetimes(datetime(1980, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.none() | moments, st.none() | moments, st.text(max_size=30) | st.just(NAME), moments)
def test_never_later_than_the_capture(
    modified: datetime | None, served: datetime | None, name: str, captured: datetime
) -> None:
    found, basis = publication_time(modified, served, name, captured)
    assert found <= captured
    assert found.microsecond == 0
    assert found.tzinfo is UTC
    assert basis in {"workbook", "last-modified", "name", "capture"}


@pytest.mark.corpus
def test_real_files_are_placed_by_their_own_time(corpus: Path) -> None:
    bases: Counter[str] = Counter()
    with (corpus / "manifest.csv").open(encoding="utf-8", newline="") as manifest:
        for file in csv.DictReader(manifest):
            found, basis = publication_time(
                _modified(corpus / file["path"]),
                None,
                file["published_name"],
                datetime.fromisoformat(file["captured_at"]),
            )
            bases[basis] += 1
            in_path = re.search(r"(\d{8}T\d{6})Z", file["path"])
            assert in_path
            best = datetime.strptime(in_path[1] + "+0000", "%Y%m%dT%H%M%S%z")
            assert abs(found - best) < timedelta(hours=36), file["path"]
    assert bases["workbook"] > 180
    assert bases["name"] + bases["capture"] > 600


def _modified(path: Path) -> datetime | None:
    with zipfile.ZipFile(path) as workbook:
        found = re.search(rb"<dcterms:modified[^>]*>([^<]+)<", workbook.read("docProps/core.xml"))
    return datetime.fromisoformat(found[1].decode()) if found else None
