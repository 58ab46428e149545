"""A played publisher with a dozen agreements and their documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.publisher import Publisher
from tests.pipelines.documents.test_fetch import Played


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher() as playing:
        yield playing


@pytest.fixture
def few(publisher: Publisher, home: Path) -> Played:
    return Played(publisher, 12)
