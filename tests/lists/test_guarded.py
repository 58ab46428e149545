"""The guard on lists of one's own: what is routine there, what counts against the whole list, what lasts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from pipelines.history.publications import held_publications
from pipelines.run import release
from tests.lists.watched import Watched

TOP = """\
[lists.top]
file = "https://top.example.org/top.csv"
format = "csv"
key = ["project"]
[lists.top.columns]
Project = "project"
Owner = "agency"
State = "state"
[lists.top.plausible]
rows = [10, 1000]
"""


@pytest.fixture
def top(home: Path) -> Watched:
    return Watched(home, TOP, "Project,Owner,State")


def rows(numbers: Iterable[int], state: str = "TX") -> list[str]:
    return [f"project-{n},Owner {n},{state if n % 40 == 0 else 'CA'}" for n in numbers]


def held(top: Watched) -> list[str]:
    with top.installation.engine.connect() as connection:
        return [reason["name"] for row in held_publications(connection) for reason in row.reasons]


def test_a_list_that_always_exchanges_its_entries_is_held_once(top: Watched) -> None:
    top.publish(*rows(range(200)))
    found = [top.outcome(*rows(range(month * 30, month * 30 + 200)), days=30) for month in range(1, 8)]
    assert found == ["held", *["recorded"] * 6]


def test_a_list_cut_short_is_held_however_it_is_used_to_change(top: Watched) -> None:
    top.publish(*rows(range(200)))
    for month in range(1, 5):
        top.outcome(*rows(range(month * 30, month * 30 + 200)), days=30)
    assert top.outcome(*rows(range(120, 220)), days=30) == "held"
    assert held(top) == ["too-many-lost"]


def test_a_small_group_that_moved_counts_against_the_list(top: Watched) -> None:
    top.publish(*rows(range(200)))
    changes = top.publish(*rows(range(200), state="NM"))
    assert {change["kind"] for change in changes} == {"amended"}


def test_a_new_layout_can_be_the_new_ground(top: Watched) -> None:
    top.publish(*rows(range(200)))
    written = [row.replace("Owner", "The Owner No.") for row in rows(range(1, 201))]
    assert top.outcome(*written) == "held"
    with top.installation.engine.connect() as connection:
        [row] = held_publications(connection)
    assert release(top.installation, row.key, "baseline", "reader", "").state == "recorded"
    assert [(change["kind"], change["key"]["project"]) for change in top.changes()] == [
        ("removed", "project-0"),
        ("added", "project-200"),
    ]
    [amended] = top.publish(*[row.replace("The Owner No. 7,", "Seven,") for row in written])
    assert amended["before"] == {"agency": "The Owner No. 7"}


def test_what_stays_edited_is_believed_at_last(top: Watched) -> None:
    top.publish(*rows(range(200)))
    written = [row.replace("Owner", "The Owner No.") for row in rows(range(200))]
    assert top.outcome(*written) == "held"
    assert top.outcome(*written[1:], days=1) == "held"
    assert top.outcome(*written[2:], days=4) == "recorded"


def test_a_list_that_stays_shorter_is_believed_after_a_month_and_not_before(top: Watched) -> None:
    top.publish(*rows(range(200)))
    assert [top.outcome(*rows(range(n, 120)), days=days) for n, days in ((0, 1), (1, 5), (2, 40))] == [
        "held",
        "held",
        "recorded",
    ]


def test_an_empty_file_is_not_taken_for_another_list(top: Watched) -> None:
    top.publish(*rows(range(200)))
    assert top.outcome() == "held"
    assert "rows-of-other" not in held(top)
