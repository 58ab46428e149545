"""What later lists say of earlier changes: slips of the year, and two changes that may be one agreement."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from demo.agencies import Agency
from demo.workbooks import Line
from pipelines.hindsight import date_cannot_be, newly_signed
from tests.pipelines.conftest import File, History, sheet

AT = datetime(2025, 4, 1, 14, tzinfo=UTC)
DAY = timedelta(days=1)
SIGNED = date(2025, 4, 1)
WINDOW = timedelta(days=45)
DOCUMENT = "https://www.ice.gov/doclib/287g/{}.pdf"


def line(
    name: str, signed: date | None = SIGNED, county: str = "Dooly", moa: str = "", model: str = "TFM"
) -> Line:
    made = Line(Agency("GEORGIA", name, "County", county), model, signed)
    return replace(made, moa=DOCUMENT.format(moa)) if moa else made


OLD = [line(f"Old Town {n} Police Department", date(2020, 6, 11)) for n in range(60)]
TOWN, SHERIFF = "Vienna Police Department", "Dooly County Sheriff's Office"


def days(*lists: list[Line]) -> list[File]:
    return [sheet([*OLD, *lines], AT + n * DAY) for n, lines in enumerate(lists)]


def told(history: History) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["kind"], one["agency"]): one for one in history.changes("added", "removed")}


def test_a_year_that_cannot_be() -> None:
    published = date(2025, 4, 2)
    for slip in (date(2024, 4, 2), date(2024, 4, 1), date(2024, 3, 31), date(2015, 4, 1), date(2026, 4, 1)):
        assert date_cannot_be(slip, published)
        assert newly_signed(slip, published, WINDOW) is None
    for real in (date(2024, 3, 20), date(2024, 4, 5), date(2025, 3, 30), date(2020, 6, 11)):
        assert not date_cannot_be(real, published)
    # The document that comes along bears the right year.
    assert newly_signed(date(2024, 4, 1), published, WINDOW, DOCUMENT.format("Vienna_MOA_04012025")) is True
    assert date_cannot_be(date(2024, 2, 29), date(2025, 2, 28))


def test_a_slip_of_the_year_is_judged_again(history: History) -> None:
    wrong, right = line(TOWN, date(2024, 4, 2)), line(TOWN, date(2025, 4, 2))
    history.feed(days([], [wrong]))
    added = told(history)["added", TOWN]
    assert (added["newly_signed"], added["settled"]) == (None, None)
    [finding] = [one for row in history.findings() for one in row if one["name"] == "date-improbable"]
    assert "the year is probably a slip" in finding["text"]
    history.feed(days([], [wrong], [right])[2:])
    added = told(history)["added", TOWN]
    assert added["newly_signed"] is True
    assert added["settled"]["settled_at"] == "2025-04-03T14:00:00Z"


def test_a_date_that_comes_later_is_judged(history: History) -> None:
    history.feed(days([], [line(TOWN, None)], [line(TOWN, SIGNED)]))
    assert told(history)["added", TOWN]["newly_signed"] is True
    history.feed([sheet([*OLD, line(TOWN), line("Byron Police Department", None)], AT + 4 * DAY)])
    history.feed([sheet([*OLD, line(TOWN), line("Byron Police Department", date(2019, 1, 7))], AT + 5 * DAY)])
    assert told(history)["added", "Byron Police Department"]["newly_signed"] is False


def test_put_under_another_body_is_possibly_one_and_settled_by_a_document(history: History) -> None:
    files = days(
        [], [line(TOWN)], [line(SHERIFF)], [line(SHERIFF, moa="DooleyCoGA"), line("Byron Police Dept")]
    )
    history.feed(files[:3])
    gone, came = told(history)["removed", TOWN], told(history)["added", SHERIFF]
    assert (gone["pair"], came["pair"]) == (came["id"], gone["id"])
    assert came["newly_signed"] is None
    assert "possibly listed under another name before" in came["title"]
    assert told(history)["added", TOWN]["newly_signed"] is True
    with history.installation.engine.connect() as connection:
        from pipelines.history.changes import ChangeFilter
        from pipelines.history.figures import batch

        counted = batch(connection, ChangeFilter())
    assert (counted.newly_signed, counted.possibly_corrected) == (1, 1)
    history.feed([sheet([*OLD, line(SHERIFF, moa="DoolyCountySheriffGA")], AT + 3 * DAY)])
    gone, came = told(history)["removed", TOWN], told(history)["added", SHERIFF]
    assert (gone["pair"], came["pair"], came["newly_signed"]) == (None, None, False)
    assert came["settled"]["verdict"] == "one"


def test_two_bodies_that_only_look_like_one(history: History) -> None:
    """The one that went had a document, another date or another county."""
    cordele, crisp = "Cordele Police Department", "Crisp County Sheriff's Office"
    history.feed(
        days(
            [],
            [line(TOWN, moa="ViennaGA"), line(cordele, date(2025, 3, 28)), line("Byron Police Department")],
            [
                line(SHERIFF),
                line(crisp, date(2025, 3, 27)),
                line("Peach County Sheriff's Office", county="Peach"),
            ],
        )
    )
    assert {one["pair"] for one in history.changes("added", "removed")} == {None}
    assert told(history)["added", SHERIFF]["newly_signed"] is True


def test_who_comes_back_beside_the_other_was_another(history: History) -> None:
    history.feed(days([], [line(TOWN)], [line(SHERIFF)], [line(SHERIFF), line(TOWN)]))
    gone, came = told(history)["removed", TOWN], told(history)["added", SHERIFF]
    assert (came["pair"], came["newly_signed"], came["settled"]["verdict"]) == (None, True, "two")
    assert gone["settled"]["verdict"] == "two"


def test_printed_twice_under_two_names(history: History) -> None:
    city, police = line("City of Vienna Police Department"), line("Vienna Police Department")
    history.feed(days([city], [city, police], [police]))
    gone, came = told(history)["removed", city.agency.name], told(history)["added", TOWN]
    assert (gone["pair"], came["pair"], came["new_agency"]) == (came["id"], gone["id"], False)
    linked = sheet([*OLD, line(TOWN, moa="ViennaPD_MOA")], AT + 3 * DAY)
    history.feed([linked])
    assert told(history)["added", TOWN]["settled"]["verdict"] == "one"


def test_in_whatever_order_the_lists_become_known(new_history: Callable[[], History]) -> None:
    files = days(
        [],
        [line(TOWN), line("Byron Police Department", date(2024, 4, 2))],
        [line(SHERIFF), line("Byron Police Department", date(2024, 4, 2))],
        [line(SHERIFF, moa="DoolyCountySheriffGA"), line("Byron Police Department", date(2025, 4, 2))],
    )
    at_once = new_history()
    at_once.feed(files)
    for seed in range(2):
        one_by_one = new_history()
        for file in random.Random(seed).sample(files, len(files)):  # noqa: S311
            one_by_one.feed([file])
        assert one_by_one.log() == at_once.log()
