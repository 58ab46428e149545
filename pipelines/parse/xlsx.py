"""Workbooks (Office Open XML): zip, then the links, then one pass over the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path

from pipelines.parse.cells import Texts
from pipelines.parse.frame import LOOK_AHEAD, framed
from pipelines.parse.layout import read_layout
from pipelines.parse.limits import Budget, Limits
from pipelines.parse.links import Links
from pipelines.parse.package import Package
from pipelines.parse.sheet import SheetParser, read_rows
from pipelines.parse.strings import read_strings
from pipelines.parse.styles import read_kinds
from pipelines.parse.tally import Tally
from pipelines.parse.workbook import choose_sheet, read_modified, read_relationships, read_workbook
from pipelines.values import Finding, Row, Table

MACROS = "vbaproject.bin"


def read(path: Path, options: Mapping[str, str], limits: Limits) -> Table:
    """`options["sheet"]` names the sheet; without it the first visible one is read."""
    findings: list[Finding] = []
    tally = Tally()
    budget = Budget(limits)
    package = Package(path, limits)
    workbook = read_workbook(package)
    sheet = choose_sheet(workbook, package, options.get("sheet", ""), findings)
    if any(name.endswith(MACROS) for name in package.names):
        findings.append(Finding("macros", "The workbook carries macros; they were not run"))
    strings = read_strings(
        package, workbook.related("sharedStrings", "xl/sharedStrings.xml", package), budget
    )
    kinds = read_kinds(package, workbook.related("styles", "xl/styles.xml", package))
    links = Links(read_relationships(package, sheet.part), limits)
    read_layout(package.blocks(sheet.part), sheet.part, links, tally)
    parser = SheetParser(sheet.part, Texts(kinds, workbook.since_1904, strings, tally), links, budget)
    rows = _rows(budget.timed(read_rows(package.blocks(sheet.part), parser)))
    header, fitted = framed(islice(rows, LOOK_AHEAD), lambda _: rows, tally, findings)
    return Table(header, fitted, read_modified(package), findings)


def _rows(batches: Iterator[list[Row]]) -> Iterator[Row]:
    return chain.from_iterable(batches)
