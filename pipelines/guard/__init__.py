"""Is this list plausible? Held when any reason says no; findings are told and hold nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from pipelines.guard import doubts, suspicions
from pipelines.guard.evidence import Case, Facts
from pipelines.values import Figures, Finding, Turnover, Verdict
from scraper.lists import PublishedList

__all__ = ["Facts", "judge"]

Check = Callable[[Case], Finding | None]

# In the order in which a person wants to read them: what explains the others comes first.
REASONS: tuple[Check, ...] = (
    doubts.nothing_readable,
    doubts.required_columns_gone,
    suspicions.columns_of_the_other,
    suspicions.rows_of_the_other,
    suspicions.older_than_the_last,
    suspicions.served_again,
    suspicions.cut_short,
    suspicions.state_gone,
    suspicions.group_moved,
    suspicions.dates_moved,
    suspicions.column_moved,
    doubts.column_unreadable,
    suspicions.column_emptied,
    suspicions.links_lost,
    suspicions.too_many_lost,
    doubts.rows_repeated,
    doubts.rows_out_of_range,
    doubts.page_says_otherwise,
)
FINDINGS: tuple[Check, ...] = (
    doubts.emptied,
    doubts.some_rows_repeated,
    doubts.page_counts_otherwise,
    doubts.optional_columns_missing,
    suspicions.said_before,
)


def judge(figures: Figures, previous: Figures | None, declaration: PublishedList, facts: Facts) -> Verdict:
    """`previous` are the figures of the last accepted list, None for a list's first publication."""
    case = Case(figures, previous, declaration, facts)
    reasons = [found for check in REASONS if (found := check(case))]
    if reasons and all(_lasts(found, case) for found in reasons):
        findings = [*reasons]
        reasons = []
    else:
        findings = []
    return Verdict(
        reasons=tuple(reasons),
        findings=(*findings, *(found for check in FINDINGS if (found := check(case)))),
    )


# Of these no entry is lost: on a list that has a key of its own, what stays so is meant.
_EDITS = frozenset({"group-moved", "column-moved", "dates-moved", "column-emptied"})
# A list that became shorter, for good: nobody leaves it cut so long.
_SHORTER = "too-many-lost"
_SHORTER_FOR = timedelta(days=30)
_AS_SHORT = 1.2


def _lasts(reason: Finding, case: Case) -> bool:
    """Was the list held for the same reason so long ago that an accident would have been mended?"""
    return any(reason.name in one.held_for and _so_long(reason, case, one) for one in case.facts.turnovers)


def _so_long(reason: Finding, case: Case, then: Turnover) -> bool:
    if case.facts.published_at is None:
        return False
    since = case.facts.published_at - then.at
    if reason.name == _SHORTER:
        shorter = len(case.lost) - len(case.of_kind("added")) - len(case.of_kind("returned"))
        return since >= _SHORTER_FOR and shorter <= _AS_SHORT * (then.went - then.came)
    return reason.name in _EDITS and since >= case.declaration.believed_after
