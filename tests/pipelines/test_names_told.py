"""What is said of names: which spelling is right, whether a body is gone, and which agency a row belongs to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from demo.agencies import Agency
from demo.workbooks import Line
from pipelines.names.likeness import agency_names
from tests.pipelines.conftest import History, sheet

AT = datetime(2025, 4, 1, 14, tzinfo=UTC)
DAY = timedelta(days=1)
OLD = [
    Line(
        Agency("GEORGIA", f"Old Town {n} Police Department", "Municipality", "Dooly"), "TFM", date(2020, 6, 1)
    )
    for n in range(60)
]


def line(name: str, model: str = "TFM", state: str = "FLORIDA") -> Line:
    return Line(Agency(state, name, "County", "Walton"), model, date(2025, 3, 20))


def titles(history: History, *days: list[Line]) -> list[str]:
    history.feed([sheet([*OLD, *lines], AT + n * DAY) for n, lines in enumerate(days)])
    return [change["title"].split(": ", 1)[1] for change in history.changes("renamed")]


def test_only_a_better_known_name_is_a_correction(history: History) -> None:
    right, wrong = [line("Walton County Sheriff's Office")], [line("Walten County Sheriff's Office")]
    assert titles(history, right, wrong, right) == [
        "printed as “Walton County Sheriff's Office” before",
        "corrected from “Walten County Sheriff's Office”",
    ]


def test_the_longer_history_is_the_better_name(history: History) -> None:
    usual, other = [line("Gulfport Police Department")], [line("Gulfport PD")]
    assert titles(history, usual, usual, [line("Gulfport Police Dept.")], usual, other) == [
        "printed as “Gulfport Police Department” before",
        "corrected from “Gulfport Police Dept.”",
        "printed as “Gulfport Police Department” before",
    ]


def test_a_body_is_gone_only_when_none_of_its_agreements_is_left(history: History) -> None:
    board, sheriff = "Walton County Board of County Commissioners", "Walton County Sheriff's Office"
    assert titles(history, [line(sheriff), line(sheriff, "WSO")], [line(sheriff), line(board, "WSO")]) == [
        f"printed as “{sheriff}” before"
    ]
    [renamed] = history.changes("renamed")
    assert "same place" in renamed["evidence"]


def test_a_sheriff_is_one_agency_with_county_or_without(history: History) -> None:
    named = [line("Walton County Sheriff's Office", model) for model in ("JEM", "WSO")]
    history.feed(
        [sheet([*OLD, *named], AT), sheet([*OLD, *named, line("Walton Sheriff's Office")], AT + DAY)]
    )
    [added] = history.changes("added")
    assert added["new_agency"] is False
    with history.installation.engine.connect() as connection:
        from pipelines.history.publications import accepted_publications

        assert [row.agencies for row in accepted_publications(connection, "participating")] == [61, 61]


def test_a_city_with_a_sheriff_of_its_own_is_another(history: History) -> None:
    assert agency_names("VA", "richmond sheriffs office") == (("VA", "richmond sheriffs office"),)
    assert agency_names("GA", "richmond sheriffs office")[0] == ("GA", "richmond county sheriffs office")
    city, county = (
        line("Richmond Sheriff's Office", state="VIRGINIA"),
        line("Richmond County Sheriff's Office", "WSO", "VIRGINIA"),
    )
    history.feed([sheet([*OLD, county], AT), sheet([*OLD, county, city], AT + DAY)])
    assert history.changes("added")[0]["new_agency"] is True
