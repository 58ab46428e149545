"""From printed cells to values: what is repaired, what is kept, what is reported."""

from __future__ import annotations

from datetime import date

import pytest
import us

from pipelines.normalise import Normaliser
from pipelines.values import Agreement, Row
from scraper.lists import ICE_COLUMNS
from tests.pipelines.printed import PDF, SAFELINK, read


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
