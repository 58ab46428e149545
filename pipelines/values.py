"""The nouns of the pipeline. All frozen; nothing here knows where it came from or where it goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple

from scraper.capture import LIVE

Kind = Literal["added", "removed", "returned", "renamed", "amended"]
KINDS: tuple[Kind, ...] = ("added", "removed", "returned", "renamed", "amended")
# Of which level a body is (pipelines.places).
LEVELS = (
    "state", "county", "municipal", "tribal", "campus", "regional", "constable", "judicial", "other",
)  # fmt: skip
# The rule of a change whose agency and support type stand in another row of the list too.
REPEATED = "repeated row"
# Begins the evidence of a renamed agreement whose new name is known to be the right one.
NEW_IS_RIGHT = "the new name is right: "
Outcome = Literal["recorded", "unchanged", "absent", "held", "failed"]


class Row(NamedTuple):
    """One row as printed: its number in the sheet, its cells as text, and the link behind each cell.

    `cells` has as many items as the table's header; a blank cell is "". A date is "YYYY-MM-DD" (with
    "THH:MM:SS" when it has a time of day), a whole number has no decimal point, an error is its own
    text ("#N/A").
    `links` is () when no cell of the row has a link; otherwise it is aligned with `cells`.
    """

    number: int
    cells: tuple[str, ...]
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was done and looks odd. `name` is stable and searchable, `text` is for people."""

    name: str
    text: str
    row: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "text": self.text} | ({"row": self.row} if self.row is not None else {})


@dataclass(frozen=True, slots=True)
class Table:
    """A file as a table. `rows` may be read once; `findings` is complete only after the last row was read.

    `header` holds the cells of the header row as printed (trailing blank ones cut off); `modified` is the
    file's own time of last edit, aware, when the format has one.
    """

    header: tuple[str, ...]
    rows: Iterable[Row]
    modified: datetime | None = None
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Agreement:
    """One agreement as one list states it, in normal form.

    None means that the list has no such column; "" means that the cell is blank. `moa` and `addendum` hold
    the address of the document, "pending" when its text promises one, or "". `extra` holds the columns that
    are not an agreement's own, by header, in the order of the sheet. `printed` holds the publisher's own text
    of the fields where it differs from the normal form. `row` is the sheet row.
    """

    state: str | None
    agency: str
    support_type: str | None = None
    signed: date | None = None
    type: str | None = None
    county: str | None = None
    moa: str | None = None
    addendum: str | None = None
    extra: tuple[tuple[str, str], ...] = ()
    printed: tuple[tuple[str, str], ...] = ()
    row: int = 0

    def said(self, field: str) -> Any:
        """What it says in a field, an agreement's own or one of the list's; None when it has no such column."""
        return getattr(self, field) if field in _OWN else dict(self.extra).get(field)

    def as_json(self) -> dict[str, Any]:
        """The whole record, as `before` and `after` of a change show it."""
        return {
            "state": self.state,
            "agency": self.agency,
            "type": self.type,
            "county": self.county,
            "support_type": self.support_type,
            "signed": self.signed.isoformat() if self.signed else None,
            "moa": self.moa,
            "addendum": self.addendum,
            **dict(self.extra),
        }


_OWN = frozenset(item.name for item in fields(Agreement)) - {"extra", "printed", "row"}


@dataclass(frozen=True, slots=True)
class Known:
    """An agreement that the record already holds: its ids and what the list last said of it.

    `active` is False when the last accepted list did not have it. `documents` are the addresses of every
    document that was ever linked to it.
    """

    agreement_id: str
    agency_id: str
    agreement: Agreement
    active: bool = True
    documents: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """Which known agreement a row is (indices into the two sequences that were compared).

    `known` is None when the row is none of them. `rule` names the tier that decided ("exact",
    "corrected name", ...), `score` is in 0..1, `evidence` says in a few words each what else supports it.
    """

    row: int
    known: int | None
    rule: str
    score: float = 1.0
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What one publication says differently about one agreement."""

    kind: Kind
    agreement_id: str
    agency_id: str
    before: Agreement | None
    after: Agreement | None
    fields: tuple[str, ...] = ()
    rule: str = "exact"
    score: float = 1.0
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted while the rows passed; enough for the guard to judge a list without its rows.

    `by_state` counts by the field that the list declares as `group`, `by_support_type` by its `split`.
    """

    rows: int = 0
    agencies: int = 0
    by_state: Mapping[str, int] = field(default_factory=dict)
    by_support_type: Mapping[str, int] = field(default_factory=dict)
    filled: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turnover:
    """What a publication changed in the last accepted one, published so long before it, which had `rows`.

    `held_for` are the names of the reasons for which it is still held.
    """

    at: datetime
    after: timedelta
    rows: int
    went: int
    came: int
    held_for: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The guard's word on a list: held when any finding is a reason to hold."""

    reasons: tuple[Finding, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def held(self) -> bool:
        return bool(self.reasons)


class Older(NamedTuple):
    """A file was changed last (`at`, by its "workbook" or its server's "last-modified") before another one was."""

    witness: str
    at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Publication:
    """One list as it was published once.

    `place` sorts the publications of a list and is unique in it: publication time, name or capture time, hash.
    `basis` says where `published_at` came from: "workbook", "last-modified", "name" or "capture".
    `saved_at` and `last_modified` are what the file and its server said of its last change, where that can be;
    `captured_by` says who saw it: a look at the live page, or a person's replay or backfill.
    """

    list: str
    sha256: str
    published_name: str
    published_at: datetime
    captured_at: datetime
    recorded_at: datetime
    basis: str
    place: str
    page: Mapping[str, Any] = field(default_factory=dict)
    saved_at: datetime | None = None
    last_modified: datetime | None = None
    captured_by: str = "replay"

    @property
    def live(self) -> bool:
        return self.captured_by == LIVE
