"""Two files of a list that were saved in the same second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from demo.agencies import Agency
from demo.workbooks import Line
from tests.pipelines.conftest import History, sheet

AT = datetime(2025, 4, 8, 21, tzinfo=UTC)
OLD = [
    Line(
        Agency("GEORGIA", f"Old Town {n} Police Department", "Municipality", "Dooly"), "TFM", date(2020, 6, 1)
    )
    for n in range(60)
]
NEW = [
    *OLD,
    Line(Agency("GEORGIA", "Vienna Police Department", "Municipality", "Dooly"), "TFM", date(2025, 4, 8)),
]


def test_the_earlier_name_is_credited(new_history: Callable[[], History]) -> None:
    before = sheet(OLD, AT - timedelta(days=1))
    first = replace(sheet(NEW, AT), name="participatingAgencies04082025am.xlsx")
    again = replace(NEW[0], agency=replace(NEW[0].agency, name=f"{NEW[0].agency.name} "))
    second = replace(sheet([again, *NEW[1:]], AT), name="participatingAgencies04082025pm.xlsx")
    for files in ([first, second], [second, first]):
        history = new_history()
        for file in (before, *files):
            history.feed([file])
        [added] = history.changes("added")
        assert added["published_name"] == first.name
        assert history.states("participating") == ["recorded", "recorded", "unchanged"]
