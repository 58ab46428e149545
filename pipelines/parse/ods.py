"""OpenDocument spreadsheets: the first sheet of content.xml, in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path

from pipelines.parse.frame import LOOK_AHEAD, Fit, framed
from pipelines.parse.limits import Budget, Limits
from pipelines.parse.markup import local, walk
from pipelines.parse.ods_sheet import CONTENT, SheetParser
from pipelines.parse.package import Package
from pipelines.parse.tally import Tally
from pipelines.values import Finding, Row, Table
from scraper.errors import UnreadableError

META = "meta.xml"
MANIFEST = "META-INF/manifest.xml"


def read(path: Path, options: Mapping[str, str], limits: Limits) -> Table:
    """`options["sheet"]` names the sheet; without it the first one is read."""
    findings: list[Finding] = []
    tally = Tally()
    budget = Budget(limits)
    package = Package(path, limits)
    if MANIFEST in package and b"encryption-data" in b"".join(package.blocks(MANIFEST)):
        raise UnreadableError("The file looks like an encrypted spreadsheet.")
    if any(name.startswith("basic/") for name in package.names):
        findings.append(Finding("macros", "The spreadsheet carries macros; they were not run"))
    parser = SheetParser(options.get("sheet", ""), budget, tally)
    rows = chain.from_iterable(budget.timed(_batches(package, parser)))
    ahead = list(islice(rows, LOOK_AHEAD))

    def rest(fit: Fit) -> Iterator[Row]:
        yield from fit.rows(rows)
        if parser.others:
            names = ", ".join(map(repr, parser.others))
            findings.append(Finding("extra-sheets", f"Only one sheet was read; there is also {names}"))

    header, fit = framed(ahead, rest, tally, findings)
    return Table(header, fit, _modified(package), findings)


def _batches(package: Package, parser: SheetParser) -> Iterator[list[Row]]:
    for block in package.blocks(CONTENT):
        yield parser.feed(block, False)
    yield parser.feed(b"", True)
    if not parser.found:
        raise UnreadableError("The spreadsheet has no sheet of that name, or none at all.")


def _modified(package: Package) -> datetime | None:
    """The time of the last edit as the document states it; None when it states none or rubbish."""
    texts: list[str] = []
    inside = False

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal inside
        inside = tag == "dc:date"

    def text(piece: str) -> None:
        if inside:
            texts.append(piece)

    def end(tag: str) -> None:
        nonlocal inside
        inside = inside and local(tag) != "date"

    if META not in package:
        return None
    try:
        walk(package.blocks(META), META, start, end, text)
        moment = datetime.fromisoformat("".join(texts).strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (UnreadableError, ValueError, OverflowError):
        return None
