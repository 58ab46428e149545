"""A list's declaration as a user writes it in TOML, entry by entry, and the PublishedList that it means."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from scraper import cadence
from scraper.errors import ListError
from scraper.lists import (
    AGREEMENT_KEY,
    Cadence,
    FieldKind,
    Format,
    LinkRule,
    Plausible,
    PublishedList,
    Wording,
    has_host,
)
from scraper.lists import Field as ListedField

# The fields of an agreement; any other name is a field of the list's own.
FIELDS = ("state", "agency", "support_type", "signed", "type", "county", "moa", "addendum")
OPTIONS: dict[Format, tuple[str, ...]] = {
    "xlsx": ("sheet",),
    "ods": ("sheet",),
    "csv": ("delimiter", "header"),
    "html": ("table", "base_url"),
    "json": ("rows", "header"),
    "pdf": (),
}
# For hosts beside those of the addresses, to which a list in a private network may lead.
EVERYWHERE = ("hosts",)
TWICE_A_DAY = ("0 8,16 * * *",)


def _address(value: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+\S*", value) or not has_host(value):
        raise ValueError("must be a web address (https://...)")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as wrong:
        raise ValueError(f"is no regular expression: {wrong}") from None
    return value


def _zone(value: str) -> str:
    try:
        cadence.zone(value)
    except ListError:
        raise ValueError("is not a time zone; write one like America/New_York") from None
    return value


def _cron(value: str) -> str:
    cadence.parse(value)
    return value


def _field(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", value):
        raise ValueError("must be a field: small letters, figures and underscores")
    return value


Address = Annotated[str, AfterValidator(_address)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Zone = Annotated[str, AfterValidator(_zone)]
FieldName = Annotated[str, AfterValidator(_field)]
Cron = Annotated[str, AfterValidator(_cron)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Share = Annotated[float, Field(ge=0, le=1)]


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LinkEntry(Entry):
    text: Pattern | None = None
    file: Pattern | None = None
    never: Pattern = r"(?!)"


class CadenceEntry(Entry):
    crons: tuple[Cron, ...] = TWICE_A_DAY
    time_zone: Zone = "UTC"
    jitter_seconds: int = Field(default=120, ge=0, le=86_400)


class WordingEntry(Entry):
    title: Words | None = None
    added: Words = "added"
    removed: Words = "left the list"
    noun: Words = "entry"
    nouns: Words | None = None
    holder: Words | None = None
    holders: Words | None = None
    group: Words | None = None
    groups: Words | None = None
    split: Words | None = None


class PlausibleEntry(Entry):
    rows: tuple[int, int] = (1, 1_000_000)
    lost_share: Share = 0.05
    lost_at_least: int = Field(default=8, ge=1)


class FieldEntry(Entry):
    kind: FieldKind = "text"
    case: Literal["any", "exact"] = "any"
    years: tuple[int, int] = (1000, 2999)
    combine: tuple[str, ...] = ()
    separator: Annotated[str, StringConstraints(max_length=10)] = " "

    @property
    def field(self) -> ListedField:
        return ListedField(self.kind, self.case, self.years, self.combine, self.separator)


def _option(value: object) -> object:
    """Several values (paths, tried in their order) are one text to a reader."""
    return "|".join(map(str, value)) if isinstance(value, list) else value


def _spoken(field: str) -> str:
    return field.replace("_", " ")


def plural(word: str) -> str:
    """Of an English noun, as nearly all of them make it."""
    if not word:
        return ""
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return f"{word}es" if re.search(r"(s|x|z|ch|sh)$", word) else f"{word}s"


def _field_entry(value: object) -> object:
    """A kind alone may be written without a table of its own."""
    return {"kind": value} if isinstance(value, str) else value


class ListEntry(Entry):
    page: Address | None = None
    file: Address | None = None
    files: tuple[Address, ...] = ()
    next_page: Pattern | None = None
    link: LinkEntry | None = None
    format: Literal["xlsx", "csv", "html", "json", "pdf", "ods"] = "xlsx"
    options: dict[str, Annotated[str, BeforeValidator(_option)]] = Field(default_factory=dict)
    columns: Annotated[dict[str, FieldName], Field(min_length=1)]
    header: bool = True
    fields: dict[FieldName, Annotated[FieldEntry, BeforeValidator(_field_entry)]] = Field(
        default_factory=dict
    )
    key: tuple[str, ...] | None = None
    names: Literal["likeness", "exact", "organisation"] = "likeness"
    evidence: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    group: str | None = None
    split: str | None = None
    required: tuple[str, ...] | None = None
    cadence: CadenceEntry = CadenceEntry()
    wording: WordingEntry = WordingEntry()
    plausible: PlausibleEntry = PlausibleEntry()
    other: str | None = None
    pending_list: str | None = None
    baseline: date | None = None
    time_zone: Zone | None = None
    signed_window_days: int = Field(default=45, ge=0, le=3650)
    believed_after_days: float = Field(default=3, ge=0, le=365)
    stated_on_page: bool = False
    private_addresses: bool = False
    documents: bool = False
    max_bytes: int = Field(default=50_000_000, gt=0)
    delay_seconds: float = Field(default=1.0, ge=0, le=600)

    @property
    def names_of_fields(self) -> frozenset[str]:
        combined = (name for name, field in self.fields.items() if field.combine)
        return frozenset((*self.columns.values(), *combined))

    @property
    def own_key(self) -> tuple[str, ...]:
        return self.key or tuple(name for name in AGREEMENT_KEY if name in self.names_of_fields)

    @property
    def grouped_by(self) -> str:
        return self.group or ("state" if "state" in self.names_of_fields else "")

    @property
    def split_by(self) -> str:
        return self.split or ("support_type" if "support_type" in self.names_of_fields else "")

    @property
    def own_fields(self) -> dict[str, ListedField]:
        """With the name, where no column is it: the first field of the title, else of the key."""
        found = {name: field.field for name, field in self.fields.items()}
        if "agency" not in self.names_of_fields:
            found["agency"] = ListedField(combine=(*self.title, *self.own_key)[:1])
        return found

    def published(self, name: str) -> PublishedList:
        words = self.wording
        return PublishedList(
            name=name,
            page=self.page,
            file=self.file,
            files=self.files,
            next_page=self.next_page,
            link=LinkRule(self.link.text or r"(?!)", self.link.file or r"(?!)", self.link.never)
            if self.link
            else None,
            format=self.format,
            options=self.options if self.header else {**self.options, "header": "none"},
            columns={" ".join(header.split()).lower(): field for header, field in self.columns.items()},
            key=self.own_key,
            required=self.own_key if self.required is None else self.required,
            names=self.names,
            evidence=self.evidence,
            fields=self.own_fields,
            ignore=frozenset(self.ignore),
            title=self.title,
            group=self.grouped_by,
            split=self.split_by,
            cadence=Cadence(self.cadence.crons, self.cadence.time_zone, self.cadence.jitter_seconds),
            wording=Wording(
                words.title or name.replace("-", " ").replace("_", " ").capitalize(),
                words.added,
                words.removed,
                words.noun,
                words.nouns or plural(words.noun),
                words.holder or "",
                words.holders or plural(words.holder or ""),
                words.group or _spoken(self.grouped_by),
                words.groups or plural(words.group or _spoken(self.grouped_by)),
                words.split or _spoken(self.split_by),
            ),
            plausible=Plausible(self.plausible.rows, self.plausible.lost_share, self.plausible.lost_at_least),
            other=self.other,
            pending_list=self.pending_list,
            baseline=self.baseline,
            time_zone=self.time_zone or self.cadence.time_zone,
            signed_window=timedelta(days=self.signed_window_days),
            believed_after=timedelta(days=self.believed_after_days),
            stated_on_page=self.stated_on_page,
            private_addresses=self.private_addresses,
            documents=self.documents,
            max_bytes=self.max_bytes,
            delay_seconds=self.delay_seconds,
        )


# Where in an entry which model stands, so that an unknown key can be told the right ones.
PARTS: dict[str, type[Entry]] = {
    "": ListEntry,
    "link": LinkEntry,
    "cadence": CadenceEntry,
    "wording": WordingEntry,
    "plausible": PlausibleEntry,
    "fields": FieldEntry,
}


_NEAR = 60  # of 100: below this no key is worth suggesting
# Where, what, and whether it is fatal.
Judgement = tuple[tuple[str, ...], str, bool]


def judged(entry: ListEntry, known: set[str]) -> Iterator[Judgement]:
    """What is wrong with an entry whose every value is right by itself: where, what, and is it fatal."""
    yield from _judged_addresses(entry)
    yield from _judged_columns(entry)
    yield from _judged_options(entry)
    for field in ("other", "pending_list"):
        name = getattr(entry, field)
        if name and name not in known:
            hint = nearest(name, sorted(known))
            yield (field,), f"no list is called {name!r}{f'; did you mean {hint!r}?' if hint else ''}", True
    if not entry.cadence.crons:
        yield ("cadence", "crons"), "“cadence.crons” names no time to look", True
    fewest, most = entry.plausible.rows
    if not 0 <= fewest <= most:
        text = f"“plausible.rows” is [fewest, most]; {fewest} to {most} is no range"
        yield ("plausible", "rows"), text, True
    if entry.plausible == ListEntry.model_fields["plausible"].default:
        yield (), "say how many rows are plausible: [lists.NAME.plausible] rows = [fewest, most]", False


def _judged_addresses(entry: ListEntry) -> Iterator[Judgement]:
    given = [name for name in ("page", "file", "files") if getattr(entry, name)]
    if len(given) != 1:
        found = f"it has {' and '.join(given)}" if given else "it has none"
        yield (
            (given[1:2] and (given[1],)) or (),
            (
                "it needs one of “page” (a page that links to the file), “file” (the file's own address) or "
                f"“files” (a list in parts); {found}"
            ),
            True,
        )
    if entry.page and not entry.link:
        yield ("page",), '“page” needs a “link” rule: link = { text = "what the link says" }', True
    if entry.link and not (entry.link.text or entry.link.file):
        yield ("link",), "“link” needs a “text” (of what is read) or a “file” (of the address)", True
    if entry.link and not entry.page:
        yield ("link",), "“link” is for a “page”; without one it does nothing", True
    if entry.next_page and (entry.format != "html" or not entry.file):
        text = '“next_page” is for format = "html" with the address of the first page in “file”'
        yield ("next_page",), text, True
    if not entry.private_addresses:
        for address in filter(None, (entry.page, entry.file, *entry.files)):
            if _is_private(address):
                text = f"{address} is a private address; say private_addresses = true if you mean it"
                yield (given[0],), text, True


def _is_private(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost"


def _judged_columns(entry: ListEntry) -> Iterator[Judgement]:
    known = entry.names_of_fields
    if "agency" not in known and (not entry.own_key or "agency" in entry.own_key):
        yield ("columns",), "no column is the “agency”: say which one names whom an entry is about", True
    # What the declaration speaks of again is no slip.
    meant = {*entry.title, *entry.own_key, *entry.evidence, *entry.fields, entry.group, entry.split}
    for header, field in entry.columns.items():
        if field not in (*FIELDS, *meant) and (near := _misspelt(field)):
            text = f"“{field}” becomes a field of the list's own; did you mean “{near}”?"
            yield ("columns", header), text, False
    for name in ("key", "required", "evidence", "ignore", "title", "group", "split"):
        value = getattr(entry, name) or ()
        for field in (value,) if isinstance(value, str) else value:
            if field not in known:
                yield (name,), f"“{name}” names {field!r}, which no column is{_hint(field, known)}", True
    for field in set(entry.own_key) & set(entry.ignore):
        yield ("ignore",), f"{field!r} is a part of the key, so it cannot be ignored", True
    for name, declared in entry.fields.items():
        for text in _judged_field(entry, name, declared):
            yield ("fields", name), text, True


def _judged_field(entry: ListEntry, name: str, declared: FieldEntry) -> Iterator[str]:
    columns = set(entry.columns.values())
    if name not in entry.names_of_fields:
        yield f"“fields” names {name!r}, which no column is{_hint(name, columns)}"
    if declared.combine and name in columns:
        yield f"{name!r} is a column already, so it cannot be combined of others"
    for part in declared.combine:
        if part not in columns:
            yield f"“combine” names {part!r}, which no column is{_hint(part, columns)}"
    if declared.years[0] > declared.years[1]:
        yield f"“years” is [first, last]; {list(declared.years)} is no range"


def _hint(word: str, words: Iterable[str]) -> str:
    near = nearest(word, sorted(words))
    return f"; did you mean {near!r}?" if near else ""


def _judged_options(entry: ListEntry) -> Iterator[Judgement]:
    allowed = (*OPTIONS[entry.format], *EVERYWHERE)
    if not entry.header and "header" not in allowed:
        yield ("header",), f"a list of the format {entry.format} has a header", True
    for option in entry.options:
        if option not in allowed:
            hint = nearest(option, allowed)
            more = f"; did you mean “{hint}”?" if hint else f"; there are: {', '.join(allowed)}"
            yield ("options", option), f"{entry.format} has no option “{option}”{more}", True


def _misspelt(field: str) -> str | None:
    from rapidfuzz.distance import OSA

    return next((name for name in FIELDS if OSA.distance(field, name, score_cutoff=2) <= 2), None)


def nearest(word: str, words: Sequence[str]) -> str | None:
    """What was probably meant; None when nothing is like it."""
    from rapidfuzz import process  # only whoever made a mistake is given advice

    found = process.extractOne(word, words, score_cutoff=_NEAR)
    return found[0] if found else None
