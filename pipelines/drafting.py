"""A draft of a list's declaration, from what is at an address. Guesses are marked for a person to look at."""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pipelines.normalise import FIELDS
from pipelines.normalise.dates import read_date
from pipelines.normalise.terms import read_model, read_state
from pipelines.parse import read
from pipelines.parse.sniff import HEAD, looks_like
from pipelines.plain import plain
from pipelines.trial import fetch, slug
from pipelines.values import Row, Table
from scraper.archive import Archive
from scraper.errors import PublisherError, UnreadableError
from scraper.lists import Cadence, Format, PublishedList, Wording
from scraper.settings import Settings
from scraper.spiders.links import DATA, Anchor, anchors

SEEN = 400  # rows by which a column is judged
MOST = 0.95  # of its filled cells
MOST_IN_KEY = 4
_STATE = r"\bstate\b|\bst\b|territory|jurisdiction"
_NAMED = {
    "agency": r"agency|organi[sz]ation|holder|licensee|permittee|company|business|entity|department"
    r"|^(?:.*[._])?(?:full |legal |trade )?name$",
    "county": r"county|parish",
    "signed": r"signed|effective|execut",
}
_NUMBER = re.compile(r"\b(?:no|number|num|id|identifier|#)\b\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Drafted:
    """`text` is TOML; `notes` say what was found and what to look at."""

    text: str
    notes: tuple[str, ...]


def draft(settings: Settings, url: str, *, private: bool = False) -> Drafted:
    """Look at `url`, and at the file it links to if it is a page. Raises what a look raises."""
    with tempfile.TemporaryDirectory(prefix="countersign-new-") as folder:
        archive = Archive(Path(folder))
        asked = _asking(url, private)
        body = _body(settings, archive, asked)
        with archive.local_path(body) as path:
            shape = _format(path)
            if shape != "html":
                return _drafted(replace(asked, format=shape), _table(path, shape), ())
            page = path.read_bytes().decode("utf-8", "replace")
            linked = _files(page, url)
            if not linked:
                return _drafted(
                    asked, _table(path, "html"), ("The table on the page is taken for the list.",)
                )
        anchor = linked[0]
        behind = _asking(anchor.url, private)
        with archive.local_path(_body(settings, archive, behind)) as path:
            shape = _format(path)
            table = _table(path, shape)
            others = tuple(f"The page also links to: {one.text or one.file}" for one in linked[1:6])
            return _drafted(replace(asked, file=None, page=url, format=shape), table, others, anchor)


def _asking(url: str, private: bool) -> PublishedList:
    """A list of any format: only what comes tells which."""
    return PublishedList(
        name="draft", page=None, file=url, format="html", columns={}, cadence=Cadence(()),
        wording=Wording("", "", ""), private_addresses=private,
    )  # fmt: skip


def _body(settings: Settings, archive: Archive, declaration: PublishedList) -> str:
    sha256 = fetch(settings, archive, declaration).sha256
    if sha256 is None:
        raise PublisherError(f"{declaration.file} sent nothing.")
    return sha256


def _format(path: Path) -> Format:
    with path.open("rb") as stream:
        found, allowed = looks_like(stream.read(HEAD), path)
    if not allowed:
        raise UnreadableError(f"What is there looks like {found}, of which no list can be read.")
    # Plain text could be a page's or a JSON document's, but then it would look like one.
    return "csv" if "csv" in allowed and allowed[0] != "json" else allowed[0]  # type: ignore[return-value]


def _files(page: str, url: str) -> list[Anchor]:
    """Links to data files, one for each address, the first ones first."""
    found = {one.url: one for one in anchors(page, url) if one.extension in DATA and not one.scripted}
    return list(found.values())


def _table(path: Path, shape: Format) -> tuple[Table, list[Row], dict[str, str]]:
    """The table, its rows, and the options by which it is read."""
    options = {"rows": _place(json.loads(path.read_bytes()))} if shape == "json" else {}
    options = {name: value for name, value in options.items() if value}
    table = read(path, shape, options)
    return table, list(table.rows), options


def _place(document: Any) -> str:
    """The dotted path to the longest array of objects in a JSON document; "" for its top."""
    found = max(_arrays(document, ""), default=(0, ""), key=lambda pair: pair[0])
    return found[1]


def _arrays(value: Any, place: str) -> Iterator[tuple[int, str]]:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        yield len(value), place
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _arrays(inner, f"{place}.{key}".strip("."))


def _drafted(
    declaration: PublishedList,
    read_table: tuple[Table, list[Row], dict[str, str]],
    notes: Sequence[str],
    anchor: Anchor | None = None,
) -> Drafted:
    table, rows, options = read_table
    header = table.header
    if declaration.format == "csv" and _is_a_row(header, rows[:SEEN]):
        rows = [Row(1, header), *rows]
        header = tuple(str(number) for number in range(1, len(header) + 1))
        options = {**options, "header": "none"}
        notes = (
            *notes,
            "Its first row is taken for one like all others: the columns are called by their numbers.",
        )
    drawn = Draft(replace(declaration, options=options), header, rows, anchor)
    told = [f"{len(rows)} rows, {len(header)} columns ({declaration.format}).", *notes, *drawn.notes]
    return Drafted("\n".join(drawn.lines()) + "\n", tuple(told))


def _is_a_row(header: Sequence[str], rows: Sequence[Row]) -> bool:
    """A header has no numbers and dates above columns of such, and no text that its columns hold again and again."""
    for index, printed in enumerate(header):
        cells = [row.cells[index] for row in rows if row.cells[index].strip()]
        if not printed.strip() or not cells:
            continue
        if kind_of([printed]) in ("number", "date") and kind_of(cells) in ("number", "date"):
            return True
        if cells.count(printed) > len(cells) / 4:
            return True
    return False


_MONEY = re.compile(r"[$€£]\s?-?[\d,.]+|-?[\d,.]+\s?[$€£]")


def kind_of(cells: Sequence[str]) -> str:
    """Of what kind nearly all filled cells of a column are."""
    if not cells:
        return "text"
    for kind, fits in (
        ("link", lambda cell: cell.startswith(("http://", "https://"))),
        ("money", lambda cell: _MONEY.fullmatch(cell.strip()) is not None),
        ("number", lambda cell: re.fullmatch(r"[-+]?[\d.,]*\d", cell.strip()) is not None),
        ("date", _is_date),
    ):
        if sum(map(fits, cells)) >= MOST * len(cells):
            return kind
    return "text"


def _is_date(cell: str) -> bool:
    return len(cell) >= 6 and read_date(plain(cell), 2199, 1800)[0] is not None


class Draft:
    """What a table's columns seem to be, and the lines of TOML that say so."""

    def __init__(
        self, declaration: PublishedList, header: Sequence[str], rows: Sequence[Row], anchor: Anchor | None
    ) -> None:
        self._declaration, self._anchor = declaration, anchor
        self._cells = {
            name: [row.cells[index].strip() for row in rows] for index, name in enumerate(header) if name
        }
        self._rows = len(rows)
        self._columns = dict(_columns(self._cells))
        self._counting = [name for name, cells in self._cells.items() if _counts_up(cells)]
        self._key = self._proposed_key()
        self.notes = tuple(self._said())

    def _share(self, names: Sequence[str]) -> float:
        """The share of rows that these columns tell from all others."""
        rows = list(zip(*(self._cells[name] for name in names), strict=True))
        counted = Counter(rows)
        return sum(1 for row in rows if counted[row] == 1 and any(row)) / max(1, len(rows))

    def _proposed_key(self) -> tuple[str, ...]:
        """One column that tells all rows apart, what is called a number first; else the fewest that do together."""
        names = [name for name in self._cells if name not in self._counting]
        alone = [name for name in names if self._share([name]) == 1.0 and all(self._cells[name])]
        alone.sort(key=lambda name: (not _NUMBER.search(name), not _is_short(self._cells[name])))
        if alone:
            return (alone[0],)
        best: list[str] = []
        while len(best) < MOST_IN_KEY and (not best or self._share(best) < 1.0):
            left = [name for name in names if name not in best and kind_of(self._cells[name]) != "link"]
            if not left:
                break
            found = max(left, key=lambda name: self._share([*best, name]))
            if best and self._share([*best, found]) <= self._share(best):
                break
            best.append(found)
        if best and self._share(best) == 1.0:
            return tuple(best)
        counting = [name for name in self._counting if self._share([name]) == 1.0]
        return tuple(counting[:1])

    def _said(self) -> Iterator[str]:
        unique = {name: self._share([name]) for name in self._cells}
        alike = sorted(((share, name) for name, share in unique.items() if share), reverse=True)[:4]
        if alike:
            yield (
                "Rows that one column tells from all others: "
                + ", ".join(f"{name} {share:.1%}" for share, name in alike)
                + "."
            )
        if len(self._key) > 1:
            yield f"Together they tell all rows apart: {' and '.join(self._key)}."
        if not self._key:
            pair = max(
                combinations([name for name in unique if name not in self._counting], 2),
                key=self._share,
                default=(),
            )
            best = f" The best pair, {' and '.join(pair)}, does for {self._share(pair):.1%}." if pair else ""
            yield f"No columns tell all rows apart: no key is proposed.{best} Say what makes an entry the same entry."
        if ignored := self._ignored():
            yield f"It counts up, so it is ignored: {', '.join(ignored)}."

    def _ignored(self) -> list[str]:
        return [name for name in self._counting if name not in self._key]

    def lines(self) -> Iterator[str]:
        declaration, anchor = self._declaration, self._anchor
        address = declaration.page or declaration.file or ""
        name = _name(anchor.file if anchor else address, address)
        yield f"[lists.{name}]"
        yield f"{'page' if declaration.page else 'file'} = {_quoted(address)}"
        if anchor:
            yield _link(anchor)
        yield f"format = {_quoted(declaration.format)}"
        options = {option: value for option, value in declaration.options.items() if option != "header"}
        if options:
            told = ", ".join(f"{option} = {_quoted(value)}" for option, value in options.items())
            yield f"options = {{ {told} }}"
        if options != declaration.options:
            yield "header = false"
        for option, columns in (("key", self._key), ("ignore", self._ignored())):
            if columns:
                yield f"{option} = [{', '.join(_quoted(self._columns[column]) for column in columns)}]"
        if declaration.private_addresses:
            yield "private_addresses = true"
        yield ""
        yield f"[lists.{name}.columns]"
        yield from (f"{_quoted(printed)} = {_quoted(field)}" for printed, field in self._columns.items())
        if kinds := {field: kind for field, kind in self._kinds() if kind != "text"}:
            yield ""
            yield f"[lists.{name}.fields]"
            yield from (f"{field} = {_quoted(kind)}" for field, kind in kinds.items())
        yield ""
        yield f"[lists.{name}.cadence]"
        yield 'crons = ["0 8,16 * * *"]'
        yield ""
        yield f"[lists.{name}.wording]"
        yield f"title = {_quoted(name.replace('-', ' ').capitalize())}"
        yield 'added = "added"'
        yield 'removed = "left the list"'
        yield from _nouns(name)
        yield ""
        yield f"[lists.{name}.plausible]"
        yield f"rows = [{max(1, self._rows // 2)}, {max(20, self._rows * 3)}]"

    def _kinds(self) -> Iterator[tuple[str, str]]:
        for printed, field in self._columns.items():
            if field not in FIELDS and printed not in self._key:
                yield field, kind_of([cell for cell in self._cells[printed][:SEEN] if cell])


def _is_short(cells: Sequence[str]) -> bool:
    return sum(map(len, cells)) <= 24 * len(cells)


def _counts_up(cells: Sequence[str]) -> bool:
    """A number of the row: one more in each row, wherever it begins."""
    if len(cells) < 3 or not all(cell.isdecimal() and len(cell) < 18 for cell in cells):
        return False
    numbers = [int(cell) for cell in cells]
    return sum(after == before + 1 for before, after in pairwise(numbers)) >= MOST * (len(numbers) - 1)


def _columns(columns: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    taken: set[str] = set()
    for printed, cells in columns.items():
        filled = [cell for cell in cells[:SEEN] if cell]
        meant = next((name for name in _meanings(printed, filled) if name not in taken), None)
        field = given = meant or slug(printed)
        number = 2
        while field in taken or (field in FIELDS and not meant):
            field = f"{given[:37]}_{number}"
            number += 1
        taken.add(field)
        yield printed, field


def _meanings(printed: str, cells: Sequence[str]) -> Iterator[str]:
    """What a column may hold: by its cells and its header where we know the words."""
    if cells and re.search(_STATE, printed, re.IGNORECASE) and all(read_state(cell)[0] for cell in cells):
        yield "state"
    if cells and all(read_model(cell)[1] for cell in cells):
        yield "support_type"
    for field, words in _NAMED.items():
        if re.search(words, printed, re.IGNORECASE) and not _NUMBER.search(printed):
            if field == "signed" and kind_of(cells) != "date":
                continue
            yield field


def _link(anchor: Anchor) -> str:
    if not anchor.text.strip():
        return f"link = {{ file = {_quoted(re.escape(anchor.file))} }}"
    text = re.sub(r"\\? ", r"\\s+", re.sub(r"[^\w\s]+", ".*", anchor.text.strip())) or "(?!)"
    return f"link = {{ text = {_quoted(text)} }}"


def _nouns(name: str) -> Iterator[str]:
    """Of a list that is called after what it holds: known-vulnerabilities."""
    last = name.rpartition("-")[2]
    if len(last) > 4 and last.endswith("s") and not last.endswith("ss"):
        one = f"{last[:-3]}y" if last.endswith("ies") else last[:-1]
        yield f"noun = {_quoted(one)}"
        yield f"nouns = {_quoted(last)}"


def _name(file: str, url: str) -> str:
    stem = unquote(urlsplit(file).path.rstrip("/").rpartition("/")[2]).partition(".")[0]
    words = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\d{4,}\w*", "", stem).casefold()).strip("-")
    host = (urlsplit(url).hostname or "list").removeprefix("www.").partition(".")[0]
    return words[:40].strip("-") or re.sub(r"[^a-z0-9]+", "-", host) or "list"


def _quoted(text: str) -> str:
    escaped = "".join(
        f"\\{mark}" if mark in '"\\' else mark if mark.isprintable() else f"\\u{ord(mark):04x}"
        for mark in text
    )
    return f'"{escaped}"'
