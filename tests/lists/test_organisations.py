"""Companies under corrected names: what an identifier proves, what the names tell, and what they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.identify.organisations import read_organisation
from tests.lists.watched import Watched, told

COMPANIES = """\
[lists.companies]
file = "https://targets.example.org/companies.csv"
format = "csv"
key = ["agency"]
names = "organisation"
evidence = ["lei"]
[lists.companies.columns]
Company = "agency"
LEI = "lei"
Country = "country"
Sector = "sector"
Size = "size"
"""
OTHERS = tuple(
    f"Unrelated Works {letter * 4},LEI9{n:03},Peru,Mining,large" for n, letter in enumerate("abcdefgh")
)


@pytest.fixture
def companies(home: Path) -> Watched:
    return Watched(home, COMPANIES, "Company,LEI,Country,Sector,Size")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Acme Ltd,,Peru,Steel,small", "ACME LIMITED,,Peru,Steel,small"),
        ("Müller & Söhne GmbH & Co. KG,,Germany,Tools,small", "Mueller und Soehne,,Germany,Tools,small"),
        ("Turk Telekom A.Ş.,,Turkey,Telecom,large", "Türk Telekom,,Turkey,Telecom,large"),
        ("Zeta Holdings plc,LEI1,Peru,Steel,small", "Omega Group plc,LEI1,Chile,Banks,large"),
        ("Omega (formerly Zeta) SA,,Peru,Steel,small", "Zeta SA,,Peru,Steel,small"),
        (
            "Consolidated Engneering Partners,,Peru,Steel,small",
            "Consolidated Engineering Partners,,Peru,Steel,small",
        ),
    ],
)
def test_a_corrected_name_is_one_company(companies: Watched, before: str, after: str) -> None:
    companies.publish(before, *OTHERS)
    kinds = [change["kind"] for change in companies.publish(after, *OTHERS)]
    if "Mueller" in after:  # a spelling of the umlaut that no rule knows is not guessed at
        assert set(kinds) <= {"added", "removed", "renamed"}
    else:
        assert kinds in (["renamed"], [], ["amended"]), kinds


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Green Fund II,,Peru,Banks,small", "Green Fund III,,Peru,Banks,small"),
        ("Acme Steel Ltd,LEI1,Peru,Steel,small", "Acme Steel Ltda,LEI2,Peru,Steel,small"),
        ("North Bank,,Peru,Banks,small", "South Bank,,Peru,Banks,small"),
        ("Acme Peru,,Peru,Steel,small", "Acme Chile,,Chile,Steel,small"),
    ],
)
def test_another_company_is_another(companies: Watched, before: str, after: str) -> None:
    companies.publish(before, *OTHERS)
    assert sorted(change["kind"] for change in companies.publish(after, *OTHERS)) == ["added", "removed"]


def test_two_that_stood_side_by_side_do_not_exchange_their_names(companies: Watched) -> None:
    companies.publish("Acme AB,,Peru,Steel,small", "Acme Ltd,,Peru,Steel,small", *OTHERS)
    changes = companies.publish("Acme A.B.,,Peru,Steel,small", "Acme Limited,,Peru,Steel,small", *OTHERS)
    pairs = {
        (change["before"] or {}).get("agency"): (change["after"] or {}).get("agency") for change in changes
    }
    assert pairs.get("Acme AB") != "Acme Limited"
    assert pairs.get("Acme Ltd") != "Acme A.B."


def test_a_version_that_was_decoded_wrongly_is_no_news(companies: Watched) -> None:
    row = "Türkiye İş Bankası,,Türkiye,Banks,large"
    companies.publish(row, *OTHERS)
    assert companies.publish(row.replace("ü", "Ã¼"), *OTHERS) == []
    assert companies.publish(row, *OTHERS) == []


def test_a_proven_rename_says_what_proves_it(companies: Watched) -> None:
    companies.publish("Zeta plc,LEI1,Peru,Steel,small", *OTHERS)
    [change] = companies.publish("Omega plc,LEI1,Peru,Steel,small", *OTHERS)
    assert told([change]) == [("renamed", "Omega plc: printed as “Zeta plc” before")]
    assert (change["rule"], change["evidence"]) == ("same identifier", ["same lei"])


def test_legal_forms_are_no_part_of_a_name() -> None:
    for printed in ("ACME S.A. de C.V.", "Acme, Inc.", "acme GmbH & Co. KG", "Acme Pty Ltd"):
        assert read_organisation(printed).core == ("acme",), printed
