"""Which number formats of a workbook show dates."""

from __future__ import annotations

import re
from typing import Literal

from pipelines.parse.markup import local, walk
from pipelines.parse.package import Package

Kind = Literal["number", "date", "duration"]

# The formats that every program knows by number: dates and times, also those of East Asian locales.
BUILT_IN_DATES = frozenset([*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)])
BUILT_IN_DURATIONS = frozenset([46])
ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
# What is printed as it stands (quoted, escaped, padded) and what is in brackets (colours, locales).
LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
DATE_LETTERS = re.compile(r"[dmyhs]", re.IGNORECASE)
GENERAL = re.compile(r"general", re.IGNORECASE)


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
        name = local(tag)
        if name == "numFmt":
            formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            inside = True
        elif name == "xf" and inside:
            styles.append(attributes.get("numFmtId", "0"))

    def end(tag: str) -> None:
        nonlocal inside
        if local(tag) == "cellXfs":
            inside = False

    if part is None:
        return []
    walk(package.blocks(part), part, start, end)
    return [_kind(number, formats) for number in styles]


def _kind(number: str, formats: dict[str, str]) -> Kind:
    if number in formats:
        return kind_of(formats[number])
    if not number.isdecimal():
        return "number"
    if int(number) in BUILT_IN_DURATIONS:
        return "duration"
    return "date" if int(number) in BUILT_IN_DATES else "number"
