"""The guard's checks of a list by itself: each is one question, answered by None or by a sentence."""

from __future__ import annotations

from datetime import timedelta

from pipelines.guard.evidence import Case
from pipelines.values import Finding

# A handful of unreadable or repeated rows is the publisher's ordinary carelessness (1 to 3 in 900 rows).
A_HANDFUL = 5
# Real lists repeat up to 2 of 900 rows; a list pasted in twice repeats all of them.
REPEATED_SHARE = 0.05
# Unreadable dates stand in single rows (1 of 900); a fifth of a column is a broken one. A state that cannot
# be read on a handful of rows is one state misspelt beyond repair: its agreements would lose their place.
UNREADABLE_SHARE = 0.2
# The page's statement is edited by hand and lags by a list or two; a list can grow by a sixth in a week.
PAGE_SHARE = 0.2
PAGE_AGE = timedelta(days=7)

WORDS = {
    "state": "state",
    "agency": "agency",
    "support_type": "support type",
    "signed": "signing date",
    "type": "type",
    "county": "county",
    "moa": "MOA link",
    "addendum": "addendum link",
}


def nothing_readable(case: Case) -> Finding | None:
    """An empty list of applications is news, and no damage, where the sister list says what became of them."""
    if case.figures.rows == 0:
        if case.emptied:
            return None
        told = "The list has no rows."
        if case.previous and case.declaration.other:
            told += (
                f" Of the {case.previous.rows} rows of the last list {len(case.in_sister)} stand in the list "
                f"“{case.declaration.other}” of that day or the next."
            )
        return Finding("nothing-readable", told)
    if case.figures.agencies == 0:
        return Finding("nothing-readable", f"None of the {case.figures.rows} rows names an agency.")
    return None


def required_columns_gone(case: Case) -> Finding | None:
    gone = [name for name in case.declaration.required if name in case.facts.missing_columns]
    if not gone:
        return None
    return Finding("columns-gone", f"The list has no column for: {', '.join(WORDS.get(n, n) for n in gone)}.")


def rows_out_of_range(case: Case) -> Finding | None:
    fewest, most = case.declaration.plausible.rows
    if fewest <= case.figures.rows <= most or case.figures.rows == 0:  # without rows another reason is told
        return None
    return Finding(
        "rows-out-of-range", f"{case.figures.rows} rows; this list has between {fewest} and {most}."
    )


def column_unreadable(case: Case) -> Finding | None:
    """A column of which the last list could not say anything either is held no second time."""
    for name, count in sorted(case.facts.unreadable.items()):
        share = 0.0 if name == "state" else UNREADABLE_SHARE
        broken = count >= A_HANDFUL and count >= share * case.figures.rows
        known_broken = case.previous is not None and not case.previous.filled.get(name)
        if (broken or 0 < count == case.figures.rows) and not known_broken:
            # What cannot be read on new rows stands on older ones too, which were believed when they came.
            all_rows = max(count, case.figures.by_state.get("", 0)) if name == "state" else count
            text = f"The {WORDS.get(name, name)} of {all_rows} of {case.figures.rows} rows cannot be read."
            return Finding("column-unreadable", text)
    return None


def rows_repeated(case: Case) -> Finding | None:
    repeated = case.facts.repeated
    if repeated < max(A_HANDFUL, REPEATED_SHARE * case.figures.rows):
        return None
    return Finding("rows-repeated", f"{repeated} of {case.figures.rows} rows only repeat another row.")


def page_says_otherwise(case: Case) -> Finding | None:
    total, facts = case.facts.page_total, case.facts
    if not total or facts.page_dated is None or facts.published_at is None:
        return None
    apart = abs(case.figures.rows - total)
    if (
        abs(facts.page_dated - facts.published_at) > PAGE_AGE
        or apart <= PAGE_SHARE * total
        or apart < A_HANDFUL
    ):
        return None
    return Finding(
        "page-says-otherwise",
        f"The publisher's page states {total} agreements as of {facts.page_dated:%Y-%m-%d}; "
        f"the list has {case.figures.rows}.",
    )


def emptied(case: Case) -> Finding | None:
    if not case.emptied or case.previous is None:
        return None
    return Finding(
        "emptied",
        f"The list has no rows: {len(case.in_sister)} of the {case.previous.rows} of the last one stand in the list "
        f"“{case.declaration.other}”.",
    )


def some_rows_repeated(case: Case) -> Finding | None:
    if not case.facts.repeated:
        return None
    return Finding("some-rows-repeated", f"{case.facts.repeated} rows only repeat another row.")


def page_counts_otherwise(case: Case) -> Finding | None:
    total = case.facts.page_total
    if total is None or total == case.figures.rows:
        return None
    return Finding(
        "page-counts-otherwise", f"The page states {total} agreements; the list has {case.figures.rows}."
    )


def optional_columns_missing(case: Case) -> Finding | None:
    """Only where the last list had them: columns that a list never had are nobody's concern."""
    before = case.previous.filled if case.previous else {}
    gone = [name for name in case.facts.missing_columns if name in before]
    if not gone:
        return None
    return Finding("columns-missing", f"The last list also had: {', '.join(WORDS.get(n, n) for n in gone)}.")
