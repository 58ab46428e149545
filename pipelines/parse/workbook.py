"""The small parts of a workbook: which sheet is read, what its cell styles mean, when it was last edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pipelines.parse.markup import local, walk
from pipelines.parse.package import Package, resolve
from pipelines.parse.relationships import Relationship, read_relationships
from pipelines.values import Finding
from scraper.errors import UnreadableError

WORKBOOK = "xl/workbook.xml"
CORE = "docProps/core.xml"


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
        name = local(tag)
        if name == "sheet":
            workbook.sheets.append(_sheet(workbook, attributes, len(workbook.sheets) + 1))
        elif name == "workbookPr":
            workbook.since_1904 = is_true(attributes.get("date1904"))

    walk(package.blocks(part), part, start)
    return workbook


def _sheet(workbook: Workbook, attributes: Mapping[str, str], place: int) -> Sheet:
    identifier = next((value for key, value in attributes.items() if key.endswith(":id")), "")
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
        inside = local(tag) == "modified"

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
