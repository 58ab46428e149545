"""From printed cells to values: what is repaired, what is kept, what is reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, datetime

import pytest
import us
from hypothesis import given
from hypothesis import strategies as st

from pipelines.fingerprints import row_fingerprints
from pipelines.normalise import FIELDS, Normaliser
from pipelines.normalise.links import without_visits
from pipelines.values import Agreement, Row
from scraper.lists import ICE_COLUMNS

HEADER = ("STATE", "LAW ENFORCEMENT AGENCY", "TYPE", "COUNTY", "SUPPORT TYPE", "SIGNED", "MOA", "ADDENDUM")
NAMES = {field: header for header, field in ICE_COLUMNS.items()}
LIST_DAY = date(2026, 2, 1)
PDF = "https://www.ice.gov/doclib/287gMOA/Smith.pdf"
SAFELINK = (
    "https://gcc02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.ice.gov%2Fdoclib%2F287gMOA%2FSmith.pdf"
    "&amp;data=05%7C02%7CJo.Doe%40agency.example%7C0"
)


def read(link: str = "", **cells: str) -> tuple[Agreement, list[str]]:
    """The agreement of one row and the names of its findings; `link` is behind the MOA cell."""
    texts = tuple(cells.get(ICE_COLUMNS[name.casefold()], "") for name in HEADER)
    links = tuple(link if name == "MOA" else "" for name in HEADER) if link else ()
    agreement, findings = Normaliser(HEADER, ICE_COLUMNS, LIST_DAY).agreement(Row(5, texts, links))
    assert all(finding.row == 5 and finding.text.endswith(".") for finding in findings)
    return agreement, [finding.name for finding in findings]


def test_a_whole_row() -> None:
    agreement, findings = read(
        state="TEXAS ",
        agency="Smith County Sheriff’s  Office\u00a0",
        type="County ",
        county="Smith County",
        support_type="Task Force Model ",
        signed="2025-05-08",
        moa="link",
        link=SAFELINK,
    )
    assert agreement == Agreement(
        state="TX",
        agency="Smith County Sheriff's Office",
        support_type="TFM",
        signed=date(2025, 5, 8),
        type="County",
        county="Smith County",
        moa=PDF,
        addendum="",
        printed=(
            ("state", "TEXAS "),
            ("agency", "Smith County Sheriff’s  Office\u00a0"),
            ("support_type", "Task Force Model "),
            ("type", "County "),
        ),
        row=5,
    )
    assert findings == []


@pytest.mark.parametrize(
    ("printed", "plain"),
    [
        ("De\u200bWitt", "DeWitt"),
        ("\ufeffBay\u00ad County\u2060", "Bay County"),
        ("Bay\u202e ytnuoC\u202c", "Bay ytnuoC"),
        ("Bay\x00 County\x07", "Bay County"),
        ("Bay\t \r\nCounty", "Bay County"),
        ("O‘Brien ′ ´ ` ＇", "O'Brien ' ' ' '"),
        ("Miami–Dade — ‐ −", "Miami-Dade - - -"),
        ("“Bay”", '"Bay"'),
        ("Dona Ana / Don\u0303a Ana", "Dona Ana / Doña Ana"),
        ("#N/A", ""),
        ("#NA ", ""),
        ("#REF!", ""),
    ],
)
def test_words(printed: str, plain: str) -> None:
    agreement, findings = read(agency=printed)
    assert agreement.agency == plain
    assert dict(agreement.printed) == {"agency": printed}
    assert findings == []


def test_plain_words_need_no_second_copy() -> None:
    agreement, _ = read(agency="#1 Precinct, Bay County Constable's Office (East)")
    assert agreement.agency == "#1 Precinct, Bay County Constable's Office (East)"
    assert agreement.printed == ()


def test_every_state_is_known_by_name_and_by_letters() -> None:
    for state in (*us.states.STATES, us.states.DC, us.states.GU, us.states.PR, us.states.VI, us.states.MP):
        for printed in (state.name, state.name.upper(), state.abbr, f" State of {state.name} "):
            assert read(state=printed)[0].state == state.abbr, printed


@pytest.mark.parametrize(
    ("printed", "state"),
    [
        ("UTAHJ", "UT"),
        ("WEST VIRIGINIA", "WV"),
        ("PENNSLYVANIA", "PA"),
        ("NORTH CAROLNA", "NC"),
        ("OKLAHMOA", "OK"),
        ("TENESEE", "TN"),
        ("MISISSIPI", "MS"),
    ],
)
def test_a_misspelt_state_is_repaired_and_told(printed: str, state: str) -> None:
    agreement, findings = read(state=printed)
    assert (agreement.state, findings) == (state, ["state-repaired"])
    assert ("state", printed) in agreement.printed


@pytest.mark.parametrize(
    "printed", ["NOUTH CAROLINA", "TEX", "CAROLINA", "VIRGIN", "ONTARIO", "XX", "KANSES CITY"]
)
def test_a_state_with_no_reading_or_two_is_left_open(printed: str) -> None:
    agreement, findings = read(state=printed)
    assert (agreement.state, findings) == (None, ["state-unknown"])
    assert ("state", printed) in agreement.printed


def test_small_forms_of_states() -> None:
    assert [
        read(state=text)[0].state for text in ("Fla.", "N.C.", "D.C.", "NORTHCAROLINA", "west  virginia")
    ] == [
        "FL",
        "NC",
        "DC",
        "NC",
        "WV",
    ]
    assert read(state=" ")[0].state == ""


@pytest.mark.parametrize(
    ("printed", "model"),
    [
        ("Jail Enforcement Model", "JEM"),
        ("Jail Enforcment Model ", "JEM"),
        ("JAIL ENFORCEMENT", "JEM"),
        ("Task Force Model", "TFM"),
        ("Task Force Officer", "TFM"),
        ("Task-Force Model (TFM)", "TFM"),
        ("Taskforce Modle", "TFM"),
        ("Warrant Service Officer", "WSO"),
        ("Warrant Services Officer", "WSO"),
        ("Warrant Service Office", "WSO"),
        ("Warrent Services Office", "WSO"),
        ("wso", "WSO"),
        ("", ""),
    ],
)
def test_support_types(printed: str, model: str) -> None:
    agreement, findings = read(support_type=printed)
    assert (agreement.support_type, findings) == (model, [])


@pytest.mark.parametrize("printed", ["Tribal Task Force Model", "JEM / WSO", "Hybrid", "Model", "TFM (JEM)"])
def test_a_support_type_we_do_not_know_stays_as_it_is(printed: str) -> None:
    agreement, findings = read(support_type=printed)
    assert (agreement.support_type, findings) == (printed, ["support-type-unknown"])


@pytest.mark.parametrize(
    ("printed", "day"),
    [
        ("2025-05-08", "2025-05-08"),
        ("2025-05-08T00:00:00", "2025-05-08"),
        ("2025-05-08T13:30:00", "2025-05-08"),
        ("5/8/2025", "2025-05-08"),
        ("05-08-2025", "2025-05-08"),
        ("5.8.25", "2025-05-08"),
        ("2025/05/08", "2025-05-08"),
        ("20250508", "2025-05-08"),
        ("05082025", "2025-05-08"),
        ("May 8, 2025", "2025-05-08"),
        ("8 May 2025", "2025-05-08"),
        ("Sept. 8th, 2025", "2025-09-08"),
        ("45785", "2025-05-08"),
        ("45785.0", "2025-05-08"),
        ("5/8/2025 1:15 PM", "2025-05-08"),
    ],
)
def test_dates(printed: str, day: str) -> None:
    agreement, findings = read(signed=printed)
    assert (agreement.signed, findings) == (date.fromisoformat(day), [])


@pytest.mark.parametrize(
    ("printed", "day"),
    [
        ("05/082025", "2025-05-08"),
        ("7/72025", "2025-07-07"),
        ("0508/2025", "2025-05-08"),
        ("7/7/5025", "2025-07-07"),
        ("5025-07-07", "2025-07-07"),
        ("1/15/20026", "2026-01-15"),
        ("5/8/22025", "2025-05-08"),
        ("5/8/225", "2025-05-08"),
    ],
)
def test_dates_with_one_reading_are_repaired(printed: str, day: str) -> None:
    agreement, findings = read(signed=printed)
    assert (agreement.signed, findings) == (date.fromisoformat(day), ["date-repaired"])
    assert agreement.printed == (("signed", printed),)


@pytest.mark.parametrize(
    "printed",
    [
        "5/8/2205",
        "5/8/2052",
        "5/8/202",
        "13/13/2025",
        "2/30/2025",
        "1/11/2205",
        "soon",
        "5/8",
        "5/8/1925",
        "2031-01-01",
        "111/2025",
    ],
)
def test_dates_with_no_reading_or_two_are_told(printed: str) -> None:
    agreement, findings = read(signed=printed)
    assert (agreement.signed, findings) == (None, ["date-unreadable"])
    assert agreement.printed == (("signed", printed),)


def test_a_blank_or_failed_date_is_no_finding() -> None:
    assert read(signed="  ")[0] == read()[0]
    agreement, findings = read(signed="#N/A")
    assert (agreement.signed, agreement.printed, findings) == (None, (("signed", "#N/A"),), [])


def test_dates_on_both_sides_of_the_day_of_the_list() -> None:
    row = Row(2, ("5/8/2027",))
    assert Normaliser(("SIGNED",), ICE_COLUMNS, date(2026, 1, 1)).agreement(row)[0].signed == date(2027, 5, 8)
    assert Normaliser(("SIGNED",), ICE_COLUMNS, date(2025, 1, 1)).agreement(row)[0].signed != date(2027, 5, 8)
    assert Normaliser(("SIGNED",), ICE_COLUMNS).agreement(row)[0].signed == date(2027, 5, 8)


@pytest.mark.parametrize(
    ("text", "link", "moa", "finding"),
    [
        ("link", SAFELINK, PDF, None),
        ("", PDF, PDF, None),
        (f"https://web.archive.org/web/20210113002027/{PDF}", "", PDF, None),
        (SAFELINK, "", PDF, None),
        ("link pending ", "", "pending", None),
        ("Link Pending", "", "pending", None),
        ("", "", "", None),
        ("\u00a0", "", "", None),
        ("link", "", "", "link-missing"),
        ("link", "mailto:jo@agency.example", "", "link-unreadable"),
        ("link", f"{PDF}?by=jo@agency.example", PDF, "link-cleaned"),
        (PDF, "mailto:jo@agency.example", PDF, "link-unreadable"),
    ],
)
def test_documents(text: str, link: str, moa: str, finding: str | None) -> None:
    agreement, findings = read(moa=text, link=link)
    assert agreement.moa == moa
    assert findings == ([finding] if finding else [])
    assert "@" not in repr(agreement)


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


def test_no_wrapper_survives_in_words() -> None:
    for field in ("agency", "county", "state", "support_type", "signed", "moa", "addendum", "type"):
        for text in (SAFELINK, SAFELINK.replace("data", "da ta"), f"pending {SAFELINK} x"):
            assert "agency.example" not in repr(read(**{field: text})[0]), field


def as_row(agreement: Agreement, header: Sequence[str]) -> Row:
    """Print an agreement again: its values, and what it was printed as where there is no value to print."""
    printed, extra = dict(agreement.printed), dict(agreement.extra)
    cells = []
    for name in header:
        field = ICE_COLUMNS.get(name.casefold())
        value = getattr(agreement, field) if field else extra.get(name, "")
        text = value.isoformat() if isinstance(value, date) else value
        cells.append(text or printed.get(field or "", ""))
    return Row(agreement.row, tuple(cells))


ODD = """TEXAS\u0020
UTAHJ
Task Force Model
Jail Enforcment Model\u0020
05/082025
5/8/2205
45785
#N/A
link
link pending
Sheriff’s
\u00a0
a\u202eb
www.ice.gov/a b.pdf
x: http:/
mailto:jo@agency.example
https://
http://[
https://a.example/é\u200b%20
e\u0301 \u00c5 ﬁ"""
cells = st.text(max_size=12) | st.sampled_from([PDF, SAFELINK, *ODD.split("\n")])


@given(
    st.lists(cells, min_size=len(HEADER) + 1, max_size=len(HEADER) + 1), st.sampled_from(["", PDF, SAFELINK])
)
def test_normalising_again_changes_nothing(texts: list[str], link: str) -> None:
    header = (*HEADER, "Notes")
    normaliser = Normaliser(header, ICE_COLUMNS, LIST_DAY)
    once, _ = normaliser.agreement(Row(2, tuple(texts), (link,) * len(header) if link else ()))
    again, _ = normaliser.agreement(as_row(once, header))
    assert replace(again, printed=()) == replace(once, printed=())


@given(st.text(max_size=20))
def test_any_text_can_stand_in_any_cell(text: str) -> None:
    for field in FIELDS:
        agreement, _ = read(**{field: text})
        value = getattr(agreement, field)
        assert value is None or isinstance(value, str | date)
        assert not isinstance(value, datetime)


def test_the_fields_are_those_of_an_agreement() -> None:
    assert tuple(field.name for field in fields(Agreement))[: len(FIELDS)] == FIELDS
    assert set(FIELDS) == set(NAMES)


VISIT = "https://web.archive.org/web/20210113002027/"
around = st.sampled_from(
    (PDF, SAFELINK, VISIT, "https://", "see ", " ", "pending", "@", "é", "%40", "\u202e")
)


@given(st.lists(around, max_size=6).map("".join), st.sampled_from(HEADER), st.booleans())
def test_of_which_copy_a_row_was_read_makes_no_difference(text: str, name: str, behind: bool) -> None:
    cell = f"{VISIT}{PDF}{text}"

    def row(said: str) -> Row:
        cells = tuple(("link" if behind else said) if name == other else "TEXAS" for other in HEADER)
        return Row(5, cells, tuple(said if name == other else "" for other in HEADER) if behind else ())

    visited, plain = row(cell), row(without_visits(f"\x1d{cell}")[1:])
    assert visited != plain
    assert row_fingerprints([visited]) == row_fingerprints([plain])
    normaliser = Normaliser((*HEADER[:3], "NOTE", *HEADER[4:]), ICE_COLUMNS, LIST_DAY)
    assert normaliser.agreement(visited) == normaliser.agreement(plain)
