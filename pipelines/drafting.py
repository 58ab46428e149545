"""A draft of a list's declaration, from what is at an address. Guesses are marked for a person to look at."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pipelines.normalise import Normaliser
from pipelines.normalise.terms import read_model, read_state
from pipelines.parse import read
from pipelines.parse.sniff import HEAD, looks_like
from pipelines.trial import fetch, slug
from pipelines.values import Row, Table
from scraper.archive import Archive
from scraper.errors import PublisherError, UnreadableError
from scraper.lists import Cadence, Format, PublishedList, Wording
from scraper.settings import Settings
from scraper.spiders.links import DATA, Anchor, anchors

SEEN = 400  # rows by which a column is judged
_NAMED = {
    "agency": r"agency|organi[sz]ation|holder|licensee|permittee|company|business|entity|department|name",
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
    declaration = replace(declaration, options=options)
    columns = dict(_columns(table.header, rows[:SEEN]))
    key = _key(columns, table.header, rows)
    lines = list(_lines(declaration, columns, key, len(rows), anchor))
    unsure = () if "agency" in columns.values() else ("Say which column names whom a row is about: agency.",)
    found = f"{len(rows)} rows, {len(table.header)} columns ({declaration.format})."
    return Drafted("\n".join(lines) + "\n", (found, *notes, *unsure))


def _columns(header: Sequence[str], rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    taken: set[str] = set()
    for index, printed in enumerate(header):
        if not printed:
            continue
        cells = [row.cells[index] for row in rows if row.cells[index].strip()]
        field = next((name for name in _meanings(printed, cells) if name not in taken), None) or slug(printed)
        while field in taken:
            field = f"{field}_2"[:40]
        taken.add(field)
        yield printed, field


def _meanings(printed: str, cells: Sequence[str]) -> Iterator[str]:
    """What a column may hold: by its cells where we know the words, else by its header."""
    if cells and all(read_state(cell)[0] for cell in cells):
        yield "state"
    if cells and all(read_model(cell)[1] for cell in cells):
        yield "support_type"
    for field, words in _NAMED.items():
        if re.search(words, printed, re.IGNORECASE) and not _NUMBER.search(printed):
            if field == "signed" and not _dates(cells):
                continue
            yield field


def _dates(cells: Sequence[str]) -> bool:
    normaliser = Normaliser(("signed",), {"signed": "signed"})
    return bool(cells) and all(normaliser.agreement(Row(1, (cell,)))[0].signed for cell in cells)


def _key(columns: dict[str, str], header: Sequence[str], rows: Sequence[Row]) -> tuple[str, ...]:
    """A number that no two rows share, else who, where and what."""
    for index, printed in enumerate(header):
        cells = [row.cells[index] for row in rows]
        if printed and _NUMBER.search(printed) and all(cells) and len(set(cells)) == len(cells):
            return (columns[printed],)
    return tuple(name for name in ("state", "agency", "support_type") if name in columns.values())


def _lines(
    declaration: PublishedList,
    columns: dict[str, str],
    key: tuple[str, ...],
    rows: int,
    anchor: Anchor | None,
) -> Iterator[str]:
    address = declaration.page or declaration.file or ""
    name = _name(anchor.file if anchor else address, address)
    yield f"[lists.{name}]"
    yield f"{'page' if declaration.page else 'file'} = {_quoted(address)}"
    if anchor:
        text = re.sub(r"\\? ", r"\\s+", re.sub(r"[^\w\s]+", ".*", anchor.text.strip())) or "(?!)"
        yield (
            f"link = {{ text = {_quoted(text)} }}"
            if anchor.text.strip()
            else (f"link = {{ file = {_quoted(re.escape(anchor.file))} }}")
        )
    yield f"format = {_quoted(declaration.format)}"
    if declaration.options:
        told = ", ".join(f"{name} = {_quoted(value)}" for name, value in declaration.options.items())
        yield f"options = {{ {told} }}"
    if key:
        yield f"key = [{', '.join(map(_quoted, key))}]"
    if declaration.private_addresses:
        yield "private_addresses = true"
    yield ""
    yield f"[lists.{name}.columns]"
    yield from (f"{_quoted(printed)} = {_quoted(field)}" for printed, field in columns.items())
    yield ""
    yield f"[lists.{name}.cadence]"
    yield 'crons = ["0 8,16 * * *"]'
    yield ""
    yield f"[lists.{name}.wording]"
    yield f"title = {_quoted(name.replace('-', ' ').capitalize())}"
    yield 'added = "added"'
    yield 'removed = "left the list"'
    yield ""
    yield f"[lists.{name}.plausible]"
    yield f"rows = [{max(1, rows // 2)}, {max(20, rows * 3)}]"


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
