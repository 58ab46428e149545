"""Oddities that are counted while rows pass and told once, at the end."""

from __future__ import annotations

from pipelines.values import Finding

TEXTS = {
    "formulas": "{count} cells hold formulas; the values stored with them were read",
    "formulas-without-value": "{count} cells hold formulas whose value was never stored; they read as blank",
    "hidden-rows": "{count} rows are hidden; they were read",
    "hidden-columns": "{count} columns are hidden; they were read",
    "merged-cells": "{count} areas of merged cells; only the first cell of each has a value",
    "beyond-header": "{count} rows have text to the right of the last header; it was left out",
    "unnamed-column": "{count} rows have text in a column without a header",
    "short-rows": "{count} rows have fewer cells than the header",
    "odd-characters": "{count} rows hold control, invisible or direction-changing characters: {what}",
    "impossible-date": "{count} cells are formatted as dates that cannot be; their number was kept",
    "odd-number": "{count} cells hold something that is no number where a number belongs; its text was kept",
    "many-lines": "{count} records go over more than 20 lines, as after a quotation mark never closed",
    "hidden-cells": "{count} cells are hidden on the page; they were read",
    "several-links": "{count} cells hold more than one link; the first was read",
    "row-order": "{count} rows are out of order",
    "out-of-place": "{count} cells say that they belong to another row than the one they stand in",
}


class Tally:
    """Findings of a kind, counted while a file is read and told once: how often, where first, and of what."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._first: dict[str, int | None] = {}
        self._what: dict[str, set[str]] = {}

    def add(self, name: str, row: int | None = None, what: str | None = None, count: int = 1) -> None:
        self._counts[name] = self._counts.get(name, 0) + count
        self._first.setdefault(name, row)
        if what is not None:
            self._what.setdefault(name, set()).add(what)

    def findings(self) -> list[Finding]:
        return [
            Finding(
                name,
                TEXTS[name].format(count=f"{count:,}", what=", ".join(sorted(self._what.get(name, ())))),
                self._first[name],
            )
            for name, count in self._counts.items()
        ]
