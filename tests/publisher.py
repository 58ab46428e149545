"""The publisher that plays for the tests; `demo.publisher` holds the player."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.publisher import Publisher


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with Publisher() as playing:
        yield playing
