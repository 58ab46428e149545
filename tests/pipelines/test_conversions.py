"""Applications and what became of them, across the two lists."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from demo.agencies import Agency
from demo.workbooks import Line
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.history.conversions import Applied, applications_of, conversions
from tests.pipelines.conftest import File, History, sheet

DAYS = {day: datetime(2025, 4, day, 14, tzinfo=UTC) for day in (1, 8, 15, 22)}


def line(name: str, model: str = "TFM", signed: date | None = None, state: str = "GEORGIA") -> Line:
    return Line(Agency(state, name, "County", "Dooly"), model, signed)


SIGNED = date(2025, 4, 10)
OLD = [line(f"Old Town {number} Police Department", signed=date(2020, 6, 11)) for number in range(60)]
FIRST = [line("Dooly County Sheriff's Office"), line("Cordele Police Department")]
OLD_TOWN = line("Old Town 1 Police Department")
VIENNA, BYRON = line("Vienna Polce Department"), line("Byron Police Department", "WSO")
PINEHURST = line("Pinehurst Police Department")
PENDING = {
    1: FIRST,
    8: [*FIRST, VIENNA, BYRON, OLD_TOWN],
    15: [VIENNA, BYRON, PINEHURST],
    22: [PINEHURST, BYRON],
}
LATER = [
    *OLD,
    line("Dooly County Sheriffs Office", signed=SIGNED),
    line("Byron Police Department", "WSO", SIGNED),
]
PARTICIPATING = {
    1: OLD,
    8: OLD,
    15: LATER,
    22: [*LATER, line("Vienna Police Department", signed=date(2025, 4, 21))],
}


def files() -> list[File]:
    return [
        sheet(lists[day], at, name)
        for name, lists in (("pending", PENDING), ("participating", PARTICIPATING))
        for day, at in DAYS.items()
    ]


def found(history: History) -> dict[str, Applied]:
    with history.installation.engine.connect() as connection:
        return {one.agency.partition(" ")[0]: one for one in applications_of(connection, "pending")}


def test_each_application_is_known_for_what_became_of_it(history: History) -> None:
    assert set(history.feed(files()).values()) == {"recorded", "unchanged"}
    told = {
        name: (one.status, one.days, one.signed_days, one.at_least, one.rule)
        for name, one in found(history).items()
    }
    assert told == {
        "Dooly": ("signed", 14, 9, True, "exact"),
        "Cordele": ("left", None, None, True, ""),
        "Vienna": ("signed", 14, 13, False, "corrected name"),
        "Byron": ("both", 7, 2, False, "exact"),
        "Old": ("had", None, None, False, "exact"),
        "Pinehurst": ("pending", None, None, False, ""),
    }


def test_two_agencies_of_one_list_are_never_one_across_the_lists(history: History) -> None:
    """Who stands beside another under the same model is another, however alike the names are."""
    pending = [line("Pima County Sheriff's Office", state="ARIZONA"), *FIRST]
    signed = [*OLD, line("Pinal County Sheriff's Office", signed=SIGNED, state="ARIZONA")]
    history.feed(
        [
            sheet(pending, DAYS[1], "pending"),
            sheet(FIRST, DAYS[8], "pending"),
            sheet(OLD, DAYS[1]),
            sheet(signed, DAYS[8]),
        ]
    )
    assert found(history)["Pima"].status == "left"


def test_a_report_counts_a_period(history: History) -> None:
    history.feed(files())
    with history.installation.engine.connect() as connection:
        told = conversions(connection, "pending", DAYS[8], DAYS[22])
    assert (told.applied, len(told.converted), told.median_days, told.left) == (4, 2, 10.5, 1)
    # At the period's end Vienna and Pinehurst wait; Byron is on both lists, Old Town had its agreement.
    assert [one.agency for one in told.oldest] == [
        "Vienna Polce Department",
        "Pinehurst Police Department",
    ]
    assert told.waiting == 2


def test_a_change_is_pending_since_its_application(history: History) -> None:
    """What the log says of an agreement and what conversions say is one join, misspelled names and all."""

    def since() -> dict[str, date]:
        with history.installation.engine.connect() as connection:
            log = read_changes(connection, ChangeFilter())
            return {one.agency.partition(" ")[0]: one.pending_since for one in log if one.pending_since}

    history.feed(files())
    converted = {name: one.applied for name, one in found(history).items() if one.converted}
    assert since() == converted
    assert converted["Vienna"] == DAYS[8].date()
    history.feed(
        [sheet([*FIRST, line("Vienna Police Dept.")], datetime(2025, 3, 25, 14, tzinfo=UTC), "pending")]
    )
    assert since()["Vienna"] == DAYS[8].date()  # who left and applied again applied twice
    history.feed([sheet([*FIRST, VIENNA], datetime(2025, 4, 4, 14, tzinfo=UTC), "pending")])
    assert since()["Vienna"] == date(2025, 4, 4)  # what was known is forgotten with the record


def test_the_order_in_which_lists_become_known_does_not_matter(new_history: Callable[[], History]) -> None:
    def told(history: History) -> list[tuple[Any, ...]]:
        with history.installation.engine.connect() as connection:
            joined = applications_of(connection, "pending")
        return [(one.agreement_id, one.became, one.status, one.days) for one in joined]

    at_once = new_history()
    at_once.feed(files())
    for seed in (1, 2):
        one_by_one = new_history()
        shuffled = random.Random(seed).sample(files(), len(files()))  # noqa: S311
        for file in shuffled:
            one_by_one.feed([file])
        assert told(one_by_one) == told(at_once)


@pytest.mark.corpus
@pytest.mark.long
def test_real_applications_become_real_agreements(history: History, corpus: Path) -> None:
    """The real lists to August 2025: how many, how long, and no life twice."""
    from pipelines.run import replay
    from scraper.past_files import past_captures

    for name in ("participating", "pending"):
        replay(history.installation, past_captures(corpus / "manifest.csv", history.installation.lists[name]))
    with history.installation.engine.connect() as connection:
        joined = applications_of(connection, "pending")
    counts = Counter(one.status for one in joined)
    days = sorted(one.days for one in joined if one.days is not None)
    assert counts["signed"] + counts["both"] == len(days) >= 470
    assert counts["left"] <= 30
    assert 7 <= median(days) <= 15
    agreements = [one.became for one in joined if one.became]
    assert len(agreements) == len(set(agreements))
