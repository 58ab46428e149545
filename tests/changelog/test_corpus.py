"""The figures that issue and press quote, out of the real lists of 2025."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from changelog.claims import check_claim
from changelog.report_pages import as_markdown
from changelog.reports import report
from pipelines.installation import Installation
from pipelines.run import replay
from scraper.lists import PARTICIPATING, PENDING
from scraper.past_files import past_captures
from tests.pipelines.conftest import History

pytestmark = [pytest.mark.corpus, pytest.mark.long]
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
NEWS = "55 local agencies signed in the last week, more than 510 partners, a 280% increase from the 134"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The lists of 2025, replayed."""
    manifest = Path(__file__).parents[3] / "shared" / "corpus" / "manifest.csv"
    if not manifest.is_file():
        pytest.skip(f"the corpus of real lists is not at {manifest.parent}")
    history = History(tmp_path_factory.mktemp("corpus"))
    found = [pair for item in (PARTICIPATING, PENDING) for pair in past_captures(manifest, item)]
    replay(history.installation, [(capture, path) for capture, path in found if capture.captured_at >= FIRST])
    yield history.installation
    history.installation.engine.dispose()


def claim(installation: Installation, text: str, as_of: date | None = None) -> dict[str, str]:
    with installation.engine.connect() as connection:
        told = check_claim(connection, installation.lists, text, as_of)
    return {"standing": told["standing"], **{f["phrase"]: f["answer"] for f in told["figures"]}}


def test_the_week_of_12_may_2025(installation: Installation) -> None:
    with installation.engine.connect() as connection:
        told = report(connection, installation.lists, "participating", date(2025, 5, 12), date(2025, 5, 19))
    assert (told["added"], told["newly_signed"], told["new_agencies"], told["removed"]) == (55, 55, 48, 1)
    assert (told["total_agreements"], told["total_agencies"], told["net"]) == (571, 462, 54)
    baseline: dict[str, Any] = told["baseline"]
    assert baseline["date"] == "2025-01-20"
    assert (baseline["total_agreements"], baseline["total_agencies"], baseline["percent"]) == (
        135,
        133,
        323.0,
    )
    assert told["pending"]["total_agreements"] == 92


def test_what_was_said_in_april_2025(installation: Installation) -> None:
    told = claim(installation, NEWS, date(2025, 4, 10))
    assert "444 signed agreements with 344 agencies" in told["standing"]
    many = told["more than 510 partners"]
    assert "444 + 67 = 511, listed since 8 April 2025" in many
    assert "not for signed agreements (444), agencies (344)" in many
    assert "Signed agreements really passed 510 with the list of 30 April 2025 (517)" in many
    growth = told["280% increase"]
    assert "From 134 to 510 (more than 510 is said) is +280.60 %" in growth
    assert "signed agreements from 135 to 444, +228.89 %" in growth
    assert "None of these is 280 %" in growth
    base = told["from the 134"]
    assert "134 is 1 fewer than the 135 signed agreements and 1 more than the 133 agencies" in base
    week = told["55 local agencies signed in the last week"]
    assert "net growth of signed agreements and applications together in the week of 31 March 2025" in week


def test_what_was_said_in_september_2025(installation: Installation) -> None:
    told = claim(installation, "increased 609%, from 135 to 958")
    assert "+609.63 %: 609 % when the rest is cut off" in told["609%"]
    assert "fits 957 (+608.89 %)" in told["609%"]
    told = claim(installation, "641%, from 135 to 1,001")
    assert "+641.48 %, which rounds to 641 %" in told["641%"]
    assert "1,000 (+640.74 %) would round to the same" in told["641%"]


def test_what_became_of_the_applications_of_that_week(installation: Installation) -> None:
    with installation.engine.connect() as connection:
        told = report(connection, installation.lists, "participating", date(2025, 5, 12), date(2025, 5, 19))
    found: dict[str, Any] = told["conversions"]
    assert (found["applied"], found["converted"], found["left"], found["waiting"]) == (
        35,
        24,
        1,
        89,
    )  # 92 rows; three had an agreement before
    assert found["converted"] == told["from_pending"]
    assert found["median_days"] == 10
    oldest = found["oldest"][0]
    assert (oldest["applied"], oldest["at_least"], oldest["days"]) == ("2025-02-20", True, 84)
    page = as_markdown(told, installation.lists)
    assert "24 applications became agreements in this period, at the median 10 days after" in page
    assert "### Waiting longest" in page
