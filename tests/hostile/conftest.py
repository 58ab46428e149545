"""A run against a publisher who does what nobody should."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scraper.errors import (
    CountersignError,
    PublisherError,
)
from tests.publisher import WORKBOOK, Looker

LIMIT = 100_000
SEEN = ("fetched", "not modified")
PATH = "/doclib/about/offices/ero/287g/participatingAgencies05122025am.xlsx"


@pytest.fixture(params=["new", "known"])
def impatient(looker: Looker, request: pytest.FixtureRequest) -> Looker:
    """Lists that are known are asked with conditions. Who waits for what never comes says how long by `in_vain`."""
    looker.set(timeout_seconds=30)
    looker.lists = [replace(published, max_bytes=LIMIT) for published in looker.lists]
    if request.param == "known":
        looker.captures()
    return looker


def in_vain(looker: Looker, sentence: str) -> None:
    """Only an answer that is to come too late is waited for so shortly: a busy machine makes no other one late."""
    if "in full" in sentence:
        looker.set(timeout_seconds=1)


def gone_wrong(looker: Looker) -> CountersignError:
    """The error of a run in which "participating" failed, with nothing kept of it."""
    error = looker.error()
    assert isinstance(error, PublisherError), repr(error)
    assert error.exit_code == 4
    assert " at 0x" not in str(error)
    kept = [looker.archive.read(path.name.removesuffix(".gz")) for path in looker.archive.folder.glob("*/*")]
    assert set(kept) <= {WORKBOOK + b"1", WORKBOOK + b"2"}
    return error
