"""Where agreements are, as it is recorded: through corrections, people's words, older files and rebuilds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from changelog.json import listed
from changelog.query import change_filter
from changelog.wording import change_json
from demo.agencies import Agency
from demo.workbooks import Line
from pipelines.history.changes import read_changes
from pipelines.history.places import StoredPlace, all_places
from pipelines.rebuild import rebuild
from pipelines.run import place, place_all
from pipelines.verify import record_problems
from scraper.errors import UsageError
from tests.pipelines.conftest import History, day_of, sheet

AT = day_of("2025-05-05")


def line(state: str, name: str, kind: str, county: str = "", model: str = "TFM") -> Line:
    return Line(Agency(state, name, kind, county), model, date(2025, 5, 1))


GEORGIA = ("Appling", "Bacon", "Baker", "Baldwin", "Banks", "Barrow", "Bartow", "Berrien", "Bibb", "Bleckley")
ALABAMA = (
    "Autauga",
    "Baldwin",
    "Barbour",
    "Bibb",
    "Blount",
    "Butler",
    "Calhoun",
    "Cherokee",
    "Clay",
    "Cullman",
)
BAY = line("FLORIDA", "Bay County Sheriff's Office", "County", "Bay County")
LINES = [
    BAY,
    line("FLORIDA", "Lynn Haven Police Department", "Municipality"),
    line("TEXAS", "Lampass County Sheriff's Office", "County", "Lampass County"),
    line("VIRGINIA", "Southwest Virginia Regional Jail Authority", "State Agency"),
    *(line("GEORGIA", f"{name} County Sheriff's Office", "County", f"{name} County")
      for name in GEORGIA),
    *(line("GEORGIA", f"{name} County Sheriff's Office", "County", f"{name} County", model)
      for name in GEORGIA
      for model in ("JEM", "WSO")),
    *(line("ALABAMA", f"{name} County Sheriff's Office", "County", f"{name} County", model)
      for name in ALABAMA
      for model in ("JEM", "WSO", "TFM")),
]  # fmt: skip


def where(history: History) -> dict[str, StoredPlace]:
    with history.installation.engine.connect() as connection:
        return all_places(connection)


def shown(history: History, **wanted: Any) -> list[dict[str, Any]]:
    return list(listed(history.installation, "participating", None, None, **wanted)["agreements"])


def one(history: History, agency: str) -> dict[str, Any]:
    [found] = [record for record in shown(history) if record["agency"] == agency]
    return found


def test_every_agreement_has_its_place_and_can_be_asked_for_by_it(history: History) -> None:
    history.feed([sheet(LINES[1:], AT), sheet(LINES, AT + timedelta(days=1))])
    assert len(where(history)) == len(LINES)
    bay = one(history, "Bay County Sheriff's Office")
    assert (bay["level"], bay["fips"], bay["ori"]) == ("county", ["12005"], "FL0030000")
    assert {evidence["fact"] for evidence in bay["place_evidence"]} >= {"level", "fips", "ori"}
    assert {record["agency"] for record in shown(history, counties=["FL:Bay"])} == {
        "Bay County Sheriff's Office",
        "Lynn Haven Police Department",
    }
    assert [record["agency"] for record in shown(history, counties=["12005"], levels=["municipal"])] == [
        "Lynn Haven Police Department"
    ]
    lists = history.installation.lists
    with history.installation.engine.connect() as connection:
        wanted = change_filter(lists, counties=["FL:Bay County"], levels=["county"])
        [change] = read_changes(connection, wanted)
        told = change_json(change, lists["participating"])
    assert (told["kind"], told["fips"], told["place"]) == ("added", ["12005"], None)


@pytest.mark.parametrize(
    ("county", "level"), [("Bay", ""), ("FL:Nowhere", ""), ("XX:Bay", ""), ("", "village")]
)
def test_what_is_no_county_or_level_is_refused(county: str, level: str) -> None:
    with pytest.raises(UsageError):
        change_filter({}, counties=[county], levels=[level])


def test_a_corrected_name_moves_the_place_and_an_undone_correction_moves_it_back(
    new_history: Callable[[], History],
) -> None:
    wrong = [
        replace(BAY, agency=replace(BAY.agency, county="Gulf County", name="Baay County Sheriff's Office"))
    ]
    history, other = new_history(), new_history()
    files = [sheet([*wrong, *LINES[1:]], AT), sheet(LINES, AT + timedelta(days=1))]
    history.feed(files)
    assert one(history, "Bay County Sheriff's Office")["fips"] == ["12005"]
    # The older file comes last: everything after it is derived again, and the newest words count.
    other.feed(files[1:])
    other.feed(files[:1])
    assert where(other) == where(history)
    assert list(record_problems(other.installation)) == []


def test_a_persons_word_goes_before_the_rules_and_survives_a_rebuild(history: History) -> None:
    history.feed([sheet(LINES, AT)])
    jail = one(history, "Southwest Virginia Regional Jail Authority")
    assert jail["fips"] is None
    place(
        history.installation,
        jail["agreement_id"],
        ["51105", "51169"],
        None,
        "reader",
        "Its own page lists them",
    )
    told = one(history, jail["agency"])
    assert told["fips"] == ["51105", "51169"]
    assert "reader" in str(told["place_evidence"])
    kept = where(history)
    rebuild(history.installation)
    assert where(history) == kept
    assert list(record_problems(history.installation)) == []
    place(history.installation, jail["agreement_id"], None, None, "reader", "")
    assert one(history, jail["agency"]) == jail


def test_a_word_must_name_what_the_registers_have(history: History) -> None:
    history.feed([sheet(LINES, AT)])
    bay = one(history, "Bay County Sheriff's Office")["agreement_id"]
    for fips, ori in ((["51105"], None), (["99999"], None), (None, "XX0000000")):
        with pytest.raises(UsageError):
            place(history.installation, bay, fips, ori, "reader", "no")
    with pytest.raises(UsageError):
        place(history.installation, "g000000000000", ["12005"], None, "reader", "no")
    place(history.installation, bay, None, "FL0030700", "reader", "as if")
    assert one(history, "Bay County Sheriff's Office")["population"] == 22866


def test_an_older_database_is_given_its_places(history: History) -> None:
    from sqlalchemy import delete

    from pipelines.installation import writing
    from pipelines.tables import places

    history.feed([sheet(LINES, AT)])
    kept = where(history)
    with writing(history.installation) as connection:
        connection.execute(delete(places))
    place_all(history.installation)
    assert where(history) == kept
