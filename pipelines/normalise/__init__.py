"""Text to typed values: one table's rows as agreements in normal form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from hashlib import blake2b
from typing import Any

from rapidfuzz.distance import OSA

from pipelines.normalise.dates import FIRST_YEAR, read_date
from pipelines.normalise.links import first_address, ready_address, unwrap, unwrap_within
from pipelines.normalise.terms import STATE_NAMES, read_model, read_state
from pipelines.plain import decoded, is_plain, plain
from pipelines.values import Agreement, Finding, Row
from scraper.lists import PARTICIPATING, Field, PublishedList

# Raise it whenever a row may come out differently. Fingerprints contain it, so that old rows are read again.
VERSION = 1

# The fields that a column may hold, in the order in which an Agreement takes them.
FIELDS = ("state", "agency", "support_type", "signed", "type", "county", "moa", "addendum")
DOCUMENTS = ("moa", "addendum")
_LAST_YEAR = 2099  # when nobody says when the list was published
_NAMELESS = "column "  # a column without a header is kept under its number, and only where it has text


@dataclass(frozen=True, slots=True)
class Header:
    """Which column is what. `places` is field -> index; `others` is (index, header) of all other columns."""

    places: Mapping[str, int]
    others: tuple[tuple[int, str], ...]
    missing: tuple[str, ...]
    findings: tuple[Finding, ...]


def read_header(header: Sequence[str], columns: Mapping[str, str]) -> Header:
    """Match a header to the declared columns, whatever its case and blanks, or one typo away."""
    printed = [plain(text) for text in header]
    keys = [_key(text) for text in printed]
    declared = {_key(name): field for name, field in columns.items()}
    places: dict[str, int] = {}
    findings: list[Finding] = []
    for index, key in enumerate(keys):
        if (field := declared.get(key)) and field not in places:
            places[field] = index
    for index, key in enumerate(keys):
        if index not in places.values() and (near := _misspelt(key, declared, places)):
            places[declared[near]] = index
            findings.append(
                Finding("column-misspelt", f"The column “{printed[index]}” was read as “{near}”.")
            )
    others = _others(printed, set(places.values()))
    for _, name in others:
        if not name.startswith(_NAMELESS):
            findings.append(Finding("column-unknown", f"The column “{name}” is not one this list declares."))
    missing = tuple(dict.fromkeys(field for field in declared.values() if field not in places))
    return Header(places, others, missing, tuple(findings))


def _key(text: str) -> str:
    return re.sub(r"^\W+|\W+$", "", plain(text).casefold())


def _misspelt(key: str, declared: Mapping[str, str], places: Mapping[str, int]) -> str | None:
    """A declared header one slip away; short ones are too near to one another to be guessed (MOA, MOU)."""
    near = [name for name in declared if len(name) >= 4 and OSA.distance(key, name, score_cutoff=1) == 1]
    return near[0] if len(near) == 1 and len(key) >= 4 and declared[near[0]] not in places else None


def _others(printed: Sequence[str], taken: set[int]) -> tuple[tuple[int, str], ...]:
    """Columns without a header are named by their number; a header that comes again is numbered."""
    seen: Counter[str] = Counter()
    others = []
    for index, name in enumerate(printed):
        if name:
            seen[name.casefold()] += 1
        if index not in taken:
            again = seen[name.casefold()]
            others.append(
                (index, (f"{name} ({again})" if again > 1 else name) if name else f"column {index + 1}")
            )
    return tuple(others)


# What was read: the value, the text as printed where it differs, a finding's name and its text ("" for none).
Reading = tuple[Any, str | None, str, str]
# Whole cells repeat, within a list and from one list to the next, so each is read once.
_CELLS = 1 << 16


def _reading(printed: str, value: str | date | None, name: str = "", text: str = "") -> Reading:
    shown = value.isoformat() if isinstance(value, date) else value or ""
    return value, None if shown == printed or not printed.strip() else printed, name, text


def _read_text(text: str) -> Reading:
    if is_plain(text):
        return text, None, "", ""
    printed = unwrap_within(text)
    return _reading(printed, plain(printed))


_read_repeated = lru_cache(_CELLS)(_read_text)


def _read_plain(text: str) -> Reading:
    """As `_read_text`, of a list whose cells hold no mail's wrappers: what is printed stays."""
    return (text, None, "", "") if is_plain(text) else _reading(text, plain(text))


def _verbatim(text: str) -> str:
    return text.strip() if plain(text) else ""


@lru_cache(_CELLS)
def _read_state(text: str) -> Reading:
    printed = unwrap_within(text)
    words = plain(printed)
    if not words:
        return _reading(printed, "")
    state, repaired = read_state(words)
    if state is None:
        return _reading(printed, None, "state-unknown", f"“{words}” is not a state.")
    if repaired:
        return _reading(printed, state, "state-repaired", f"“{words}” was read as {STATE_NAMES[state]}.")
    return _reading(printed, state)


@lru_cache(_CELLS)
def _read_model(text: str) -> Reading:
    printed = unwrap_within(text)
    words = plain(printed)
    model, known = read_model(words) if words else ("", True)
    if known:
        return _reading(printed, model)
    return _reading(printed, model, "support-type-unknown", f"“{words}” is not a support type we know.")


@lru_cache(_CELLS)
def _read_date(years: tuple[int, int], mail: bool, text: str) -> Reading:
    printed = unwrap_within(text) if mail else text
    words = plain(printed)
    if not words:
        return _reading(printed, None)
    found, repaired = read_date(words, years[1], years[0])
    if found is None:
        return _reading(printed, None, "date-unreadable", _unreadable(words, years))
    if repaired:
        return _reading(printed, found, "date-repaired", f"“{words}” was read as {found.isoformat()}.")
    return _reading(printed, found)


def _unreadable(words: str, years: tuple[int, int]) -> str:
    if read_date(words, 9999, 1)[0] is not None:
        return f"“{words}” is no date in the years {years[0]} to {years[1]}."
    return f"“{words}” is no date, or has two readings."


def _read_document(text: str, link: str) -> Reading:
    if ready := ready_address(link or text):
        return ready, None, "", ""
    return _read_document_cell(text, link)


@lru_cache(_CELLS)
def _read_document_cell(text: str, link: str) -> Reading:
    """The address behind the cell, else the one in its text, else "pending" when the text promises one."""
    name, why = "", ""
    for address in (link, first_address(text)):
        if address:
            found, removed = unwrap(address)
            if removed:
                name, why = "link-cleaned" if found else "link-unreadable", f"The link had {removed}."
            if found:
                return found, None, name, why
    printed = unwrap_within(text)
    words = plain(printed)
    if "pending" in words.casefold():
        return "pending", None, name, why
    if words and not name:
        name, why = "link-missing", f"The cell says “{words[:60]}” and has no link."
    return _reading(printed, "", name, why)


class Normaliser:
    """Reads the rows of one table. `published` is the day of the list.

    `fields` are the fields that have a column, `missing` those declared without one, `unknown`
    the headers that are not declared; `findings` is what was odd about the header itself. `meaning` says which
    column was taken for what, and how. A declared field that is not an agreement's own is carried along under its
    name, letter for letter. `ignored` fields make no difference between two rows; `once` says that a row which
    is printed twice is one entry.
    """

    def __init__(
        self,
        header: Sequence[str],
        columns: Mapping[str, str],
        published: date | None = None,
        declared: PublishedList = PARTICIPATING,
    ) -> None:
        found = read_header(header, columns)
        self.missing = found.missing
        self.unknown = tuple(name for _, name in found.others if not name.startswith(_NAMELESS))
        self.findings = found.findings
        self.ignored, self.once = declared.ignore, not declared.of_agreements
        self._declared, self._published = declared, published
        self._combined = tuple(
            (name, field)
            for name, field in declared.fields.items()
            if field.combine and any(part in found.places for part in field.combine)
        )
        self.fields = frozenset((*found.places, *(name for name, _ in self._combined)))
        self.missing = tuple(name for name in self.missing if name not in self.fields)
        self._words = tuple(
            (field, place, found.places[field], self._reader(field))
            for place, field in enumerate(FIELDS)
            if field in found.places and field not in DOCUMENTS
        )
        self._documents = tuple(
            (field, FIELDS.index(field), found.places[field]) for field in DOCUMENTS if field in found.places
        )
        own = ((place, field) for field, place in found.places.items() if field not in FIELDS)
        self._others = tuple(
            (index, name, declared.fields.get(name, Field())) for index, name in sorted((*found.others, *own))
        )
        self.meaning = ",".join(f"{field}={place}" for field, place in sorted(found.places.items()))
        if not declared.mail:
            how = repr((sorted(declared.fields.items()), sorted(declared.ignore), self.once))
            self.meaning += f" {blake2b(how.encode(), digest_size=8).hexdigest()}"

    def _reader(self, field: str) -> Callable[[str], Reading]:
        if field == "state":
            return _read_state
        if field == "support_type":
            return _read_model
        if field == "signed":
            return partial(_read_date, self._years(field), self._declared.mail)
        if not self._declared.mail:
            return _read_plain
        return _read_text if field == "agency" else _read_repeated

    def _years(self, field: str) -> tuple[int, int]:
        """Without declared years: nothing is signed after the next year of the list."""
        declared = self._declared.fields.get(field, Field()).years
        return declared or (FIRST_YEAR, self._published.year + 1 if self._published else _LAST_YEAR)

    def agreement(self, row: Row) -> tuple[Agreement, list[Finding]]:
        cells, links = row.cells, row.links
        values: list[Any] = [None, "", None, None, None, None, None, None]
        printed: list[tuple[str, str]] = []
        findings: list[Finding] = []
        for field, place, index, read in self._words:
            values[place], shown, name, text = read(cells[index])
            if shown is not None:
                printed.append((field, shown))
            if name:
                findings.append(Finding(name, text, row.number))
        for field, place, index in self._documents:
            values[place], shown, name, text = _read_document(cells[index], links[index] if links else "")
            if shown is not None:
                printed.append((field, shown))
            if name:
                findings.append(Finding(name, text, row.number))
        if not self._declared.mail:
            findings += _wrongly_decoded(row)
        extra = self._extra(row, printed, findings) if self._others else ()
        for whole, declared in self._combined:
            said = dict(extra) | dict(zip(FIELDS, values, strict=True))
            joined = declared.separator.join(str(said[part]) for part in declared.combine if said.get(part))
            if whole in FIELDS:
                values[FIELDS.index(whole)] = plain(joined)
            else:
                extra = (*extra, (whole, joined))
        values += (extra, tuple(printed), row.number)
        return Agreement(*values), findings

    def _extra(
        self, row: Row, printed: list[tuple[str, str]], findings: list[Finding]
    ) -> tuple[tuple[str, str], ...]:
        extra = []
        for index, name, field in self._others:
            cell, link = row.cells[index], row.links[index] if row.links else ""
            if self._declared.mail:
                text = _unwrapped(cell, link)
            elif field.kind == "date":
                value, shown, odd, why = _read_date(self._years(name), False, cell)
                text = value.isoformat() if value else _verbatim(cell)
                if value and shown:
                    printed.append((name, shown))
                if odd:
                    findings.append(Finding(f"field-{odd}", f"{name}: {why}", row.number))
            elif field.kind == "document":
                text = _read_document(cell, link)[0]
            elif field.kind == "link":
                text = link.strip() or _verbatim(cell)
            else:
                text = _verbatim(cell)
                if link.startswith(("http://", "https://")) and link not in text:
                    text = f"{text} {link}".strip()
            if text or not name.startswith(_NAMELESS):
                extra.append((name, text))
        return tuple(extra)


def _wrongly_decoded(row: Row) -> Iterator[Finding]:
    """Its cells stay as they are printed; where they are compared, what was meant counts."""
    for cell in row.cells:
        if not cell.isascii() and (meant := decoded(cell)) != cell:
            text = f"“{cell[:60]}” was decoded wrongly; it seems to say “{meant[:60]}”."
            yield Finding("wrongly-decoded", text, row.number)
            return


def _unwrapped(cell: str, link: str) -> str:
    words = unwrap_within(cell)
    address = unwrap(link)[0] if link else ""
    if address and address not in words:
        words = unwrap_within(f"{words} {address}")
    return plain(words)
