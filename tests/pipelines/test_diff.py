"""What counts as news about one agreement, and that changes carry one list into the next."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.diff import Diff, apply, diff
from pipelines.values import Agreement, Known, Match

BASE = Agreement(
    state="TX",
    agency="Smith County Sheriff's Office",
    support_type="TFM",
    signed=date(2025, 5, 8),
    type="County",
    county="Smith County",
    moa="pending",
    addendum="",
    printed=(("state", "TEXAS"),),
    row=7,
)
KNOWN = Known("a1", "g1", BASE)


def mint(agreement: Agreement) -> tuple[str, str]:
    return f"new {agreement.row}", f"agency {agreement.row}"


def one(after: Agreement, known: Known = KNOWN) -> Diff:
    return diff([Match(0, 0, "corrected name", 0.9, ("same date",))], [after], [known], mint)


def test_kinds() -> None:
    rows = [
        replace(BASE, moa="https://www.ice.gov/a.pdf"),
        replace(BASE, agency="Tyler Police Department", row=8),
    ]
    known = [
        KNOWN,
        Known("a2", "g2", replace(BASE, agency="Gone Police Department")),
        Known("a3", "g3", replace(BASE, agency="Long Gone Police Department"), active=False),
    ]
    found = diff([Match(0, 0, "exact"), Match(1, None, "new")], rows, known, mint)
    assert [(change.kind, change.agreement_id, change.fields) for change in found.changes] == [
        ("removed", "a2", ()),
        ("amended", "a1", ("moa",)),
        ("added", "new 8", ()),
    ]
    assert not found.refreshed
    removed, amended, added = found.changes
    assert (removed.before, removed.after) == (known[1].agreement, None)
    assert (amended.before, amended.after) == (BASE, rows[0])
    assert (added.before, added.after, added.agency_id) == (None, rows[1], "agency 8")


def test_the_way_it_was_recognised_goes_with_the_change() -> None:
    (change,) = one(replace(BASE, agency="Smyth County Sheriff's Office")).changes
    assert (change.kind, change.rule, change.score, change.evidence) == (
        "renamed",
        "corrected name",
        0.9,
        ("same date",),
    )


def test_a_correction_of_name_and_date_is_one_change() -> None:
    (change,) = one(replace(BASE, agency="Smythe County Sheriff's Office", signed=date(2025, 5, 9))).changes
    assert (change.kind, change.fields) == ("renamed", ("agency", "signed"))


def test_a_moved_agency_is_renamed() -> None:
    (change,) = one(replace(BASE, state="OK")).changes
    assert (change.kind, change.fields) == ("renamed", ("state",))


def test_an_agreement_that_is_back() -> None:
    gone = replace(KNOWN, active=False)
    (same,) = one(replace(BASE, row=9), gone).changes
    assert (same.kind, same.fields) == ("returned", ())
    (other,) = one(replace(BASE, agency="Smyth County Sheriff's Office"), gone).changes
    assert (other.kind, other.fields, other.before) == ("returned", ("agency",), BASE)


LINKED = replace(BASE, moa="http://www.ice.gov/doclib/a.pdf")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BASE, replace(BASE, row=8)),
        (BASE, replace(BASE, printed=(("state", "TEXAS "),))),
        (BASE, replace(BASE, agency="SMITH COUNTY SHERIFF’S  OFFICE")),
        (BASE, replace(BASE, agency="Smith County Sheriffs Office")),
        (BASE, replace(BASE, county=None, addendum=None)),
        (replace(BASE, county=None), BASE),
        (BASE, replace(BASE, extra=(("Notes", ""),))),
        (BASE, replace(BASE, signed=None, printed=(("signed", "15/15/2025"),))),
        (BASE, replace(BASE, state=None, printed=(("state", "TEXARKANA"),))),
        (LINKED, replace(LINKED, moa="https://www.ice.gov/doclib/a.pdf")),
    ],
)
def test_no_news(before: Agreement, after: Agreement) -> None:
    assert one(after, replace(KNOWN, agreement=before)) == Diff((), (("a1", after),))


@pytest.mark.parametrize(
    ("after", "field"),
    [
        (replace(BASE, signed=None), "signed"),
        (replace(BASE, county="Smyth County"), "county"),
        (replace(BASE, county=""), "county"),
        (replace(BASE, moa="https://www.ice.gov/doclib/a.pdf"), "moa"),
        (replace(BASE, type="Municipality"), "type"),
    ],
)
def test_news(after: Agreement, field: str) -> None:
    (change,) = one(after).changes
    assert (change.kind, change.fields) == ("amended", (field,))


def test_another_document_is_news() -> None:
    (change,) = one(
        replace(LINKED, moa="https://www.ice.gov/doclib/b.pdf"), replace(KNOWN, agreement=LINKED)
    ).changes
    assert change.fields == ("moa",)


def test_a_column_of_their_own_is_compared_by_its_header() -> None:
    before = replace(BASE, extra=(("Region", "South"), ("Notes", "x")))
    after = replace(BASE, extra=(("Notes", "y"), ("Region", "SOUTH")))
    (change,) = one(after, replace(KNOWN, agreement=before)).changes
    assert change.fields == ("Notes",)


def test_a_date_column_that_went_is_no_news() -> None:
    after = replace(BASE, signed=None)
    columns = ("state", "agency", "support_type")
    assert diff([Match(0, 0, "exact")], [after], [KNOWN], mint, columns) == Diff((), (("a1", after),))


agreements = st.builds(
    Agreement,
    state=st.sampled_from(["TX", "FL", None]),
    agency=st.sampled_from(["Bay", "BAY", "Clay", "O'Brien", "O’ Brien"]),
    support_type=st.sampled_from(["TFM", "WSO", None]),
    signed=st.sampled_from([None, date(2025, 5, 8), date(2025, 8, 5)]),
    county=st.sampled_from([None, "", "Bay", "bay"]),
    moa=st.sampled_from([None, "", "pending", "http://h.gov/a", "https://h.gov/a"]),
    extra=st.sampled_from([(), (("Notes", ""),), (("Notes", "x"),)]),
    printed=st.sampled_from([(), (("signed", "?"),)]),
    row=st.integers(2, 9),
)


@given(st.lists(agreements, max_size=6), st.lists(agreements, max_size=6), st.data())
def test_changes_carry_the_old_list_into_the_new(
    old: list[Agreement], new: list[Agreement], data: st.DataObject
) -> None:
    actives = data.draw(st.lists(st.booleans(), min_size=len(old), max_size=len(old)))
    known = [Known(f"k{at}", f"g{at}", said, actives[at]) for at, said in enumerate(old)]
    partners = data.draw(st.permutations([*range(len(old)), *[None] * len(new)]))
    matches = [Match(row, partner, "drawn") for row, partner in zip(range(len(new)), partners, strict=False)]
    ids = {id(said): f"n{at}" for at, said in enumerate(new)}
    found = diff(matches, new, known, lambda said: (ids[id(said)], "agency"))

    held = {one.agreement_id: one.agreement for one in known if one.active}
    wanted = {
        known[match.known].agreement_id if match.known is not None else ids[id(new[match.row])]: new[
            match.row
        ]
        for match in matches
    }
    assert apply(held, found) == wanted
    assert {change.agreement_id for change in found.changes}.isdisjoint(dict(found.refreshed))
    assert diff(matches[::-1], new, known, lambda said: (ids[id(said)], "agency")) == found
