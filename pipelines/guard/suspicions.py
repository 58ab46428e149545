"""The guard's checks of a list against the last accepted one and its sister."""

from __future__ import annotations

from datetime import timedelta

from pipelines.guard.doubts import A_HANDFUL, WORDS
from pipelines.guard.evidence import Case, state_name
from pipelines.values import Finding

# A share of removals that the list itself has seen this often is its routine.
ROUTINE = 3
# A state of this many rows does not leave by chance; it leaves by law, or somebody lost its rows.
WHOLE_STATE = 5
TOLD_STATES = 5  # more is no longer a sentence
# Lists that are declared to lose this share are waiting rooms: a whole state may leave them in a day.
WAITING_ROOM = 0.5
# A cut list loses its last states: so many at least, with this share of all rows, and hardly any other row.
CUT_STATES = 3
CUT_SHARE = 0.1
CUT_PURITY = 0.8
# Half of the rows are new here and stand in the sister list, and half of what was known is gone: it is hers.
EXCHANGED_SHARE = 0.5
# In 870 real lists no two rows of one state or model moved together; half of a group does not.
MOVED_ROWS = 5
MOVED_SHARE = 0.5
# A list of one's own that has a key loses no entry when a state is corrected: such a move is counted in the list.
MOVED_OF_ALL = 0.05
# Of a list that exchanges its entries as a habit: what came for what went, what is left, how much faster than ever.
EXCHANGED = 0.8
KEPT_SHARE = 0.3
FASTER = 1.5
# The most dates corrected in one real publication were 11.
REDATED_ROWS = 10
REDATED_SHARE = 0.2
# At most 18 names and 14 counties were corrected at once; more of all rows is a column sorted by itself.
EDITED_ROWS = 10
EDITED_SHARE = 0.3
# Of the filled cells of a column, beyond what left with its rows; and of documents that lost their link (seen
# once, in a workbook that a third party saved again without its hyperlinks).
EMPTIED_SHARE = 0.25
UNLINKED_SHARE = 0.2


def columns_of_the_other(case: Case) -> Finding | None:
    """The two lists of one publisher are told apart by whether they have a date column."""
    fields, before = case.facts.fields, case.previous.filled.keys() if case.previous else frozenset()
    if not before or ("signed" in fields) == ("signed" in before):
        return None
    if case.declaration.other and fields == case.facts.other_fields:
        return Finding("columns-of-other", f"Its columns are those of the list “{case.declaration.other}”.")
    if "signed" in before:
        return Finding("dates-gone", "The last list had a column of signing dates; this one has none.")
    return None


def rows_of_the_other(case: Case) -> Finding | None:
    came, rows = case.came_from_other, case.figures.rows
    if not case.previous or not rows or came < min(A_HANDFUL, rows) or came < EXCHANGED_SHARE * rows:
        return None
    if case.kept >= EXCHANGED_SHARE * case.previous.rows:
        return None
    if case.is_older_copy:
        return Finding(
            "older-copy",
            f"{came} of its {rows} rows stand in the list “{case.declaration.other}” by now, and {case.came_back} of "
            f"them had left this one before: an older copy, whose rows were signed since.",
        )
    return Finding(
        "rows-of-other",
        f"{came} of its {rows} rows stand in the list “{case.declaration.other}”, and only {case.kept} of "
        f"the {case.previous.rows} agreements of the last list are in it: the lists seem to be exchanged.",
    )


def cut_short(case: Case) -> Finding | None:
    """The last states of the list, in printing order, are gone, and hardly anything else is."""
    if not case.previous:
        return None
    order = sorted(case.previous.by_state, key=state_name)
    end = 0
    while end < len(order) and order[-1 - end] in case.states_gone:
        end += 1
    tail = order[len(order) - end :]
    if end < CUT_STATES or end == len(order):
        return None
    lost_there = sum(case.lost_by_state[state] for state in order[-1 - end :])
    if lost_there < CUT_PURITY * len(case.lost) or lost_there < CUT_SHARE * case.previous.rows:
        return None
    if lost_there < case.declaration.plausible.lost_at_least:
        return None
    first, last = state_name(tail[0]), state_name(tail[-1])
    return Finding(
        "cut-short",
        f"All {end} states from {first} to {last} are gone ({lost_there} agreements): a list cut short?",
    )


def state_gone(case: Case) -> Finding | None:
    if not case.previous or case.declaration.plausible.lost_share > WAITING_ROOM:
        return None
    gone = {state: case.lost_by_state[state] for state in case.states_gone}
    many = WHOLE_STATE
    if not case.declaration.of_agreements:
        many = max(WHOLE_STATE, int(case.declaration.plausible.lost_share * case.previous.rows))
    whole = [state for state, lost in gone.items() if lost >= many]
    if not whole:
        return None
    told = ", ".join(f"{state_name(state)} ({gone[state]})" for state in whole[:TOLD_STATES])
    if len(whole) > TOLD_STATES:
        told += f" and {len(whole) - TOLD_STATES} more"
    return Finding("state-gone", f"Every agreement of a state is gone at once: {told}.")


def too_many_lost(case: Case) -> Finding | None:
    plausible, lost = case.declaration.plausible, len(case.lost)
    if (
        not case.previous
        or lost < plausible.lost_at_least
        or lost <= plausible.lost_share * case.previous.rows
    ):
        return None
    share = lost / case.previous.rows
    as_bad = sum(rows > 0 and removed / rows >= share for rows, removed in case.facts.history)
    if as_bad >= ROUTINE or _usual_turnover(case, share):
        return None
    text = f"{lost} of {case.previous.rows} agreements are gone at once ({share:.0%})."
    return Finding("too-many-lost", text)


def _usual_turnover(case: Case, share: float) -> bool:
    """Does the list exchange its entries as fast as it did before, whether it was believed then or not?

    What only went is no exchange, nor is a list of which hardly anything is left.
    """
    facts, lost = case.facts, len(case.lost)
    came = len(case.of_kind("added")) + len(case.of_kind("returned"))
    if not case.previous or not facts.published_at or not facts.last_published_at:
        return False
    if came < EXCHANGED * lost or case.kept < KEPT_SHARE * case.previous.rows:
        return False
    rates = [
        one.went / one.rows / _days(one.after)
        for one in facts.turnovers
        if one.rows
        and one.went >= case.declaration.plausible.lost_at_least
        and one.came >= EXCHANGED * one.went
    ]
    days = _days(facts.published_at - facts.last_published_at)
    return bool(rates) and share <= FASTER * max(rates) * days


def _days(time: timedelta) -> float:
    return max(1.0, time / timedelta(days=1))


def group_moved(case: Case) -> Finding | None:
    """One state or one model says something else on most of its rows."""
    if not case.previous:
        return None
    sizes = {"state": case.previous.by_state, "support_type": case.previous.by_support_type}
    for (name, before, after), count in case.moves.most_common():
        size = sizes.get(name, {}).get(before, 0)
        keyed = not case.declaration.of_agreements and name not in case.declaration.key
        if keyed and (not before or count < MOVED_OF_ALL * case.previous.rows):
            continue
        if name in sizes and count >= MOVED_ROWS and count >= MOVED_SHARE * size:
            was, now = before or "(blank)", after or "(blank)"
            text = f"The {WORDS[name]} {was} became {now} on {count} of {size} rows."
            return Finding("group-moved", text)
    return None


def dates_moved(case: Case) -> Finding | None:
    moved = sum(count for (name, was, now), count in case.moves.items() if name == "signed" and was and now)
    if moved < REDATED_ROWS or moved < REDATED_SHARE * case.figures.rows:
        return None
    return Finding(
        "dates-moved", f"{moved} of {case.figures.rows} agreements have another signing date at once."
    )


def column_moved(case: Case) -> Finding | None:
    for name in ("agency", "type", "county"):
        edited = case.edited[name]
        if edited >= EDITED_ROWS and edited >= EDITED_SHARE * case.figures.rows:
            text = f"The {WORDS[name]} of {edited} of {case.figures.rows} agreements changed at once."
            return Finding("column-moved", text)
    return None


def column_emptied(case: Case) -> Finding | None:
    """Filled cells went, beyond those of the agreements that left; a list that only grows loses none."""
    if not case.previous:
        return None
    for name in sorted(case.facts.fields & case.previous.filled.keys()):
        was, now = case.previous.filled[name], case.figures.filled.get(name, 0)
        left = sum(bool(change.before and change.before.said(name)) for change in case.of_kind("removed"))
        emptied = was - left - now
        if emptied >= A_HANDFUL and emptied > EMPTIED_SHARE * was:
            return Finding(
                "column-emptied", f"The {WORDS.get(name, name)} was filled in {was} rows, now in {now}."
            )
    return None


def links_lost(case: Case) -> Finding | None:
    edits = [change for change in case.facts.changes if change.before and change.after]
    lost = sum(
        "moa" in change.fields
        and "://" in (change.before.moa or "")
        and "://" not in (change.after.moa or "")
        for change in edits
        if change.before and change.after
    )
    if lost < EDITED_ROWS or lost < UNLINKED_SHARE * case.figures.rows:
        return None
    return Finding("links-lost", f"{lost} of {case.figures.rows} agreements lost the link to their document.")


def older_than_the_last(case: Case) -> Finding | None:
    older = case.facts.older
    if older is None:
        return None
    said = "It says it was saved on" if older.witness == "workbook" else "Its server says it was changed on"
    return Finding(
        "older",
        f"{said} {older.at:%Y-%m-%d %H:%M} UTC, older than the list of {older.last_at:%Y-%m-%d %H:%M} "
        "and never seen before.",
    )


def served_again(case: Case) -> Finding | None:
    """An old file put back in its place, until it has stayed for long. New bytes are a correction back."""
    facts = case.facts
    if facts.same_as is None or not facts.same_file or facts.served_for >= case.declaration.believed_after:
        return None
    return Finding("served-again", f"It is the file of {facts.same_as:%Y-%m-%d %H:%M}, served again.")


def said_before(case: Case) -> Finding | None:
    if case.facts.same_as is None:
        return None
    return Finding(
        "said-before", f"It says exactly what the list of {case.facts.same_as:%Y-%m-%d %H:%M} said."
    )
