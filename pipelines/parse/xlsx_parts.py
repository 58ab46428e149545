"""The parts of a workbook beside its rows: which sheet is read, what its styles mean, its shared texts, its links."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import repeat

from pipelines.parse.package import OwnNames, Package, XmlParser, resolve, walk
from pipelines.parse.table import Limits, Reading
from pipelines.parse.xlsx_cells import ESCAPED, RELATED, Kind, Links, column_index, unescape
from pipelines.parse.xlsx_fast import (
    Repeated,
    columns_of,
    hides_tags,
    is_legal,
    is_plain,
    is_plain_start,
    plain_text,
    read_pieces,
)
from pipelines.values import Finding
from scraper.errors import UnreadableError

WORKBOOK = "xl/workbook.xml"
CORE = "docProps/core.xml"
MODIFIED = "http://purl.org/dc/terms/}modified"
# The formats that every program knows by number: dates and times, also those of East Asian locales.
BUILT_IN_DATES = frozenset([*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)])
BUILT_IN_DURATIONS = frozenset([46])
ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
# What is printed as it stands (quoted, escaped, padded) and what is in brackets (colours, locales).
LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
DATE_LETTERS = re.compile(r"[dmyhs]", re.IGNORECASE)
GENERAL = re.compile(r"general", re.IGNORECASE)
RELATIONSHIPS = Repeated(re.compile(rb"<Relationships\b[^>]*>"), b"/>", b"</Relationships")
STRINGS = Repeated(re.compile(rb"<sst\b[^>]*>"), b"</si>", b"</sst")
COLUMN = re.compile("[A-Z]{1,3}")
DIGITS = "0123456789"
ELEMENT = re.compile(
    r'<hyperlink ref="([A-Z]{1,3})([1-9][0-9]{0,8})" r:id="([^"&<]+)"'
    r'(?: tooltip="[^"<]*")?(?: display="[^"<]*")?(?: xr:uid="[^"<]*")?/>'
)
BEFORE, AFTER, PLAIN_TAGS = "<si><t>", "</t></si>", 4
COMMON = re.compile('<si><t(?: xml:space="preserve")?+>([^<]*+)</t></si>')
HYPERLINKS = Repeated(re.compile(rb"<hyperlinks\b[^>]*>"), b"/>", b"</hyperlinks")
OPENING, CLOSING = b"<sheetData>", b"</sheetData>"

Blocks = Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Relationship:
    """`kind` is the last word of its type; `target` is as written: a part, or an address when `external`."""

    kind: str
    target: str
    external: bool


def _part(source: str) -> str:
    folder, _, name = source.rpartition("/")
    return f"{folder}/_rels/{name}.rels".lstrip("/")


def read_relationships(package: Package, source: str) -> dict[str, Relationship]:
    """By id. A part without relationships has none; they are followed one step, so a circle does no harm."""
    found: dict[str, Relationship] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship":
            found[attributes.get("Id", "")] = Relationship(
                attributes.get("Type", "").rpartition("/")[2],
                attributes.get("Target", ""),
                attributes.get("TargetMode") == "External",
            )

    part = _part(source)
    if part in package:
        walk(package.blocks(part), part, start)
    return found


def read_targets(package: Package, source: str, limits: Limits) -> dict[str, str]:
    """Only the targets, by id: a sheet may have tens of thousands."""
    part = _part(source)
    if part not in package:
        return {}
    pairs: list[tuple[str, str]] = []
    names = OwnNames()

    def start(tag: str, attributes: dict[str, str]) -> None:
        if names[tag] == "Relationship":
            pairs.append((attributes.get("Id", ""), attributes.get("Target", "")))

    def slow(piece: bytes, final: bool) -> list[tuple[str, str]]:
        parser.feed(piece, final)
        made = pairs[:]
        pairs.clear()
        return made

    def quick(text: str) -> list[tuple[str, str]] | None:
        columns = columns_of(text, "Relationship")
        if columns is None or not {"Id", "Target"} <= columns.keys():
            return None
        return list(zip(columns["Id"], columns["Target"], strict=True))

    parser = XmlParser(part, start)
    targets: dict[str, str] = {}
    for batch in read_pieces(package.blocks(part), RELATIONSHIPS, slow, quick):
        targets.update(batch)
        if len(targets) > limits.max_links:
            raise UnreadableError(f"The sheet has more than {limits.max_links:,} links.")
    return targets


@dataclass(slots=True)
class Sheet:
    """`part` is the name of its part in the package."""

    name: str
    part: str
    hidden: bool


@dataclass(slots=True)
class Workbook:
    """`sheets` are in the order of their tabs; with `since_1904` dates count from then and not from 1900."""

    part: str
    sheets: list[Sheet] = field(default_factory=list)
    since_1904: bool = False
    relationships: dict[str, Relationship] = field(default_factory=dict)

    def related(self, kind: str, default: str, package: Package) -> str | None:
        """The part of that kind (the last word of a relationship's type), if the package has one."""
        named = [
            link.target for link in self.relationships.values() if link.kind == kind and not link.external
        ]
        candidates = [resolve(self.part, target) for target in named] + [default]
        return next((name for name in candidates if name in package), None)


def read_workbook(package: Package) -> Workbook:
    """Raises UnreadableError when the package holds no workbook."""
    root = read_relationships(package, "")
    named = [resolve("", link.target) for link in root.values() if link.kind == "officeDocument"]
    part = next((name for name in [*named, WORKBOOK] if name in package), None)
    if part is None:
        raise UnreadableError("The archive holds no workbook: its part xl/workbook.xml is missing.")
    workbook = Workbook(part, relationships=read_relationships(package, part))

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet":
            workbook.sheets.append(_sheet(workbook, attributes, len(workbook.sheets) + 1))
        elif tag == "workbookPr":
            workbook.since_1904 = is_true(attributes.get("date1904"))

    walk(package.blocks(part), part, start)
    return workbook


def _sheet(workbook: Workbook, attributes: Mapping[str, str], place: int) -> Sheet:
    identifier = next((value for key, value in attributes.items() if key.endswith(RELATED)), "")
    link = workbook.relationships.get(identifier)
    if link is None:
        part = f"xl/worksheets/sheet{place}.xml"
    else:
        part = resolve(workbook.part, link.target) if link.kind == "worksheet" else ""
    return Sheet(attributes.get("name", ""), part, attributes.get("state", "visible") != "visible")


def choose_sheet(workbook: Workbook, package: Package, wanted: str, findings: list[Finding]) -> Sheet:
    """The sheet named `wanted`, or the first visible one; the others are reported."""
    sheets = [sheet for sheet in workbook.sheets if sheet.part]
    if wanted:
        chosen = next((sheet for sheet in sheets if sheet.name.strip().casefold() == wanted.casefold()), None)
        if chosen is None:
            raise UnreadableError(f"The workbook has no sheet called {wanted!r}.")
    else:
        chosen = next((sheet for sheet in sheets if not sheet.hidden), None)
        if chosen is None:
            raise UnreadableError("The workbook has no visible sheet.")
    if chosen.part not in package:
        raise UnreadableError(f"The archive lacks its part {chosen.part}, the sheet {chosen.name!r}.")
    others = [sheet for sheet in sheets if sheet is not chosen]
    if others:
        names = ", ".join(f"{sheet.name!r}{' (hidden)' if sheet.hidden else ''}" for sheet in others)
        text = f"Only the sheet {chosen.name!r} was read; there is also {names}"
        findings.append(Finding("extra-sheets", text))
    if any(sheet.hidden for sheet in others):
        findings.append(Finding("hidden-sheets", "The workbook has hidden sheets; they were not read"))
    return chosen


def is_true(value: str | None) -> bool:
    return value in ("1", "true", "on")


def read_modified(package: Package) -> datetime | None:
    """The time of the last edit as the workbook states it; None when it states none or rubbish."""
    texts: list[str] = []
    inside = False

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal inside
        inside = tag == MODIFIED

    def text(piece: str) -> None:
        if inside:
            texts.append(piece)

    def end(_: str) -> None:
        nonlocal inside
        inside = False

    if CORE not in package:
        return None
    try:
        walk(package.blocks(CORE), CORE, start, end, text)
        moment = datetime.fromisoformat("".join(texts).strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (UnreadableError, ValueError, OverflowError):
        return None


def kind_of(code: str) -> Kind:
    """What a format code shows; only its first section (positive numbers) counts."""
    first = code.partition(";")[0]
    if ELAPSED.search(first):
        return "duration"
    bare = GENERAL.sub("", LITERAL.sub("", first))
    return "date" if DATE_LETTERS.search(bare) else "number"


def read_kinds(package: Package, part: str | None) -> list[Kind]:
    """For each cell style, by its index, what its format shows."""
    formats: dict[str, str] = {}
    styles: list[str] = []
    inside = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        if tag == "numFmt":
            formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif tag == "cellXfs":
            inside = True
        elif tag == "xf" and inside:
            styles.append(attributes.get("numFmtId", "0"))

    def end(tag: str) -> None:
        nonlocal inside
        if tag == "cellXfs":
            inside = False

    if part is None:
        return []
    walk(package.blocks(part), part, start, end)
    return [_kind(number, formats) for number in styles]


def _kind(number: str, formats: dict[str, str]) -> Kind:
    if number in formats:
        return kind_of(formats[number])
    if not number.isdecimal() or len(number) > 9:
        return "number"
    if int(number) in BUILT_IN_DURATIONS:
        return "duration"
    return "date" if int(number) in BUILT_IN_DATES else "number"


class StringsParser:
    """The runs of a formatted text are joined; phonetic runs are left out."""

    def __init__(self, part: str, reading: Reading) -> None:
        self._reading = reading
        self._strings: list[str] = []
        self._pieces: list[str] = []
        self._phonetic = self._collecting = False
        self._length = 0
        self._names = OwnNames()
        self._parser = XmlParser(part, self._start, self._end, self._text)

    def slow(self, piece: bytes, final: bool) -> list[str]:
        self._parser.feed(piece, final)
        strings, self._strings = self._strings, []
        return strings

    def quick(self, text: str) -> list[str] | None:
        made = text[len(BEFORE) : -len(AFTER)].split(AFTER + BEFORE)
        alike = text.startswith(BEFORE) and text.endswith(AFTER) and text.count("<") == len(made) * PLAIN_TAGS
        if not alike:
            made = COMMON.findall(text)
        if len(made) != text.count(BEFORE[:3]) or not (is_plain(text) and is_legal(text)):
            return None
        if "&" in text:
            made = [plain_text(string) for string in made]
        if "_x" in text:
            made = [unescape(string) for string in made]
        self._reading.check_text(max(map(len, made), default=0))
        return made

    def _start(self, tag: str, _: dict[str, str]) -> None:
        name = self._names[tag]
        if name == "t":
            self._collecting = not self._phonetic
        elif name == "rPh":
            self._phonetic = True

    def _text(self, piece: str) -> None:
        if self._collecting:
            self._pieces.append(piece)
            self._length += len(piece)
            self._reading.check_text(self._length // ESCAPED)

    def _end(self, tag: str) -> None:
        name = self._names[tag]
        if name == "t":
            self._collecting = False
        elif name == "rPh":
            self._phonetic = False
        elif name == "si":
            text = unescape("".join(self._pieces))
            self._reading.check_text(len(text))
            self._strings.append(text)
            self._pieces.clear()
            self._length = 0


def read_strings(package: Package, part: str | None, reading: Reading) -> list[str]:
    """By index; empty when the workbook keeps its text in the cells."""
    if part is None:
        return []
    parser = StringsParser(part, reading)
    strings: list[str] = []
    for batch in reading.timed(read_pieces(package.blocks(part), STRINGS, parser.slow, parser.quick)):
        strings += batch
        reading.check_strings(len(strings))
    return strings


def around_rows(blocks: Blocks) -> Iterator[bytes]:
    """The sheet without its rows where its bytes tell for sure where they end, else the whole sheet."""
    stream = blocks()
    within = next(stream, b"")
    start = within.find(OPENING) + len(OPENING)
    head, within = within[:start], within[start:]
    if not head.endswith(OPENING) or not is_plain_start(head):
        within = b""
    while within:
        end = within.find(CLOSING)
        if hides_tags(within[: end if end >= 0 else None]):
            break
        if end >= 0:
            yield head + within[end:]
            yield from stream
            return
        block = next(stream, b"")
        within = within[-len(CLOSING) :] + block if block else b""
    yield from blocks()


def read_layout(blocks: Blocks, part: str, links: Links, reading: Reading) -> None:
    has_data = False
    names = OwnNames()

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal has_data
        name = names[tag]
        if name == "hyperlink":
            links.add(attributes)
        elif name == "mergeCell":
            reading.note("merged-cells")
        elif name == "col" and is_true(attributes.get("hidden")):
            reading.note("hidden-columns", count=_span(attributes))
        elif name == "sheetData":
            has_data = True

    def slow(piece: bytes, final: bool) -> list[None]:
        parser.feed(piece, final)
        return []

    def quick(text: str) -> list[None] | None:
        return _fast_links(links, text)

    parser = XmlParser(part, start)
    for _ in read_pieces(around_rows(blocks), HYPERLINKS, slow, quick):
        pass
    if not has_data:
        raise UnreadableError(f"{part} is no sheet: it has no element for rows.")


def _span(attributes: dict[str, str]) -> int:
    """How many columns one column element describes."""
    first, last = attributes.get("min", ""), attributes.get("max", "")
    return max(1, int(last[:9]) - int(first[:9]) + 1) if first.isdecimal() and last.isdecimal() else 1


def _fast_links(links: Links, text: str) -> list[None] | None:
    """Many hyperlink elements at once, when all are written alike and each has one cell and one address."""
    columns = columns_of(text, "hyperlink")
    if columns is None:
        return _links_one_by_one(links, text)
    if "r:id" not in columns or "ref" not in columns or "location" in columns:
        return None
    references, targets = columns["ref"], list(map(links.targets.get, columns["r:id"], repeat("")))
    column = references[0].rstrip(DIGITS)
    rows = _rows_of(references, column)
    if rows is None or not all(targets) or not COLUMN.fullmatch(column):
        return None
    links.add_count(len(rows))
    place = column_index(column)
    links.columns.setdefault(place, {}).update(zip(rows, targets, strict=True))
    links.extend(place)
    return []


def _links_one_by_one(links: Links, text: str) -> list[None] | None:
    """The same of elements that are not alike, in the order in which the usual programs write attributes."""
    if ELEMENT.sub("", text).strip(" ") or not (is_plain(text) and is_legal(text)):
        return None
    columns: dict[str, dict[int, str]] = {}
    found = ELEMENT.findall(text)
    for column, row, identifier in found:
        target = links.targets.get(identifier)
        if not target:
            return None
        columns.setdefault(column, {})[int(row)] = target
    links.add_count(len(found))
    for column, rows in columns.items():
        place = column_index(column)
        links.columns.setdefault(place, {}).update(rows)
        links.extend(place)
    return []


def _rows_of(references: Sequence[str], column: str) -> list[int] | None:
    """Row numbers; None when one of the references is an area or of another column."""
    before, *rows = f",{','.join(references)}".split(f",{column}")
    digits = "".join(rows)
    if before or "" in rows or not (digits.isascii() and digits.isdecimal()) or max(map(len, rows)) > 9:
        return None
    return list(map(int, rows))
