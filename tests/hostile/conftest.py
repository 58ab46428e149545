"""A look with little patience, at a publisher who does what nobody should."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

import pytest

from scraper.errors import (
    CountersignError,
    PublisherError,
)
from tests.publisher import WORKBOOK, Looker

LIMIT = 100_000
SECONDS = 6
SEEN = ("fetched", "not modified")
PATH = "/doclib/about/offices/ero/287g/participatingAgencies05122025am.xlsx"


@pytest.fixture(params=["new", "known"])
def impatient(looker: Looker, request: pytest.FixtureRequest) -> Looker:
    """With little patience. Lists that are known are asked with conditions."""
    looker.set(timeout_seconds=1)
    looker.lists = [replace(published, max_bytes=LIMIT) for published in looker.lists]
    if request.param == "known":
        looker.captures()
    return looker


def gone_wrong(looker: Looker) -> CountersignError:
    """The error of a look at which "participating" failed, in time and with nothing kept of it."""
    began = monotonic()
    error = looker.error()
    assert monotonic() - began < SECONDS
    assert isinstance(error, PublisherError), repr(error)
    assert error.exit_code == 4
    assert " at 0x" not in str(error)
    kept = [looker.archive.read(path.name.removesuffix(".gz")) for path in looker.archive.folder.glob("*/*")]
    assert set(kept) <= {WORKBOOK + b"1", WORKBOOK + b"2"}
    return error
