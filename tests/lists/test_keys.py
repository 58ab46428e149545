"""The declared key is the identity, every line says which entry, own fields are verbatim."""

from __future__ import annotations

from pathlib import Path

import pytest

from changelog.report_pages import as_html, as_markdown
from changelog.reports import report
from changelog.wording import headline, sentence, week
from pipelines.history.baseline import last_accepted
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.history.figures import totals_before, totals_between
from tests.lists.watched import Watched, told

FLAWS = """\
[lists.flaws]
file = "https://flaws.example.org/known.csv"
format = "csv"
key = ["cve"]
{more}
[lists.flaws.columns]
CVE = "cve"
Vendor = "agency"
State = "state"
Ransomware = "ransomware"
Notes = "notes"
Row = "row_number"
Score = "score"
Due = "due"
[lists.flaws.fields]
score = "number"
due = "date"
"""
HEADER = "CVE,Vendor,State,Ransomware,Notes,Row,Score,Due"


@pytest.fixture
def flaws(home: Path) -> Watched:
    return Watched(home, FLAWS.format(more='title = ["cve"]\nignore = ["row_number"]'), HEADER)


FIRST = "CVE-2025-1,Microsoft,,Unknown,see https://a.org/x@y,1,5.10,1998-03-01"
SECOND = "CVE-2025-2,Acme,IL,Unknown,,2,7,2025-04-01"


def test_every_line_says_which_entry(flaws: Watched) -> None:
    flaws.publish(FIRST, SECOND)
    [change] = flaws.publish(FIRST.replace("Unknown", "Known"), SECOND)
    assert change["title"] == "CVE-2025-1 · Microsoft: ransomware Unknown became Known"
    assert (change["key"], change["fields"]) == ({"cve": "CVE-2025-1"}, {"cve": "CVE-2025-1"})
    assert (change["before"], change["after"]) == ({"ransomware": "Unknown"}, {"ransomware": "Known"})
    assert not {"support_type", "signed", "newly_signed", "pending_since"} & change.keys()
    [gone] = flaws.publish(SECOND)
    assert gone["key"] == {"cve": "CVE-2025-1"}
    assert "moa" not in gone["before"]
    [back] = flaws.publish(FIRST, SECOND)
    assert (back["kind"], back["key"]) == ("returned", {"cve": "CVE-2025-1"})


def test_what_the_key_does_not_hold_is_no_part_of_the_identity(flaws: Watched) -> None:
    flaws.publish(FIRST, SECOND)
    changes = flaws.publish(
        FIRST.replace("Microsoft,", "Microsoft,WA"), SECOND.replace("Acme,IL", "Acme Inc.,")
    )
    assert [change["kind"] for change in changes] == ["renamed", "amended"]
    assert {change["key"]["cve"] for change in changes} == {"CVE-2025-1", "CVE-2025-2"}


def test_an_entry_that_was_away_for_long_is_known_by_its_key_whatever_it_is_called(flaws: Watched) -> None:
    flaws.publish(FIRST, SECOND)
    flaws.publish(SECOND)
    flaws.day += 200
    [back] = flaws.publish(FIRST.replace("Microsoft", "Contoso"), SECOND)
    assert back["kind"] == "returned"


def test_a_key_printed_twice_once_keeps_its_identity(flaws: Watched) -> None:
    twin = FIRST.replace("Microsoft", "Contoso")
    flaws.publish(FIRST, SECOND)
    [second] = flaws.publish(FIRST, twin, SECOND)
    assert (second["kind"], second["rule"]) == ("added", "repeated row")
    [less] = flaws.publish(FIRST, SECOND)
    assert (less["kind"], less["rule"]) == ("removed", "repeated row")
    [amended] = flaws.publish(FIRST.replace("Unknown", "Known"), SECOND)
    assert amended["kind"] == "amended"
    flaws.publish(SECOND)
    [back] = flaws.publish(FIRST, SECOND)
    assert back["kind"] == "returned"


def test_a_row_that_is_printed_twice_counts_once(flaws: Watched) -> None:
    flaws.publish(FIRST, FIRST, SECOND)
    with flaws.installation.engine.connect() as connection:
        listed = last_accepted(connection, "flaws")
    assert listed is not None
    assert listed.agreements == 2
    assert flaws.publish(FIRST, SECOND, SECOND) == []


def test_ignored_columns_and_reprinted_numbers_are_no_news(flaws: Watched) -> None:
    flaws.publish(FIRST, SECOND)
    assert flaws.publish(FIRST.replace(",1,5.10,", ",2,5.1,"), SECOND.replace(",2,7,", ",1,7.0,")) == []
    assert told(flaws.publish(FIRST.replace("5.10", "5.2"), SECOND)) == [
        ("amended", "CVE-2025-1 · Microsoft: score 5.1 became 5.2")
    ]


def test_own_fields_are_kept_letter_for_letter(flaws: Watched) -> None:
    note = "“Ünïcode” https://bücher.example/ä?q=1#x see mailto:a@b.org https://a.org/@me/status, then more"
    flaws.publish(f'CVE-2025-1,Microsoft,,Unknown,"{note}",1,5,', SECOND)
    [change] = flaws.publish(f'CVE-2025-1,Microsoft,,Unknown,"{note} text",1,5,', SECOND)
    assert change["before"] == {"notes": note}
    assert change["after"] == {"notes": f"{note} text"}


def test_dates_are_plausible_as_the_declaration_says(flaws: Watched) -> None:
    flaws.publish(FIRST, SECOND)
    [change] = flaws.publish(FIRST.replace("1998-03-01", "3/2/1998"), SECOND)
    assert change["after"] == {"due": "1998-03-02"}


def test_a_slip_in_an_identifier_is_a_correction_when_all_else_is_the_same(flaws: Watched) -> None:
    flaws.publish(FIRST, SECOND)
    [change] = flaws.publish(FIRST.replace("CVE-2025-1", "CVE-2025-7"), SECOND)
    assert (change["kind"], change["rule"]) == ("amended", "corrected identifier")
    assert (change["before"], change["after"]) == ({"cve": "CVE-2025-1"}, {"cve": "CVE-2025-7"})


def test_a_sentence_speaks_of_states_only_where_the_list_has_them(home: Path) -> None:
    watched = Watched(home, FLAWS.format(more="").replace('State = "state"\n', ""), HEADER)
    watched.publish(FIRST, SECOND)
    watched.publish(FIRST.replace("Unknown", "Known"), SECOND)
    with watched.installation.engine.connect() as connection:
        [change] = read_changes(connection, ChangeFilter())
    assert sentence(change, watched.declared) == (
        "CVE-2025-1 · Microsoft: ransomware Unknown became Known, Flaws of 5 March 2025."
    )


GROUPED = FLAWS.replace(
    "[lists.flaws.columns]", 'group = "agency"\nsplit = "ransomware"\n[lists.flaws.columns]'
) + (
    '[lists.flaws.wording]\nadded = "listed"\nnoun = "vulnerability"\nnouns = "vulnerabilities"\n'
    'group = "vendor"\nholder = "vendor"\n'
)


def test_figures_speak_the_lists_own_words(home: Path) -> None:
    watched = Watched(home, GROUPED.format(more="").replace('State = "state"\n', ""), HEADER)
    watched.publish(FIRST, SECOND)
    watched.publish(FIRST, SECOND, "CVE-2025-3,Acme,,Known,,3,1,")
    with watched.installation.engine.connect() as connection:
        totals = totals_before(connection, "flaws")
        assert totals is not None
        assert (totals.by_state, totals.by_support_type) == (
            {"Acme": 2, "Microsoft": 1},
            {"Known": 1, "Unknown": 2},
        )
        told = report(connection, watched.installation.lists, "flaws", *week("2025-W10"))
        series = totals_between(connection, "flaws")
    lines = " ".join(headline(told, watched.declared))
    assert lines.startswith("3 vulnerabilities of 2 vendors, on the list published 5 March 2025.")
    pages = (
        as_markdown(told, watched.installation.lists),
        as_html(told, watched.installation.lists, series, drawn=False),
    )
    for page in (lines, *(page.partition("</style>")[2] or page for page in pages)):
        assert not [word for word in OURS if word in page.casefold()]


OURS = ("agenc", "state", "territor", "signed", "agreement", "model", "support type", "pending", "287")
