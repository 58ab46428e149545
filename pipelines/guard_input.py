"""What the guard is told of a list beside its figures: gathered from the record and from the comparison."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from pipelines.diff import Diff
from pipelines.fingerprints import Sifted
from pipelines.guard import Facts
from pipelines.history.baseline import Baseline, active_keys, last_accepted
from pipelines.history.publications import (
    earlier_with_content,
    losses_before,
    original_of,
    stamp,
    turnovers_before,
    unmoved_witnesses,
)
from pipelines.names.likeness import name_key
from pipelines.normalise import Normaliser
from pipelines.publication_time import older
from pipelines.record.ingest import SERVED_AGAIN, TOGETHER
from pipelines.values import Change, Older, Publication
from scraper.lists import PublishedList

# Findings of normalising by which a cell's text could not be read, and the field that it is of.
SISTER_WITHIN = timedelta(days=2)
UNREADABLE = {"state-unknown": "state", "support-type-unknown": "support_type", "date-unreadable": "signed"}


def comparison_facts(
    connection: Connection,
    declaration: PublishedList,
    publication: Publication,
    normaliser: Normaliser,
    sifted: Sifted,
    difference: Diff,
    last: Baseline | None,
    content: str,
) -> Facts:
    """`content` is the fingerprint of all rows together, whatever their order."""
    again = publication.basis == SERVED_AGAIN
    if again:
        same_as = original_of(connection, publication)
    else:
        same_as = earlier_with_content(connection, publication.list, content, publication.place)
    # A list that was emptied is explained by the sister list of that day or the next, in whichever order they came.
    emptied = last is not None and sifted.rows == 0
    before = stamp(publication.published_at + SISTER_WITHIN) if emptied else publication.place
    seen_by = publication.captured_at + (SISTER_WITHIN if emptied else TOGETHER)
    other = last_accepted(connection, declaration.other, before, seen_by) if declaration.other else None
    return Facts(
        changes=difference.changes,
        fields=normaliser.fields,
        missing_columns=normaliser.missing,
        other_fields=frozenset(other.filled or ()) if other else frozenset(),
        other_rows=(other.agreements or 0) if other else 0,
        in_other=_in_other(connection, declaration, difference.changes, other),
        unreadable=_unreadable(sifted),
        repeated=sifted.repeated,
        page_total=publication.page.get("agreements") if declaration.stated_on_page else None,
        page_dated=_page_dated(publication.page),
        published_at=publication.published_at,
        last_published_at=last.publication.published_at if last else None,
        older=older_than_last(connection, publication, last),
        same_as=same_as,
        same_file=again,
        served_for=timedelta(),
        history=losses_before(connection, publication.list, publication.place),
        turnovers=()
        if declaration.of_agreements
        else turnovers_before(connection, publication.list, publication.place),
    )


def older_than_last(connection: Connection, publication: Publication, last: Baseline | None) -> Older | None:
    """Of a file off the live page that was never seen before."""
    if last is None or not publication.live or publication.basis == SERVED_AGAIN:
        return None
    if older(publication, last.publication, frozenset()) is None:
        return None
    unmoved = unmoved_witnesses(connection, publication.list, publication.place)
    return older(publication, last.publication, unmoved)


def _in_other(
    connection: Connection, declaration: PublishedList, changes: tuple[Change, ...], other: Any
) -> frozenset[str]:
    """Of what was added or removed, the agreements that the sister list held when this one was published."""
    if other is None or declaration.other is None:
        return frozenset()
    sides = {
        c.agreement_id: c.after or c.before for c in changes if c.kind in ("added", "removed", "returned")
    }
    names = {(side.state or "", name_key(side.agency)) for side in sides.values() if side}
    held = active_keys(connection, declaration.other, names, at=other.place)
    return frozenset(
        identifier
        for identifier, side in sides.items()
        if side and (side.support_type or "") in held.get((side.state or "", name_key(side.agency)), ())
    )


def _unreadable(sifted: Sifted) -> Counter[str]:
    """By field, the rows whose text could not be read."""
    return Counter(UNREADABLE[finding.name] for finding in sifted.findings if finding.name in UNREADABLE)


def _page_dated(page: Any) -> datetime | None:
    text = page.get("updated") or page.get("as_of")
    try:
        parsed = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return parsed if parsed is None or parsed.tzinfo else parsed.replace(tzinfo=UTC)
