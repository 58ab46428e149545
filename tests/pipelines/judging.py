"""Lists made for the guard, and its judgement of what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from pipelines.diff import diff
from pipelines.guard import Facts, judge
from pipelines.values import Agreement, Figures, Known, Match, Verdict
from scraper.lists import PARTICIPATING, PublishedList

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
