"""The register: which lists are watched, and everything that is particular to one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal
from urllib.parse import urlsplit

Format = Literal["xlsx", "csv", "html", "json", "pdf", "ods"]
FieldKind = Literal["text", "date", "number", "money", "link", "document", "place"]
AGREEMENT_KEY = ("state", "agency", "support_type")


@dataclass(frozen=True, slots=True)
class LinkRule:
    """Which link of the page is the list. Patterns are regular expressions, searched without regard to case.

    A link is a candidate when `text` matches what the reader sees of it or `file` matches the last part of
    its address, and neither matches `never`.
    """

    text: str
    file: str
    never: str = r"(?!)"


@dataclass(frozen=True, slots=True)
class Earlier:
    """How a list was published before its present form: captures of that time are read so.

    `columns` are headers that only this form had. `table` is a text of its table's header, by which a
    captured page is known to hold the list itself and not only a link to it.
    """

    table: str
    format: Format = "html"
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cadence:
    """When to look: cron expressions (five fields) in a time zone, moved by up to `jitter_seconds`."""

    crons: tuple[str, ...]
    time_zone: str = "UTC"
    jitter_seconds: int = 120


@dataclass(frozen=True, slots=True)
class Wording:
    """What this list calls things, so that a page about applications does not speak of signatures.

    `noun` is an entry, `holder` whom one is about, `group` what they are grouped by, `split` what they are split by;
    "" for what a list does not have, of which nothing is said then.
    """

    title: str
    added: str
    removed: str
    noun: str = "agreement"
    nouns: str = "agreements"
    holder: str = "agency"
    holders: str = "agencies"
    group: str = "state or territory"
    groups: str = "states and territories"
    split: str = "model"


@dataclass(frozen=True, slots=True)
class Plausible:
    """What a list must look like to be believed. Shares are of the last accepted list's rows."""

    rows: tuple[int, int] = (1, 1_000_000)
    lost_share: float = 0.05
    lost_at_least: int = 8


@dataclass(frozen=True, slots=True)
class Field:
    """How a field is read and compared. `years` are those that a date of it can have; None: from the first
    agreement under section 287(g) to the year after the list's own. With `combine` it is made of other fields.
    """

    kind: FieldKind = "text"
    case: Literal["any", "exact"] = "any"
    years: tuple[int, int] | None = (1000, 2999)
    combine: tuple[str, ...] = ()
    separator: str = " "


@dataclass(frozen=True, slots=True)
class PublishedList:
    """One published list.

    `page` is a landing page that links to the file, `file` the file's own fixed address, `files` those of a
    list in several parts. `next_page` is a regular expression of the link by which each page of the list
    leads to the next one.
    `columns` maps a header (lower case, single blanks) to a field of an agreement, or to a field of the
    list's own, which is carried along; headers that are not named here are kept under their own name and
    reported. `key` names the fields that make an entry the same entry: all of them and nothing else.
    Where the name is one of them, `names` says by what rules a corrected name is known, and a value of `evidence`
    that no other entry has proves it.
    `fields` says of what kind a field is (text, where nothing is said), `ignore` which are carried along as they
    were when the rest of their row changed, `title` which ones stand in the line that a change is told by. By the
    fields `group` and `split` its entries are counted ("" for none).
    `mail` says that cells of any column may hold addresses wrapped by mail programs, with those of the staff.
    `other` is the sister list that this one is most easily mistaken for. `stated_on_page` says that the
    totals on the page are this list's.
    `time_zone` is that of the list's days and weeks (its cadence has its own).
    `baseline` is the day whose list reports compare with; the list's first publication when None.
    """

    name: str
    page: str | None
    columns: Mapping[str, str]
    cadence: Cadence
    wording: Wording
    link: LinkRule | None = None
    file: str | None = None
    files: tuple[str, ...] = ()
    next_page: str | None = None
    format: Format = "xlsx"
    key: tuple[str, ...] = AGREEMENT_KEY
    required: tuple[str, ...] = AGREEMENT_KEY
    names: Literal["likeness", "exact", "organisation"] = "likeness"
    evidence: tuple[str, ...] = ()
    fields: Mapping[str, Field] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()
    title: tuple[str, ...] = ()
    group: str = "state"
    split: str = "support_type"
    mail: bool = False
    plausible: Plausible = field(default_factory=Plausible)
    other: str | None = None
    pending_list: str | None = None
    baseline: date | None = None
    time_zone: str = "UTC"
    signed_window: timedelta = timedelta(days=45)
    believed_after: timedelta = timedelta(days=3)
    stated_on_page: bool = False
    private_addresses: bool = False
    documents: bool = False
    max_bytes: int = 50_000_000
    delay_seconds: float = 1.0
    options: Mapping[str, str] = field(default_factory=dict)
    earlier: tuple[Earlier, ...] = ()

    @property
    def of_agreements(self) -> bool:
        """Are its entries known by who has what kind of agreement where, and told apart by their dates?"""
        return self.names == "likeness" and set(self.key) <= set(AGREEMENT_KEY)

    @property
    def has_places(self) -> bool:
        """Is it said where its entries are? Then a field says in which county of a U.S. state."""
        return any(field.kind == "place" for field in self.fields.values())

    @property
    def in_parts(self) -> bool:
        """Do several answers make one publication of it?"""
        return bool(self.files or self.next_page)


def has_host(url: str) -> bool:
    """Can a web address be asked at all?"""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


PAGE = "https://www.ice.gov/identify-and-arrest/287g"

# Hourly while lists are published (9 am to 8 pm Eastern on weekdays), twice a day otherwise.
ICE_CADENCE = Cadence(crons=("0 9-20 * * mon-fri", "0 10,18 * * sat,sun"), time_zone="America/New_York")

ICE_COLUMNS = {
    "state": "state",
    "law enforcement agency": "agency",
    "type": "type",
    "county": "county",
    "support type": "support_type",
    "signed": "signed",
    "moa": "moa",
    "addendum": "addendum",
}

ICE_FIELDS = {"signed": Field("date", years=None), "county": Field("place")}

# Days are UTC days: the workbooks carry UTC times, and of 188 file names with a date 162 agree with the
# UTC day of the workbook's own time and 159 with the Eastern day.
PARTICIPATING = PublishedList(
    name="participating",
    page=PAGE,
    mail=True,
    fields=ICE_FIELDS,
    link=LinkRule(text=r"participating\s+agenc", file=r"participating\s*(agenc|entit)", never=r"pending"),
    columns=ICE_COLUMNS,
    cadence=ICE_CADENCE,
    wording=Wording(title="287(g) participating agencies", added="signed", removed="left the list"),
    plausible=Plausible(rows=(50, 20_000)),
    other="pending",
    pending_list="pending",
    baseline=date(2025, 1, 20),
    stated_on_page=True,
    documents=True,
    # Until February 2025 the page itself held the list.
    earlier=(Earlier(table="law enforcement agency"),),
)

PENDING = PublishedList(
    name="pending",
    page=PAGE,
    mail=True,
    fields=ICE_FIELDS,
    link=LinkRule(text=r"pending\s+agenc", file=r"pending\s*(agenc|entit)", never=r"participating"),
    columns=ICE_COLUMNS,
    cadence=ICE_CADENCE,
    wording=Wording(
        title="287(g) pending agencies",
        added="applied",
        removed="left the pending list",
        noun="application",
        nouns="applications",
    ),
    plausible=Plausible(rows=(1, 5_000), lost_share=0.9, lost_at_least=8),
    other="participating",
)

BUILT_IN: tuple[PublishedList, ...] = (PARTICIPATING, PENDING)
