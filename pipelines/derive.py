"""What one publication is found to be: its rows sifted, judged, identified and compared. Reads, never writes.

Old state, new rows and what people decided go in; a `Result` comes out, which `record` writes.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from pipelines.diff import Diff, diff
from pipelines.fingerprints import Packed, Sifted, content_fingerprint, sift
from pipelines.former_formats import as_published
from pipelines.guard import judge
from pipelines.guard_input import comparison_facts, older_than_last
from pipelines.hindsight import date_cannot_be, newly_signed
from pipelines.history.baseline import (
    Baseline,
    KnownAgreements,
    Name,
    active_agencies,
    known_agreements,
    linked_by_others,
    people_judged,
    taken_agreement_ids,
    with_ids,
)
from pipelines.identify import Context
from pipelines.identify.entries import entry_key, identify_entries
from pipelines.identify.judgement import better_name, same_body
from pipelines.names.likeness import agency_names, name_key
from pipelines.normalise import FIELDS, VERSION, Normaliser
from pipelines.parse import read
from pipelines.result import Result, interval_id
from pipelines.values import (
    NEW_IS_RIGHT,
    REPEATED,
    Agreement,
    Change,
    Figures,
    Finding,
    Match,
    Publication,
    Verdict,
)
from scraper.lists import PublishedList

# Of entries with one key, so many are known again when they come back.
PRINTED_TWICE = 3
COMES_BACK_WITHIN = timedelta(days=60)
EDITS = ("renamed", "amended")
LONGEST_GROUP = 120
NOTHING = KnownAgreements((), {})
SET_ASIDE = {"reject": "rejected", "retract": "retracted", "clear": "cleared"}


@dataclass(frozen=True, slots=True)
class Compared:
    """The rows that differ, identified and diffed against the last accepted list."""

    sifted: Sifted
    held: KnownAgreements
    matches: Sequence[Match]
    difference: Diff
    missing: list[int]
    standing: Mapping[Name, frozenset[str]]


def derive(
    connection: Connection,
    declaration: PublishedList,
    publication: Publication,
    path: Path,
    last: Baseline | None,
    verdict: str | None,
) -> Result:
    """Find out what `publication` (its file at `path`) says that `last` did not.

    `verdict` is what was decided about it before: "accept", "baseline" (what it says in another layout is the new
    ground and no news), "reject", "clear" (the server itself
    went back), or None. Raises UnreadableError when the file is not what the list declares.
    """
    previous = last.publication.sha256 if last else None
    if verdict in SET_ASIDE:
        return Result(publication, SET_ASIDE[verdict], previous, parser=VERSION)
    declaration = as_published(path, declaration)
    table = read(path, declaration.format, declaration.options)
    normaliser = Normaliser(table.header, declaration.columns, publication.published_at.date(), declaration)
    sifted = sift(table, normaliser, _copy(last.packed) if last else Packed())
    compared = _compare(connection, declaration, publication, normaliser, sifted, last)
    figures = _figures(compared, normaliser.fields, last, declaration)
    opened, packed = _carry_on(declaration.name, publication, compared)
    content = content_fingerprint(packed)
    judged = _judge(connection, declaration, publication, normaliser, compared, figures, last, content)
    repeated = _keys_repeated(compared.difference, declaration)
    findings = (*normaliser.findings, *sifted.findings, *repeated, *judged.findings)
    if judged.held and verdict not in ("accept", "baseline"):
        return _held(publication, previous, compared, figures, findings, judged.reasons)
    changes = compared.difference.changes if last else ()
    findings = (*findings, *_slips_of_year(changes, publication))
    if verdict == "baseline":
        findings = (*_layout_changed(changes), *findings)
        changes = tuple(change for change in changes if change.kind not in EDITS)
    quiet = last is not None and not opened and not compared.missing
    return Result(
        publication=publication,
        state="unchanged" if quiet else "recorded",
        previous_sha256=previous,
        figures=figures,
        changes=changes,
        newly_signed=[_newly_signed(change, publication, declaration) for change in changes],
        new_agency=_new_agency(connection, declaration.name, changes),
        opened=opened,
        closed=compared.missing,
        packed=packed,
        rows_moved=not quiet or packed.rows != sifted.rows_before,
        content=content,
        findings=findings,
        reasons=judged.reasons,
        parser=VERSION,
        known_since=max(publication.recorded_at, last.publication.recorded_at) if last else None,
    )


def _keys_repeated(difference: Diff, declaration: PublishedList) -> Iterator[Finding]:
    """Two entries under one identifier: taken as printed, and told."""
    if declaration.of_agreements:
        return
    for change in difference.changes:
        if change.kind == "added" and change.rule == REPEATED and change.after:
            value = ", ".join(str(change.after.said(name) or "") for name in declaration.key)
            yield Finding("key-repeated", f"“{value}” stands on more than one entry.", change.after.row)


def _layout_changed(changes: Sequence[Change]) -> Iterator[Finding]:
    """In one sentence what would be as many changes as the list has rows."""
    edits = [change for change in changes if change.kind in EDITS]
    fields = Counter(name.replace("_", " ") for change in edits for name in change.fields)
    if edits:
        told = ", ".join(f"{name} {count:,}" for name, count in fields.most_common())
        yield Finding(
            "layout-changed", f"Layout changed: {len(edits):,} entries are written otherwise ({told})."
        )


def _held(
    publication: Publication,
    previous: str | None,
    compared: Compared,
    figures: Figures,
    findings: Sequence[Finding],
    reasons: Sequence[Finding],
) -> Result:
    """Put aside with its reasons. Its would-be changes are counted, and derived again when shown."""
    nothing = [None] * len(compared.difference.changes)
    return Result(
        publication, "held", previous, figures, compared.difference.changes, nothing, nothing,
        findings=findings, reasons=reasons, parser=VERSION,
    )  # fmt: skip


def _copy(packed: Packed) -> Packed:
    # Sifting notes how rows are printed now; a list that is held must not leave that behind.
    return Packed(packed.layout, packed.fingerprints, packed.raws[:], packed.intervals, packed.rows[:])


def _compare(
    connection: Connection,
    declaration: PublishedList,
    publication: Publication,
    normaliser: Normaliser,
    sifted: Sifted,
    last: Baseline | None,
) -> Compared:
    rows = [fresh.agreement for fresh in sifted.fresh]
    missing = sifted.missing()
    held = NOTHING
    if last is not None and (rows or missing):
        names = {_name(row) for row in rows}
        since = (publication.published_at - COMES_BACK_WITHIN).strftime("%Y-%m-%dT%H:%M:%SZ")
        rows_then = dict(zip(sifted.packed.intervals, sifted.rows_before, strict=True)) if missing else {}
        held = known_agreements(connection, declaration.name, missing, names, since, rows_then)
    stay: Mapping[str, Agreement] = {}
    if last is not None and not declaration.of_agreements:
        at_hand = (*rows, *(one.agreement for one in held.known if one.active))
        ids = {
            _agreement_id(_said_first(declaration, one), n) for one in at_hand for n in range(PRINTED_TWICE)
        }
        held, stay = with_ids(connection, declaration.name, held, ids, set(missing))
    standing = held.standing(set(missing))
    same, distinct = people_judged(connection) if held.known else (frozenset(), frozenset())
    linked = {row.moa for row in rows if row.moa} | {link for known in held.known for link in known.documents}
    context = Context(
        standing=standing,
        documents=linked_by_others(connection, declaration.name, linked, set(missing)),
        together=held.together,
        same=same,
        distinct=distinct,
        now_at=_row_now(sifted),
    )
    if held.known:
        matches = identify_entries(rows, held.known, context, declaration)
    else:
        matches = [Match(index, None, "new", 0.0) for index in range(len(rows))]
    mint = _mint(connection, declaration, rows, matches, held)
    columns = normaliser.fields & last.figures.filled.keys() if last else normaliser.fields
    compared = diff(matches, rows, held.known, mint, columns, declaration)
    difference = _right_agencies(compared, held, standing, publication.place)
    listed = _listed_again(difference, rows, standing, stay, declaration)
    difference = _say_repeated(difference, *listed)
    return Compared(sifted, held, matches, difference, missing, standing)


def _row_now(sifted: Sifted) -> Callable[[int], int]:
    """Where a row of the last list's sheet would stand now, by the nearest row above it that is still there."""
    stay = sorted(
        (before, now)
        for before, now, kept in zip(sifted.rows_before, sifted.packed.rows, sifted.kept, strict=True)
        if kept and before
    )

    def now_at(row: int) -> int:
        at = bisect_right(stay, (row, sys.maxsize)) - 1
        before, now = stay[at] if at >= 0 else (0, 0)
        return now + row - before

    return now_at


def _name(agreement: Agreement) -> Name:
    return (agreement.state or "", name_key(agreement.agency))


def _agency_of(held: KnownAgreements, name: Name) -> str | None:
    found = (held.agency_of(one) for one in sorted(agency_names(*name), key=lambda one: one != name))
    return next(filter(None, found), None)


def _mint(
    connection: Connection,
    declaration: PublishedList,
    rows: Sequence[Agreement],
    matches: Sequence[Any],
    held: KnownAgreements,
) -> Callable[[Agreement], tuple[str, str]]:
    """Ids for agreements never seen before: of what was first printed, and which one of that name it is."""
    name = declaration.name
    new = (rows[match.row] for match in matches if match.known is None)
    used = taken_agreement_ids(
        connection, name, (_agreement_id(_said_first(declaration, row), 0) for row in new)
    )
    turns: dict[str, int] = {}  # of what was said before; of nearly all, nothing was

    def mint(row: Agreement) -> tuple[str, str]:
        said = _said_first(declaration, row)
        n = turns.get(said, 0)
        while (identifier := _agreement_id(said, n)) in used or (
            n > 0 and taken_agreement_ids(connection, name, [identifier])
        ):
            n += 1
        if n > 0:
            turns[said] = n + 1
        used.add(identifier)
        return identifier, _agency_of(held, _name(row)) or _agency_id(row)

    return mint


def _said_first(declaration: PublishedList, row: Agreement) -> str:
    if not declaration.of_agreements and (key := entry_key(row, declaration)):
        return "|".join((declaration.name, *key, ""))
    return f"{declaration.name}|{row.state}|{name_key(row.agency)}|{row.support_type}|"


def _agreement_id(said: str, n: int) -> str:
    return "g" + blake2b(f"{said}{n}".encode(), digest_size=6).hexdigest()


def _agency_id(row: Agreement) -> str:
    _, name = agency_names(*_name(row))[0]
    return "a" + blake2b(f"{row.state}|{name}".encode(), digest_size=6).hexdigest()


def _right_agencies(
    difference: Diff, held: KnownAgreements, still: Mapping[Name, frozenset[str]], now: str
) -> Diff:
    """A renamed agreement moves to another agency when its new name is one that is already known, or when
    its old name still stands in the list: then two bodies exist and only this agreement changed hands.

    Said along with it is what shows the new name to be the right one, if anything does."""
    changes = []
    for change in difference.changes:
        before, after = change.before, change.after
        if change.kind == "renamed" and before and after:
            if why := _why_right(before, after, held, now):
                change = replace(change, evidence=(*change.evidence, NEW_IS_RIGHT + why))
            known = _agency_of(held, _name(after))
            if known is None and _name(before) in still:
                known = _agency_id(after)
            if known is not None and known != change.agency_id:
                change = replace(change, agency_id=known)
        changes.append(change)
    return replace(difference, changes=tuple(changes))


def _why_right(before: Agreement, after: Agreement, held: KnownAgreements, now: str) -> str | None:
    if _name(before) == _name(after):
        return None
    if why := better_name(before, after):
        return why
    was, here = (held.days_listed(_name(side), now) for side in (before, after))
    return "so it had been printed for longer before" if here > was and same_body(before, after) else None


def _listed_again(
    difference: Diff,
    rows: Sequence[Agreement],
    standing: Mapping[Name, frozenset[str]],
    stay: Mapping[str, Agreement],
    declaration: PublishedList,
) -> tuple[Counter[Hashable], Callable[[Agreement], Hashable]]:
    """How often the list has what makes an entry the same entry, but for the rows that are new; and what that is."""
    if declaration.of_agreements:
        key: Callable[[Agreement], Hashable] = _name_and_type
    else:
        key = partial(entry_key, declared=declaration)
    added = {id(change.after) for change in difference.changes if change.kind == "added"}
    listed = Counter(key(row) for row in rows if id(row) not in added)
    if declaration.of_agreements:
        listed.update((*name, support_type) for name, types in standing.items() for support_type in types)
    else:
        listed.update(map(key, stay.values()))
    return listed, key


def _name_and_type(agreement: Agreement) -> Hashable:
    return (*_name(agreement), agreement.support_type or "")


def _say_repeated(
    difference: Diff, listed: Counter[Hashable], key_of: Callable[[Agreement], Hashable]
) -> Diff:
    """A row whose agency and support type (or whose own key) stand in another row too is listed twice: neither news
    of a signature when it comes, nor of a departure when it goes."""
    changes = []
    for change in difference.changes:
        side = change.after if change.kind == "added" else change.before if change.kind == "removed" else None
        key = key_of(side) if side else None
        if key and listed[key] > 0:
            change = replace(change, rule=REPEATED)
        if key and change.kind == "added":
            listed[key] += 1
        changes.append(change)
    return replace(difference, changes=tuple(changes))


def _figures(
    compared: Compared, columns: frozenset[str], last: Baseline | None, declaration: PublishedList
) -> Figures:
    """Counted from the last list's figures, what left them and what came: no need of the rows that stayed."""
    gone = [known.agreement for known in compared.held.known if known.active]
    fresh = [fresh.agreement for fresh in compared.sifted.fresh]
    old = last.figures if last else Figures()
    group, split = (partial(_said_in, field) for field in (declaration.group, declaration.split))
    return Figures(
        rows=compared.sifted.rows,
        agencies=_agencies(compared, old.agencies, gone, fresh),
        by_state=_moved(old.by_state, map(group, gone), map(group, fresh)),
        by_support_type=_moved(old.by_support_type, map(split, gone), map(split, fresh)),
        filled=dict.fromkeys(sorted(columns), 0)
        | _moved(old.filled, _filled(gone, columns), _filled(fresh, columns)),
    )


def _said_in(field: str, agreement: Agreement) -> str:
    """What it is counted under."""
    return str(agreement.said(field) or "")[:LONGEST_GROUP] if field else ""


def _moved(old: Mapping[str, int], gone: Any, fresh: Any) -> dict[str, int]:
    counted = Counter(old)
    counted.subtract(Counter(gone))
    counted.update(Counter(fresh))
    return {name: count for name, count in counted.items() if count}


def _filled(agreements: Sequence[Agreement], columns: frozenset[str]) -> list[str]:
    own = columns - set(FIELDS)
    return [name for agreement in agreements for name in (*FIELDS, *own) if agreement.said(name)]


def _agencies(compared: Compared, before: int, gone: Sequence[Agreement], fresh: Sequence[Agreement]) -> int:
    stand = {agency_names(*name)[0] for name in compared.standing}
    left = {agency_names(*_name(agreement))[0] for agreement in gone} - stand
    came = {agency_names(*_name(agreement))[0] for agreement in fresh} - stand
    return before - len(left) + len(came)


def _judge(
    connection: Connection,
    declaration: PublishedList,
    publication: Publication,
    normaliser: Normaliser,
    compared: Compared,
    figures: Figures,
    last: Baseline | None,
    content: str,
) -> Verdict:
    quiet = last is not None and not compared.sifted.fresh and not compared.missing
    if quiet and older_than_last(connection, publication, last) is None:
        return Verdict()
    facts = comparison_facts(
        connection, declaration, publication, normaliser, compared.sifted, compared.difference, last, content
    )
    return judge(figures, last.figures if last else None, declaration, facts)


def _carry_on(
    list_name: str, publication: Publication, compared: Compared
) -> tuple[list[tuple[int, str, str, int, Agreement]], Packed]:
    """The intervals that begin, and the packed list that the next publication is sifted against."""
    sifted = compared.sifted
    packed = sifted.packed.only(sifted.kept)
    packed.layout = sifted.layout
    opened = []
    for fresh, (agreement_id, agency_id) in zip(sifted.fresh, _ids_of_rows(compared), strict=True):
        identifier = interval_id(list_name, agreement_id, publication.place)
        opened.append((identifier, agreement_id, agency_id, fresh.content, fresh.agreement))
        packed.append(fresh.content, fresh.raw, identifier, fresh.agreement.row)
    return opened, packed


def _ids_of_rows(compared: Compared) -> Iterator[tuple[str, str]]:
    """Agreement and agency of each fresh row. A change knows best, since it may move an agency."""
    changes = compared.difference.changes
    added = {id(change.after): change for change in changes if change.kind == "added"}
    changed = {change.agreement_id: change.agency_id for change in changes if change.kind != "added"}
    for fresh, match in zip(compared.sifted.fresh, compared.matches, strict=True):
        if match.known is None:
            change = added[id(fresh.agreement)]
            yield change.agreement_id, change.agency_id
        else:
            known = compared.held.known[match.known]
            yield known.agreement_id, changed.get(known.agreement_id, known.agency_id)


def _newly_signed(change: Change, publication: Publication, declaration: PublishedList) -> bool | None:
    if change.kind != "added" or change.after is None:
        return None
    if change.rule == REPEATED:
        return False
    row, day = change.after, publication.published_at.date()
    return newly_signed(row.signed, day, declaration.signed_window, row.moa)


def _slips_of_year(changes: Sequence[Change], publication: Publication) -> Iterator[Finding]:
    for change in changes:
        row = change.after if change.kind == "added" and change.rule != REPEATED else None
        if row and row.signed and date_cannot_be(row.signed, publication.published_at.date()):
            text = f"“{row.agency}” is new and dated {row.signed}: the year is probably a slip."
            yield Finding("date-improbable", text, row.row)


def _new_agency(connection: Connection, list_name: str, changes: Sequence[Change]) -> list[bool | None]:
    """True when no other agreement of the agency was in the last accepted list."""
    added = {change.agency_id for change in changes if change.kind == "added"}
    active = active_agencies(connection, list_name, added)
    return [change.agency_id not in active if change.kind == "added" else None for change in changes]
