"""Where an agreement is: the traps of names, columns and registers."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from pipelines.places.draft import FACTS, PlaceFacts
from pipelines.places.facts import place_facts
from pipelines.registers import registers
from pipelines.values import LEVELS

KNOWN = registers()


def facts(state: str, agency: str, county: str = "", kind: str = "") -> PlaceFacts:
    return place_facts(state, agency, county, kind, KNOWN)


def reason(found: PlaceFacts, fact: str) -> str:
    return next((one.unknown for one in found.evidence if one.fact == fact), "")


def rule(found: PlaceFacts, fact: str) -> str:
    return next((one.rule for one in found.evidence if one.fact == fact), "")


@pytest.mark.parametrize(
    ("state", "agency", "county", "kind", "level", "fips", "ori"),
    [
        ("AL", "Colbert County Sheriff's Office", "Colbert County", "County", "county", "01033", "AL0200000"),
        # the name is the agency's, the column was copied from another row
        ("TN", "Madison County Sheriff's Office", "Macon County", "County", "county", "47113", "TN0570000"),
        ("GA", "Monroe Police Department", "Monroe County", "Municipality", "municipal", "13297", "GA1470100"),
        ("AR", "Texarkana Police Department", "Bowie County", "Municipality", "municipal", "05091", "AR0460100"),
        # misspelt, and one real name near
        ("TX", "Lampass County Sheriff's Office", "Lampass County", "County", "county", "48281", "TX1410000"),
        ("MI", "Berrian County Sheriff's Offic", "Berrian County", "County", "county", "26021", "MI1111100"),
        ("SD", "Minehaha County Sheriff's Office", "", "County", "county", "46099", "SD0490000"),
        ("FL", "Bunnell Police Department", "Flager County", "Municipality", "municipal", "12035", "FL0180100"),
        ("FL", "Macro Island Police Department", "", "Municipality", "municipal", "12021", "FL0110300"),
        # a sheriff whose county has another name
        ("FL", "Jacksonville Sheriff's Office", "Duval County", "County", "county", "12031", "FL0160000"),
        ("FL", "Jacksonville Sheriff's Office", "", "", "county", "12031", "FL0160000"),
        # parishes, boroughs, townships, the county in the name
        ("LA", "St. Charles Parish Sheriff's Office", "German Coast County", "County", "county", "22089", "LA0450000"),
        ("LA", "Lafourche County Sheriff's Office", "Lafourche County", "County", "county", "22057", "LA0290000"),
        ("PA", "Manheim Borough Police Department", "", "Municipality", "municipal", "42071", "PA0360700"),
        ("PA", "Robinson Township Police Department", "Alleghany County", "", "municipal", "42003", "PA0024000"),
        ("NJ", "Hamilton Township, Mercer County Police Department", "", "", "municipal", "34021", "NJ0110300"),
        # Virginia's independent cities, printed as counties or not
        ("VA", "Hopewell County Sheriff's Office", "Hopewell County", "Municipality", "county", "51670", None),
        ("VA", "Richmond County Sheriff's Office", "Richmond County", "County", "county", "51159", "VA0790000"),
        ("VA", "City of Richmond Sheriff's Office", "", "", "county", "51760", None),
        ("MO", "St. Louis County Police Department", "", "County", "county", "29189", "MO0950000"),
        # types that say otherwise
        ("FL", "City of Miami Police Department", "", "State", "municipal", "12086", "FL0130600"),
        ("FL", "Fort Walton Beach Police Department", "Okaloosa County", "County", "municipal", "12091", "FL0460200"),
        ("IN", "Indiana State Police Department", "", "Municipality", "state", None, "INISP0000"),
        ("LA", "Louisiana Alcohol and Tobacco Control", "", "Municipality", "state", None, None),
        # the register's own state code
        ("NE", "Wheeler County Sheriff's Office", "Wheeler County", "County", "county", "31183", "NB0920000"),
        ("NE", "Nebraska State Patrol", "", "State", "state", None, "NBNSP0000"),
        # bodies without a number of their own never get the sheriff's
        ("FL", "Orange County Corrections Department", "Orange County", "County", "county", "12095", None),
        ("FL", "Gulf County BOCC", "", "County", "county", "12045", None),
        ("TX", "Galveston County Constable's Office Pct.1", "Galveston County", "County", "constable", "48167", None),
        ("PA", "Somerset County District Attorney's Office", "Somerset County", "County", "judicial", "42111", None),
        # neither does a city's sheriff get the number of its police
        ("VA", "Portsmouth County Sheriff's Office", "Portsmouth County", "County", "county", "51740", None),
        # campuses and airports
        ("FL", "The University of West Florida Board of Trustees", "", "State Agency", "campus", "12033", "FL0170400"),
        ("FL", "Sanford Airport Police Department", "", "Municipality", "other", "12117", "FL0591000"),
        ("PA", "State College Police Department", "", "Municipality", "municipal", "42027", "PA0140300"),
    ],
)  # fmt: skip
def test_where_it_is(
    state: str, agency: str, county: str, kind: str, level: str, fips: str | None, ori: str | None
) -> None:
    found = facts(state, agency, county, kind)
    assert (found.level, found.fips, found.ori) == (level, (fips,) if fips else (), ori)
    for fact, value in zip(FACTS, (level, fips, True, ori), strict=False):
        assert value or reason(found, fact)
        assert all(one.unknown or (one.rule and 0 < one.score <= 1) for one in found.evidence)


def test_a_regional_body_is_in_every_county_of_its_name_or_in_none() -> None:
    jail = facts("VA", "Rappahannok,Shenandoah, Warren Regional Jail Authority", "", "Municipality")
    assert (jail.level, jail.fips) == ("regional", ("51157", "51171", "51187"))
    assert facts("VA", "Rappahannock, Nowhere Regional Jail").fips == ()
    assert "regional body" in reason(facts("VA", "Southwest Virginia Regional Jail Authority"), "fips")


def test_what_has_two_readings_stays_unknown_with_its_reason() -> None:
    assert "nothing says which" in reason(facts("NJ", "Washington Township Police Department"), "fips")
    assert facts("FL", "Pembroke Police Department").fips == ()  # Park or Pines
    assert "no such county in Florida" in reason(
        facts("FL", "Kershaw County Sheriff's Office", "Kershaw County"), "fips"
    )
    # a township of a name that many counties have, and a constable has no number that would tell
    assert facts("PA", "Greene Township Constable's Office").fips == ()
    assert facts("PA", "Greene Township Constable's Office", "Erie County").fips == ("42049",)
    assert facts("PA", "Greene Township Constable's Office", "Pike County").fips == ("42103",)
    # the register has the body in another county than is printed
    assert facts("FL", "Florida Atlantic Police Department", "Broward County", "Municipality").fips == ()
    assert place_facts(None, "Bay County Sheriff", None, None, KNOWN).level is None


def test_a_town_in_two_counties_is_where_its_middle_or_the_column_says() -> None:
    middle = facts("MN", "Osakis Police Department")
    assert middle.fips == ("27041",)
    assert "it lies in Douglas County and Todd County" in rule(middle, "fips")
    assert facts("MN", "Osakis Police Department", "Todd County").fips == ("27153",)


def test_people_and_officers_are_those_of_its_number() -> None:
    found = facts("SC", "Coward Police Department")
    assert (found.population, found.officers, found.place) == (716, 1, 4575793)
    assert facts("FL", "Orange County Corrections Department").population is None


def test_the_register_itself_is_read_back_without_a_wrong_number() -> None:
    """Every twentieth town's police and every county of the registers, asked for by name."""
    wrong: list[tuple[object, object]] = []
    asked = 0
    for agency in [one for one in KNOWN.agencies() if one.type == "City"][::20]:
        found = facts(agency.state, f"{agency.name} Police Department", "", "Municipality")
        asked += 1
        if found.ori not in (None, agency.ori):
            wrong.append((agency, found.ori))
    for county in [one for one in KNOWN.counties() if len(one.fips) == 5 and one.population][::10]:
        if county.state in ("AK", "CT"):
            continue  # census areas and planning regions, which have no sheriffs
        found = facts(county.state, f"{county.name} Sheriff's Office", county.name, "County")
        asked += 1
        if found.fips != (county.fips,):
            wrong.append((county, found.fips))
    assert asked > 800
    assert wrong == []


CORPUS = Path(__file__).parents[3] / "shared" / "corpus"


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of real lists is not here")
def test_goals_on_a_real_list() -> None:
    from pipelines.normalise import Normaliser
    from pipelines.parse import read
    from scraper.lists import PARTICIPATING

    with (CORPUS / "manifest.csv").open(encoding="utf-8") as file:
        path = next(
            row["path"] for row in csv.DictReader(file) if "participatingAgencies08292025pm" in row["path"]
        )
    table = read(CORPUS / path, PARTICIPATING.format, PARTICIPATING.options)
    normaliser = Normaliser(table.header, PARTICIPATING.columns)
    rows = [normaliser.agreement(row)[0] for row in table.rows]
    found = [(row, facts(row.state or "", row.agency, row.county or "", row.type or "")) for row in rows]
    assert len(found) > 900
    assert sum(one.level in LEVELS for _, one in found) >= 0.99 * len(found)
    of_places = [one for _, one in found if one.level in ("county", "municipal")]
    assert sum(bool(one.fips) for one in of_places) >= 0.97 * len(of_places)
    forces = [
        one
        for row, one in found
        if one.level == "municipal" or (one.level == "county" and "heriff" in row.agency)
    ]
    assert sum(bool(one.ori) for one in forces) >= 0.93 * len(forces)
    json.dumps([evidence.as_json() for _, one in found for evidence in one.evidence])
