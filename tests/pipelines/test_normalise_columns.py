"""From printed headers to fields: which column is which, and what becomes of the others."""

from __future__ import annotations

from dataclasses import fields

from pipelines.normalise import FIELDS, Normaliser
from pipelines.values import Agreement, Row
from scraper.lists import ICE_COLUMNS
from tests.pipelines.printed import NAMES, PDF, SAFELINK


def test_a_blank_cell_is_not_a_column_that_is_not_there() -> None:
    agreement, _ = Normaliser(("STATE", "LAW ENFORCEMENT AGENCY", "COUNTY"), ICE_COLUMNS).agreement(
        Row(2, ("", "Bay", ""))
    )
    assert agreement == Agreement(state="", agency="Bay", county="", row=2)


def test_headers_are_read_whatever_their_case_and_blanks() -> None:
    normaliser = Normaliser(
        (" law  Enforcement\u00a0Agency", "State:", "Support\nType", "\ufeffSIGNED"), ICE_COLUMNS
    )
    assert normaliser.fields == {"agency", "state", "support_type", "signed"}
    assert normaliser.missing == ("type", "county", "moa", "addendum")
    assert normaliser.findings == ()
    assert normaliser.agreement(Row(2, ("Bay", "FL", "WSO", "2025-01-02")))[0].agency == "Bay"


def test_a_header_one_typo_away_is_taken_and_told() -> None:
    normaliser = Normaliser(("STATE", "LAW ENFORCEMENT AGECNY", "COUNTRY", "SIGNEDD", "MOU"), ICE_COLUMNS)
    assert normaliser.fields == {"state", "agency", "county", "signed"}
    assert [finding.name for finding in normaliser.findings] == ["column-misspelt"] * 3 + ["column-unknown"]
    assert normaliser.unknown == ("MOU",)


def test_a_right_header_wins_over_a_misspelt_one() -> None:
    normaliser = Normaliser(("STATES", "STATE"), ICE_COLUMNS)
    assert normaliser.agreement(Row(2, ("9", "TX")))[0].state == "TX"
    assert normaliser.unknown == ("STATES",)


def test_other_columns_are_kept_and_told_once() -> None:
    header = ("STATE", "Agency  Validation", "", "Notes", "STATE", "Notes")
    normaliser = Normaliser(header, ICE_COLUMNS)
    agreement, findings = normaliser.agreement(
        Row(2, ("TX", "Yes ", "", "", "OK", f"see {SAFELINK}"), ("", PDF, "", "", "", ""))
    )
    assert agreement.extra == (
        ("Agency Validation", f"Yes {PDF}"),
        ("Notes", ""),
        ("STATE (2)", "OK"),
        ("Notes (2)", f"see {PDF}"),
    )
    assert findings == []
    assert normaliser.unknown == ("Agency Validation", "Notes", "STATE (2)", "Notes (2)")
    assert len(normaliser.findings) == 4
    assert normaliser.agreement(Row(3, ("TX", "", "x", "", "", "")))[0].extra[1] == ("column 3", "x")


def test_the_fields_are_those_of_an_agreement() -> None:
    assert tuple(field.name for field in fields(Agreement))[: len(FIELDS)] == FIELDS
    assert set(FIELDS) == set(NAMES)
