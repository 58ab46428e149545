"""What the tests of the channels share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import islice

import pytest

from demo.agencies import agencies
from demo.made import weeks
from demo.workbooks import Line
from pipelines.installation import Installation
from tests.changelog.receiver import receiver
from tests.pipelines.conftest import File, History, files_of, sheet

__all__ = ["receiver"]


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Eight made publications of both lists, only to be read."""
    place = tmp_path_factory.mktemp("channels") / "home"
    place.mkdir()
    history = History(place)
    history.feed(files_of(weeks()))
    yield history.installation
    history.installation.engine.dispose()


def listed(agreements: int, named: int, list_name: str, at: datetime, skip: int = 0) -> File:
    """A list of so many agreements of so many agencies; what a smaller one has, a larger one has too."""
    known = list(islice(agencies(), skip, skip + named))
    signed = date(2025, 1, 2) if list_name == "participating" else None
    lines = [Line(agency, "TFM", signed) for agency in known]
    lines += [Line(agency, "WSO", signed) for agency in known[: agreements - named]]
    return sheet(lines, at, list_name)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(scope="session")
def april(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Lists with the figures that were published in early 2025."""
    place = tmp_path_factory.mktemp("april") / "home"
    place.mkdir()
    history = History(place)
    history.feed(
        [
            listed(135, 133, "participating", moment("2025-01-10T15:00")),
            listed(427, 330, "participating", moment("2025-03-28T15:00")),
            listed(28, 27, "pending", moment("2025-03-28T16:00"), skip=620),
            listed(444, 344, "participating", moment("2025-04-03T15:00")),
            listed(66, 65, "pending", moment("2025-04-04T16:00"), skip=620),
            listed(67, 66, "pending", moment("2025-04-08T16:00"), skip=620),
            listed(506, 404, "participating", moment("2025-04-28T15:00")),
            listed(517, 415, "participating", moment("2025-04-30T15:00")),
            listed(957, 700, "participating", moment("2025-09-01T15:00")),
        ]
    )
    assert history.held() == []
    yield history.installation
    history.installation.engine.dispose()
