"""The rules of identity one by one, on agencies other than those that taught them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from pipelines.identify import Context, identify
from pipelines.names.likeness import name_key
from pipelines.values import Agreement, Known

MARCH = date(2025, 3, 11)
JUNE = date(2025, 6, 24)
FILE = "https://www.example.gov/doclib/{}.pdf"


def made(agency: str, state: str | None = "GA", model: str = "WSO", **fields: object) -> Agreement:
    return Agreement(state, agency, model, **{"signed": MARCH, "moa": "pending"} | fields)  # type: ignore[arg-type]


def listed(agreement: Agreement, active: bool = True, identifier: str = "g1") -> Known:
    documents = frozenset({agreement.moa}) if agreement.moa and agreement.moa != "pending" else frozenset()
    return Known(identifier, "a1", agreement, active, documents)


def rule(before: Agreement, after: Agreement, context: Context = Context(), active: bool = True) -> str:  # noqa: B008
    [match] = identify([after], [listed(before, active)], context)
    assert (match.known is None) == (match.rule == "new")
    return match.rule


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Dooly County Sheriff's Office", "DOOLY  COUNTY SHERIFF’S OFFICE"),
        ("Doña Ana County Sheriff's Office", "Dona Ana County Sheriffs Office"),
    ],
)
def test_a_name_is_one_however_it_is_printed(before: str, after: str) -> None:
    assert name_key(before) == name_key(after) == name_key(name_key(before))
    assert rule(made(before), made(after)) == "exact"


@pytest.mark.parametrize(
    ("state", "before", "after"),
    [
        ("GA", "Crisp County Sheriff's Office", "Crips County Sheriff's Office"),  # a slip
        ("GA", "Crisp County Sherrif's Ofice", "Crisp County Sheriff's Office"),  # in the words all have
        ("GA", "Tift Conty Sheriff's Office", "Tift County Sheriff's Office"),
        ("GA", "Sheriff's Office of Tift County", "Tift County Sheriff's Office"),  # another order
        ("GA", "Tift County Sheriff's Office", "Tift County Sheriff's Department"),
        ("GA", "Tift Co. SO", "Tift County Sheriff's Office"),  # abbreviations
        ("TX", "Ft. Bend County Sheriff's Office", "Fort Bend County Sheriff's Office"),
        ("TX", "De Witt County Sheriff's Office", "DeWitt County Sheriff's Office"),
        ("LA", "St. Tammany County Sheriff's Office", "Saint Tammany Parish Sheriff's Office"),
        ("TX", "Kyle PD", "Kyle Police Department"),
        ("TX", "City of Kyle Police Department", "Kyle Police Dept."),
        ("PA", "Borough of Ephrata Police Department", "Ephrata Police Department"),
        (
            "OH",
            "Department of Rehabilitation and Correction",
            "Ohio Department of Rehabilitation & Correction",
        ),
        ("OH", "OH Dept. of Public Safety", "Ohio Department of Public Safety"),
        ("TX", "Texas DPS", "Texas Department of Public Safety"),
        ("MO", "Missouri State Highway Patrol", "State Highway Patrol, MO"),
        ("GA", "GBI", "Georgia Bureau of Investigation"),
        ("TX", "Kyle PoliceDepartment", "Kyle Police Department"),
        ("MI", "Livingston County Sheriff / Jail Division", "Livingston County Sheriff"),
        ("WY", "Wyoming Highway State Patrol", "Wyoming Highway Patrol"),
        ("VA", "Portsmouth Sheriff's Office", "Portsmouth City Sheriff's Office"),  # no county's
        ("TX", "Galveston County Constable's Office Pct.1", "Galveston County Constable Precinct One"),
        ("FL", "State Attorney Sixth Judical Circuit", "State Attorney, 6th Judicial Circuit"),
        ("FL", "Sunny Isles Police Department", "Sunny Isles Beach Police Department"),  # a place cut short
    ],
)
def test_a_corrected_name_is_the_same_agreement(state: str, before: str, after: str) -> None:
    assert rule(made(before, state), made(after, state)) == "corrected name"
    assert rule(made(after, state), made(before, state)) == "corrected name"


@pytest.mark.parametrize(
    ("state", "one", "other"),
    [
        ("AZ", "Pima County Sheriff's Office", "Pinal County Sheriff's Office"),
        ("FL", "Bay County Sheriff's Office", "Clay County Sheriff's Office"),
        ("GA", "Clay County Sheriff's Office", "Clayton County Sheriff's Office"),
        ("TX", "Johnson County Sheriff's Office", "Jackson County Sheriff's Office"),
        ("FL", "Melbourne Police Department", "Melbourne Beach Police Department"),
        ("FL", "Melbourne Police Department", "West Melbourne Police Department"),
        ("FL", "Sanford Police Department", "Sanford Airport Police Department"),
        ("FL", "University of Florida Police Department", "University of West Florida Police Department"),
        ("FL", "University of North Florida", "University of South Florida"),
        ("TX", "Kyle Police Department", "Hutto Police Department"),
        ("PA", "Manheim Borough Police Department", "Manheim Township Police Department"),
        ("TX", "Harris County Constable Precinct 1", "Harris County Constable Precinct 4"),
        ("PA", "Monroeville First Ward Constable", "Monroeville Fourth Ward Constable"),
        ("GA", "Monroe Police Department", "Monroe County Sheriff's Office"),
        ("VA", "City of Richmond Sheriff's Office", "Richmond County Sheriff's Office"),
        ("MD", "Baltimore Police Department", "Baltimore County Police Department"),
        ("FL", "Melbourne Police Department", "Melbourne Village Police Department"),
        ("IL", "Bureau County Sheriff's Office", "Adams County Sheriff's Office"),
        ("FL", "State Attorney Sixth Judicial Circuit", "State Attorney Fifth Judicial Circuit"),
        ("OH", "Butler Police Department", "Hanover Township Police Department"),
        ("OH", "Ohio Department of Public Safety", "Ohio Department of Natural Resources"),
        ("VA", "Department of Corrections", "Office of the Attorney General"),
    ],
)
@pytest.mark.parametrize("signed", [MARCH, None])
def test_two_agencies_are_two(state: str, one: str, other: str, signed: date | None) -> None:
    assert rule(made(one, state, signed=signed), made(other, state, signed=signed)) == "new"
    assert rule(made(other, state, signed=signed), made(one, state, signed=signed)) == "new"


def test_names_that_stood_side_by_side_are_two_agencies_for_ever() -> None:
    before, after = made("Crips County Sheriff's Office"), made("Crisp County Sheriff's Office")
    assert rule(before, after) == "corrected name"
    both = {("GA", name_key(before.agency)), ("GA", name_key(after.agency))}
    assert rule(before, after, Context(together=lambda *pair: set(pair) == both)) == "new"
    assert (
        rule(before, after, Context(standing={("GA", name_key(after.agency)): frozenset({"WSO"})})) == "new"
    )
    # With another model it is the usual half-done correction: one row put right, the other not yet.
    half = Context(standing={("GA", name_key(after.agency)): frozenset({"JEM"})})
    assert rule(before, after, half) == "corrected name"


def test_people_are_believed() -> None:
    one, other = made("Northern Task Group"), made("Interstate Crime Unit", signed=JUNE)
    pair = frozenset({("GA", one.agency), ("GA", other.agency)})
    assert rule(one, other) == "new"
    assert rule(one, other, Context(same=frozenset({pair}))) == "corrected name"
    alike = made("Crips County Sheriff's Office"), made("Crisp County Sheriff's Office")
    apart = frozenset({frozenset(("GA", each.agency) for each in alike)})
    assert rule(*alike, Context(distinct=apart)) == "new"


def test_a_moved_agency_keeps_its_date() -> None:
    before = made("Tattnall County Sheriff's Office", "TX", county="Tattnall County")
    after = made("Tattnall County Sheriff's Office", "GA", county="Tattnall County")
    assert rule(before, after) == "corrected state"
    assert rule(made("Tattnall County Sheriff's Office", None), after) == "corrected state"
    # Without dates the gazetteer must know the county in the new state and not in the old one.
    assert rule(replace(before, signed=None), replace(after, signed=None)) == "corrected state"
    jackson = "Jackson County Sheriff's Office"
    assert rule(made(jackson, "TX", signed=None), made(jackson, "GA", signed=None)) == "new"
    assert rule(made(jackson, "TX"), made(jackson, "GA", signed=JUNE)) == "new"
    assert (
        rule(made(jackson, "TX", moa=FILE.format("tx")), made(jackson, "GA", moa=FILE.format("ga"))) == "new"
    )


def test_a_new_date_is_a_correction_or_a_renewal_of_the_same_agreement() -> None:
    name = "Tift County Sheriff's Office"
    assert rule(made(name), made(name, signed=JUNE)) == "corrected date"
    assert (
        rule(made(name, signed=date(2017, 6, 15)), made(name, moa=FILE.format("renewed"))) == "corrected date"
    )


def test_what_left_comes_back_only_as_it_was() -> None:
    name = "Tift County Sheriff's Office"
    assert rule(made(name), made(name), active=False) == "returned"
    assert rule(made(name), made(name, signed=date(2025, 3, 12)), active=False) == "returned"
    assert rule(made(name), made(name, signed=JUNE), active=False) == "new"
    assert rule(made("Tifft County Sheriff's Office"), made(name), active=False) == "corrected name"
    assert rule(made("Tifft County Sheriff's Office"), made(name, signed=JUNE), active=False) == "new"


def test_a_model_switch_is_two_changes_and_a_corrected_model_is_none() -> None:
    name = "Tift County Sheriff's Office"
    assert rule(made(name, model="JEM"), made(name, model="TFM")) == "corrected model"
    assert rule(made(name, model="JEM"), made(name, model="TFM", signed=JUNE)) == "new"
    assert rule(made(name, model="JEM", signed=None), made(name, model="TFM", signed=None)) == "new"
    linked = made(name, model="JEM", moa=FILE.format("jem")), made(name, model="TFM", moa=FILE.format("tfm"))
    assert rule(*linked) == "new"


def test_another_body_of_the_place_is_believed_when_nothing_else_changed() -> None:
    before = made("Tift County Sheriff's Office", county="Tift County")
    after = made("Tift County Board of County Commissioners", county="Tift County")
    assert rule(before, after) == "relabelled body"
    assert rule(before, made(after.agency, signed=JUNE)) == "new"
    assert rule(made(before.agency, signed=None), made(after.agency, signed=None)) == "new"
    assert (
        rule(before, after, Context(standing={("GA", name_key(before.agency)): frozenset({"WSO"})})) == "new"
    )
    linked = {"moa": FILE.format("TiftCo_WSO")}
    assert rule(made(before.agency, **linked), made(after.agency, **linked)) == "relabelled body"
    assert rule(made(before.agency, **linked), made(after.agency, moa=FILE.format("other"))) == "new"


def test_one_document_is_one_agreement_unless_it_is_shared() -> None:
    linked = {"moa": FILE.format("MOA-17"), "model": "TFM"}
    before, after = made("Department of Wildlife", **linked), made("Conservation Rangers", **linked)
    assert rule(before, after) == "same document"
    assert rule(before, after, Context(documents=frozenset({FILE.format("MOA-17")}))) == "new"
    # Two real counties need a document that bears the new one's name.
    pima, pinal = "Pima County Sheriff's Office", "Pinal County Sheriff's Office"
    anonymous = {"state": "AZ", "moa": FILE.format("agreement-17")}
    assert rule(made(pima, **anonymous), made(pinal, **anonymous)) == "new"
    titled = {"state": "AZ", "moa": FILE.format("PinalCoSheriff_WSO")}
    assert rule(made(pima, **titled), made(pinal, **titled)) == "same document"


def test_a_name_that_another_agency_bears_is_not_a_correction() -> None:
    linked = {"moa": FILE.format("EnvProtect_TFM"), "model": "TFM", "state": "GA"}
    standing = {("GA", "georgia department of environmental protection"): frozenset({"TFM"})}
    before = made("Georgia Fish and Game Commission", **linked)
    after = made("Georgia Department of Environmental Protection, Division of Law Enforcement", **linked)
    assert rule(before, after, Context(standing=standing)) == "new"


def test_duplicates_are_told_apart_by_date_and_document() -> None:
    name = "Tift County Sheriff's Office"
    known = [
        listed(made(name, signed=MARCH, moa=FILE.format("one")), identifier="g1"),
        listed(made(name, signed=JUNE, moa=FILE.format("two")), identifier="g2"),
    ]
    rows = [
        made(name, signed=date(2025, 6, 25), moa=FILE.format("two"), row=2),
        made(name, signed=MARCH, moa=FILE.format("other"), row=3),
        made(name, signed=date(2026, 1, 5), row=4),
    ]
    found = {match.row: (match.known, match.rule) for match in identify(rows, known)}
    assert found == {0: (1, "corrected date"), 1: (0, "exact"), 2: (None, "new")}


def test_a_name_between_two_is_given_to_neither() -> None:
    known = [
        listed(made("Smithtonville Police Department"), identifier="g1"),
        listed(made("Smithtenville Police Department"), identifier="g2"),
    ]
    [match] = identify([made("Smithtinville Police Department")], known)
    assert match.known is None


def test_each_of_two_misspelt_names_finds_its_own() -> None:
    known = [
        listed(made("Crips County Sheriff's Office"), identifier="g1"),
        listed(made("Colqiutt County Sheriff's Office"), identifier="g2"),
    ]
    rows = [made("Colquitt County Sheriff's Office"), made("Crisp County Sheriff's Office")]
    assert [match.known for match in identify(rows, known)] == [1, 0]


def test_evidence_is_told() -> None:
    [match] = identify(
        [made("Crisp County Sheriff's Office")], [listed(made("Crips County Sheriff's Office"))]
    )
    assert match.evidence == ("of the two only “Crisp County Sheriff's Office” is real", "same signing date")
    assert 0 < match.score < 1
