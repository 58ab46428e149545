"""Every check of the guard: a list that is held for it, and one that looks a little like it and is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from pipelines.diff import diff
from pipelines.guard import Facts, judge
from pipelines.values import Agreement, Figures, Known, Match, Verdict
from scraper.lists import PARTICIPATING, PENDING, Plausible, PublishedList

FIELDS = ("state", "agency", "type", "county", "support_type", "signed", "moa")
PENDING_FIELDS = frozenset({"state", "agency", "type", "county", "support_type"})
SIZES = {"AL": 20, "CO": 6, "FL": 90, "KS": 24, "NV": 12, "OK": 20, "TX": 100, "VA": 20, "WY": 8}
MODELS = ("TFM", "WSO", "JEM")
NOW = datetime(2025, 6, 2, 18, tzinfo=UTC)


def made(sizes: dict[str, int], prefix: str = "Place") -> list[Agreement]:
    return [
        Agreement(
            state=state,
            agency=f"{prefix} {number} Police Department",
            support_type=MODELS[number % 3],
            signed=date(2025, 3, 1) + timedelta(days=number % 60),
            type="Municipality",
            county=f"{prefix} {number} County",
            moa=f"https://www.ice.gov/{state}{number}.pdf" if number % 2 else "pending",
        )
        for state, size in sizes.items()
        for number in range(size)
    ]


OLD = made(SIZES)
APPLICATIONS = [replace(one, signed=None, moa=None) for one in made({"FL": 20, "TX": 15, "VA": 5}, "Town")]


def figures(rows: Sequence[Agreement], fields: frozenset[str]) -> Figures:
    return Figures(
        rows=len(rows),
        agencies=len({(row.state, row.agency) for row in rows if row.agency}),
        by_state=Counter(row.state or "" for row in rows),
        by_support_type=Counter(row.support_type or "" for row in rows),
        filled={name: sum(bool(getattr(row, name)) for row in rows) for name in sorted(fields)},
    )


def published(
    new: Sequence[tuple[Agreement, Agreement | None]],
    old: Sequence[Agreement] = OLD,
    declaration: PublishedList = PARTICIPATING,
    fields: frozenset[str] = frozenset(FIELDS),
    in_other: Callable[[Agreement], bool] = lambda _: False,
    **more: object,
) -> Verdict:
    """Judge rows that are given with the old row that each of them is (None: a new one)."""
    before = fields if declaration is PARTICIPATING else PENDING_FIELDS
    known = [Known(f"old {at}", "agency", row) for at, row in enumerate(old)]
    place = {id(row): at for at, row in enumerate(old)}
    matches = [Match(at, place[id(was)] if was else None, "made") for at, (_, was) in enumerate(new)]
    rows = [row for row, _ in new]
    ids = {id(row): f"new {at}" for at, row in enumerate(rows)}
    changes = diff(matches, rows, known, lambda row: (ids[id(row)], "agency"), fields & before).changes
    said = (
        (change, change.after or change.before) for change in changes if change.kind in ("added", "removed")
    )
    facts = Facts(
        changes=changes,
        fields=fields,
        in_other=frozenset(change.agreement_id for change, one in said if one and in_other(one)),
        published_at=NOW,
        last_published_at=NOW - timedelta(days=1),
    )
    return judge(
        figures(rows, fields),
        figures(old, before),
        declaration,
        replace(facts, **more),  # type: ignore[arg-type]
    )


def same(rows: Sequence[Agreement]) -> list[tuple[Agreement, Agreement | None]]:
    return [(row, row) for row in rows]


def new(rows: Sequence[Agreement]) -> list[tuple[Agreement, Agreement | None]]:
    return [(row, None) for row in rows]


def edited(which: Callable[[Agreement], bool], **fields: object) -> list[tuple[Agreement, Agreement | None]]:
    return [(replace(row, **fields) if which(row) else row, row) for row in OLD]  # type: ignore[arg-type]


def reasons(verdict: Verdict) -> list[str]:
    assert all(reason.text.endswith((".", "?")) for reason in verdict.reasons)
    return [reason.name for reason in verdict.reasons]


def test_a_quiet_list_passes() -> None:
    assert published(same(OLD)) == Verdict()


def test_a_first_list_is_judged_by_itself() -> None:
    facts = Facts(fields=frozenset(FIELDS))
    assert not judge(figures(OLD, facts.fields), None, PARTICIPATING, facts).held
    assert judge(figures(OLD[:9], facts.fields), None, PARTICIPATING, facts).held


def test_a_list_that_only_grows_fast_is_believed() -> None:
    assert published(same(OLD) + new(made(SIZES, "Town"))) == Verdict()


def test_nothing_readable() -> None:
    assert reasons(published([]))[0] == "nothing-readable"
    nameless = [(replace(row, agency=""), row) for row in OLD]
    assert "nothing-readable" in reasons(published(nameless))


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


def test_the_pending_list_behind_the_participating_link() -> None:
    applications = {row.agency for row in APPLICATIONS}
    held = published(
        new(APPLICATIONS), fields=PENDING_FIELDS, in_other=lambda row: row.agency in applications
    )
    assert "rows-of-other" in reasons(held)
    assert "“pending”" in next(reason.text for reason in held.reasons if reason.name == "rows-of-other")


def test_the_participating_list_behind_the_pending_link() -> None:
    signed = {row.agency for row in OLD}
    held = published(
        new(OLD),
        old=APPLICATIONS,
        declaration=PENDING,
        other_fields=frozenset(FIELDS),
        in_other=lambda row: row.agency in signed,
    )
    assert reasons(held)[:2] == ["columns-of-other", "rows-of-other"]
    assert "“participating”" in held.reasons[0].text


def test_agreements_that_were_applications_once_are_no_less_a_sign() -> None:
    were = [Known(f"old {at}", "agency", row, active=False) for at, row in enumerate(OLD)]
    matches = [Match(at, at, "made") for at in range(len(OLD))]
    changes = diff(matches, OLD, were, lambda _: ("", "")).changes
    ids = frozenset(known.agreement_id for known in were)
    facts = Facts(changes=changes, fields=PENDING_FIELDS, in_other=ids)
    few = replace(figures(APPLICATIONS, PENDING_FIELDS), rows=0)
    found = judge(figures(OLD, PENDING_FIELDS), few, PENDING, facts)
    assert not found.held  # nothing that was known is gone
    gone = [Known(f"gone {at}", "agency", row) for at, row in enumerate(APPLICATIONS)]
    changes = diff(matches, OLD, were + gone, lambda _: ("", "")).changes
    found = judge(
        figures(OLD, PENDING_FIELDS),
        figures(APPLICATIONS, PENDING_FIELDS),
        PENDING,
        replace(facts, changes=changes),
    )
    assert "rows-of-other" in reasons(found)


def test_many_applications_that_were_signed_are_no_exchange() -> None:
    applied = {row.agency for row in made({"FL": 90, "TX": 100, "AL": 20}, "Town")}
    come = new(made({"FL": 90, "TX": 100, "AL": 20}, "Town"))
    assert not published(same(OLD) + come, in_other=lambda row: row.agency in applied).held


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


def test_an_older_list_served_as_new() -> None:
    assert reasons(published(same(OLD), last_published_at=NOW + timedelta(minutes=1))) == ["older"]
    assert not published(same(OLD), last_published_at=NOW).held


def test_an_old_file_put_back() -> None:
    back = NOW - timedelta(days=9)
    assert reasons(published(same(OLD[1:]), same_as=back, same_file=True)) == ["served-again"]
    assert not published(same(OLD[1:]), same_as=back, same_file=True, served_for=timedelta(days=3)).held


def test_a_row_lost_and_regained_is_only_told() -> None:
    found = published(same(OLD), same_as=NOW - timedelta(days=1))
    assert not found.held
    assert [finding.name for finding in found.findings] == ["said-before"]


def test_a_list_cut_short() -> None:
    held = published(same(OLD[: len(OLD) * 2 // 5]))
    assert reasons(held)[0] == "cut-short"
    assert "from Nevada to Wyoming" in held.reasons[0].text


def test_a_pending_list_cut_short_although_it_may_lose_much() -> None:
    sizes = dict.fromkeys(("AL", "FL", "GA", "KS", "TX", "VA", "WI"), 5)
    rows = [replace(one, signed=None, moa=None) for one in made(sizes, "Town")]
    held = published(same(rows[:14]), old=rows, declaration=PENDING, fields=PENDING_FIELDS)
    assert reasons(held) == ["cut-short"]


def test_a_pending_list_that_half_empties_is_believed() -> None:
    rows = [replace(one, signed=None, moa=None) for one in made(SIZES, "Town")]
    stay = [row for at, row in enumerate(rows) if at % 5 == 0]
    assert not published(same(stay), old=rows, declaration=PENDING, fields=PENDING_FIELDS).held


def test_applications_that_became_agreements_are_not_lost() -> None:
    waiting = [replace(one, signed=None, moa=None) for one in made(SIZES, "Town")]
    stay = waiting[: len(waiting) * 2 // 5]
    signed = {(row.state, row.agency) for row in waiting} - {(row.state, row.agency) for row in stay}
    found = published(
        same(stay),
        old=waiting,
        declaration=PENDING,
        fields=PENDING_FIELDS,
        in_other=lambda row: (row.state, row.agency) in signed,
    )
    assert not found.held


def test_a_whole_state_missing() -> None:
    held = published(same([row for row in OLD if row.state != "NV"]))
    assert reasons(held) == ["state-gone"]
    assert "Nevada (12)" in held.reasons[0].text


def test_a_state_with_few_agreements_may_leave() -> None:
    old = [row for row in OLD if row.state != "CO"] + [row for row in OLD if row.state == "CO"][:4]
    assert not published(same([row for row in old if row.state != "CO"]), old=old).held


def test_a_tenth_lost_here_and_there() -> None:
    held = published(same([row for at, row in enumerate(OLD) if at % 10]))
    assert reasons(held) == ["too-many-lost"]
    assert "(10%)" in held.reasons[0].text


def test_a_few_lost_while_many_came() -> None:
    come = new(made({"TX": 40}, "Town"))
    assert not published(same([row for at, row in enumerate(OLD) if at % 25]) + come).held


def test_a_loss_that_is_routine_for_this_list_is_believed() -> None:
    stay = same([row for at, row in enumerate(OLD) if at % 10])
    assert not published(stay, history=[(300, 33), (310, 40), (290, 30), (300, 0)]).held
    assert published(stay, history=[(300, 33), (310, 2), (290, 0), (300, 0)]).held


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


def test_rows_repeated() -> None:
    assert reasons(published(same(OLD), repeated=150)) == ["rows-repeated"]
    some = published(same(OLD), repeated=2)
    assert not some.held
    assert [finding.name for finding in some.findings] == ["some-rows-repeated"]


def test_rows_out_of_range() -> None:
    narrow = replace(PARTICIPATING, plausible=Plausible(rows=(1, 200)))
    found = judge(figures(OLD, frozenset(FIELDS)), None, narrow, Facts())
    assert reasons(found) == ["rows-out-of-range"]


@pytest.mark.parametrize(
    ("total", "dated", "held"),
    [
        (600, NOW, True),
        (600, NOW - timedelta(days=30), False),
        (600, None, False),
        (320, NOW, False),
        (len(OLD), NOW, False),
    ],
)
def test_the_pages_own_total(total: int, dated: datetime | None, held: bool) -> None:
    found = published(same(OLD), page_total=total, page_dated=dated)
    assert reasons(found) == (["page-says-otherwise"] if held else [])
    assert bool(found.findings) == (total != len(OLD))
