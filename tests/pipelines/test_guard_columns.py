"""The guard on columns: gone, shifted, emptied, renamed or unreadable, and what looks a little like it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from pipelines.guard import Facts, judge
from scraper.lists import PARTICIPATING, PENDING
from tests.pipelines.judging import (
    APPLICATIONS,
    FIELDS,
    OLD,
    PENDING_FIELDS,
    SIZES,
    edited,
    figures,
    made,
    new,
    published,
    reasons,
    same,
)


def test_an_empty_cell_is_readable() -> None:
    assert not published(edited(lambda row: row is OLD[3], county="")).held


def test_required_columns_gone() -> None:
    held = published(same(OLD), missing_columns=("support_type", "county"))
    assert reasons(held) == ["columns-gone"]
    assert "support type" in held.reasons[0].text


def test_an_optional_column_gone_is_only_told() -> None:
    rows = [(replace(row, county=None), row) for row in OLD]
    told = published(rows, fields=frozenset(FIELDS) - {"county"}, missing_columns=("county", "addendum"))
    before = figures(OLD, frozenset(FIELDS))
    after = figures([row for row, _ in rows], frozenset(FIELDS) - {"county"})
    facts = Facts(fields=frozenset(FIELDS) - {"county"}, missing_columns=("county", "addendum"))
    assert not told.held
    assert [finding.text for finding in judge(after, before, PARTICIPATING, facts).findings] == [
        "The last list also had: county."
    ]


def test_the_date_column_gone() -> None:
    rows = [(replace(row, signed=None), row) for row in OLD]
    before = figures(OLD, frozenset(FIELDS))
    facts = Facts(fields=PENDING_FIELDS, missing_columns=("signed",))
    found = judge(figures([row for row, _ in rows], PENDING_FIELDS), before, PARTICIPATING, facts)
    assert reasons(found) == ["dates-gone"]


def test_a_date_column_that_a_list_gains_is_believed() -> None:
    rows = [(replace(row, signed=date(2025, 6, 1)), row) for row in APPLICATIONS]
    gained = PENDING_FIELDS | {"signed"}
    found = published(
        rows, old=APPLICATIONS, declaration=PENDING, fields=gained, other_fields=frozenset(FIELDS)
    )
    assert not found.held


def test_one_state_renamed_on_all_its_rows() -> None:
    held = published(edited(lambda row: row.state == "KS", state="AR"))
    assert reasons(held) == ["group-moved"]
    assert "KS became AR on 24 of 24 rows" in held.reasons[0].text


def test_one_state_renamed_and_not_recognised() -> None:
    moved = [replace(row, state="AR") for row in OLD if row.state == "KS"]
    held = published(same([row for row in OLD if row.state != "KS"]) + new(moved))
    assert "group-moved" in reasons(held)


def test_one_state_unreadable_on_all_its_rows() -> None:
    rows = [(replace(row, state=None) if row.state == "TX" else row, row) for row in OLD]
    assert reasons(published(rows, unreadable={"state": 100}))[0] == "column-unreadable"
    assert not published(edited(lambda row: row is OLD[2], state=None), unreadable={"state": 1}).held


def test_a_small_state_unreadable_on_all_its_rows() -> None:
    rows = [(replace(row, state=None) if row.state == "CO" else row, row) for row in OLD]
    assert reasons(published(rows, unreadable={"state": 6})) == ["column-unreadable"]


def test_a_column_that_never_could_be_read_is_held_once() -> None:
    abroad = [replace(row, state=None) for row in OLD]
    first = judge(
        figures(abroad, frozenset(FIELDS)), None, PARTICIPATING, Facts(unreadable={"state": len(OLD)})
    )
    assert reasons(first) == ["column-unreadable"]
    assert not published(same(abroad), old=abroad, unreadable={"state": 9}).held


def test_agencies_moved_to_their_right_states() -> None:
    assert not published(edited(lambda row: row.agency.startswith("Place 3 "), state="OK")).held


def test_one_model_renamed_on_all_its_rows() -> None:
    assert reasons(published(edited(lambda row: row.support_type == "JEM", support_type="WSO"))) == [
        "group-moved"
    ]
    assert not published(
        edited(lambda row: row.agency == "Place 5 Police Department", support_type="TFM")
    ).held


def test_a_date_column_shifted() -> None:
    shifted = [
        (replace(row, signed=row.signed - timedelta(days=1462)) if row.signed else row, row) for row in OLD
    ]
    assert reasons(published(shifted)) == ["dates-moved"]


def test_a_batch_of_corrected_dates_is_believed() -> None:
    assert not published(edited(lambda row: row.state == "NV", signed=date(2025, 5, 5))).held


def test_a_column_sorted_by_itself() -> None:
    counties = sorted(str(row.county) for row in OLD)
    rows = [(replace(row, county=county), row) for row, county in zip(OLD, counties, strict=True)]
    assert reasons(published(rows)) == ["column-moved"]
    assert not published(edited(lambda row: row.state == "VA", county="Henrico County")).held


def test_a_column_emptied() -> None:
    assert "column-emptied" in reasons(published(edited(lambda row: row.state in ("TX", "FL"), county="")))


def test_new_rows_with_blank_cells_empty_no_column() -> None:
    come = [replace(row, county="", moa="") for row in made(SIZES, "Town")]
    assert not published(same(OLD) + new(come)).held


def test_cells_that_left_with_their_rows_empty_no_column() -> None:
    waiting = [replace(one, signed=None, moa=None) for one in made(SIZES, "Town")]
    stay = [row for at, row in enumerate(waiting) if at % 3 == 0]
    assert not published(same(stay), old=waiting, declaration=PENDING, fields=PENDING_FIELDS).held


def test_links_lost() -> None:
    assert reasons(published(edited(lambda row: "://" in str(row.moa), moa="pending"))) == ["links-lost"]


def test_links_won_or_moved() -> None:
    assert not published(edited(lambda _: True, moa="https://www.ice.gov/new/place.pdf")).held
    assert not published(edited(lambda row: row.moa == "pending", moa="https://www.ice.gov/a.pdf")).held


def test_all_dates_unreadable() -> None:
    rows = [(replace(row, signed=None, printed=(("signed", "soon"),)), row) for row in OLD]
    assert "column-unreadable" in reasons(published(rows, unreadable={"signed": len(OLD)}))
    one = replace(OLD[0], signed=None, printed=(("signed", "05/13/25/25"),))
    assert not published([(one, OLD[0]), *same(OLD[1:])], unreadable={"signed": 1}).held
