"""What a list says differently from what the record holds, once it is known which row is which agreement."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields

from pipelines.fields import same
from pipelines.values import Agreement, Change, Kind, Known, Match
from scraper.lists import PARTICIPATING, PublishedList

FIELDS = tuple(field.name for field in fields(Agreement) if field.name not in ("extra", "printed", "row"))
NAMING = frozenset({"state", "agency"})


@dataclass(frozen=True, slots=True)
class Diff:
    """`changes` is news; `refreshed` (agreement id, what its row says now) differs without being news."""

    changes: tuple[Change, ...]
    refreshed: tuple[tuple[str, Agreement], ...]


def diff(
    matches: Sequence[Match],
    rows: Sequence[Agreement],
    known: Sequence[Known],
    mint: Callable[[Agreement], tuple[str, str]],
    columns: Collection[str] = FIELDS,
    declared: PublishedList = PARTICIPATING,
) -> Diff:
    """Compare matched rows with the record; every active known agreement without a row is removed.

    `mint` gives a new agreement its agreement id and agency id; `declared` says what is compared, and how.
    `columns` are the fields that have a column both in this list and in the one before: only there does a blank
    date say anything.
    """
    changes: list[Change] = []
    refreshed: list[tuple[str, Agreement]] = []
    naming = NAMING & {"agency", *declared.key}
    for match in matches:
        after = rows[match.row]
        if match.known is None:
            agreement_id, agency_id = mint(after)
            changes.append(_change("added", agreement_id, agency_id, None, after, match))
            continue
        before = known[match.known]
        differing = news(before.agreement, after, columns, declared)
        if kind := _kind(before.active, differing, naming):
            changes.append(
                _change(
                    kind, before.agreement_id, before.agency_id, before.agreement, after, match, differing
                )
            )
        elif before.agreement != after:
            refreshed.append((before.agreement_id, after))
    matched = {match.known for match in matches}
    changes += [
        Change("removed", gone.agreement_id, gone.agency_id, gone.agreement, None, rule="absent")
        for index, gone in enumerate(known)
        if gone.active and index not in matched
    ]
    return Diff(tuple(sorted(changes, key=_place)), tuple(sorted(refreshed, key=lambda pair: pair[0])))


def apply(held: Mapping[str, Agreement], difference: Diff) -> dict[str, Agreement]:
    """The agreements of a list after its changes: `apply(old, diff of old and new) == new`."""
    now = dict(held)
    for change in difference.changes:
        if change.after is None:
            del now[change.agreement_id]
        else:
            now[change.agreement_id] = change.after
    return now | dict(difference.refreshed)


def news(
    before: Agreement,
    after: Agreement,
    columns: Collection[str] = FIELDS,
    declared: PublishedList = PARTICIPATING,
) -> tuple[str, ...]:
    """The fields (and headers of other columns) in which two statements of one agreement really differ."""
    own = [
        name
        for name in FIELDS
        if name not in declared.ignore and _differs(name, before, after, columns, declared)
    ]
    was, now = dict(before.extra), dict(after.extra)
    others = [
        name
        for name in was
        if name in now
        and name not in declared.ignore
        and not same(name, was[name], now[name], declared.fields)
    ]
    return (*own, *others)


def _differs(
    field: str, before: Agreement, after: Agreement, columns: Collection[str], declared: PublishedList
) -> bool:
    was, now = getattr(before, field), getattr(after, field)
    if was == now or same(field, was, now, declared.fields):
        return False
    if was is not None and now is not None:
        return True
    # None: a column that came or went, or a text that could not be read, says nothing. Only a date is None
    # when its cell is blank too, and that is a statement.
    silent = after if now is None else before
    return field == "signed" and field in columns and field not in dict(silent.printed)


def _kind(active: bool, differing: Sequence[str], naming: Collection[str]) -> Kind | None:
    if not active:
        return "returned"
    if not differing:
        return None
    return "renamed" if any(name in naming for name in differing) else "amended"


def _change(
    kind: Kind,
    agreement_id: str,
    agency_id: str,
    before: Agreement | None,
    after: Agreement,
    match: Match,
    differing: tuple[str, ...] = (),
) -> Change:
    return Change(
        kind, agreement_id, agency_id, before, after, differing, match.rule, match.score, match.evidence
    )


def _place(change: Change) -> tuple[str, str, str, str, str, str]:
    said = change.after or change.before
    if said is None:
        return ("", "", "", "", change.kind, change.agreement_id)
    signed = said.signed.isoformat() if said.signed else ""
    return (said.state or "", said.agency, said.support_type or "", signed, change.kind, change.agreement_id)
