"""The shared strings of a workbook."""

from __future__ import annotations

from pipelines.parse.cells import unescape
from pipelines.parse.limits import Budget
from pipelines.parse.markup import local, walk
from pipelines.parse.package import Package


def read_strings(package: Package, part: str | None, budget: Budget) -> list[str]:
    """By index. The runs of a formatted text are joined; phonetic runs are left out."""
    if part is None:
        return []
    strings: list[str] = []
    pieces: list[str] = []
    phonetic = collecting = False

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal phonetic, collecting
        name = local(tag)
        if name == "t":
            collecting = not phonetic
        elif name == "rPh":
            phonetic = True

    def end(tag: str) -> None:
        nonlocal phonetic, collecting
        name = local(tag)
        if name == "t":
            collecting = False
        elif name == "si":
            text = "".join(pieces)
            budget.check_text(len(text))
            strings.append(unescape(text))
            pieces.clear()
        elif name == "rPh":
            phonetic = False

    def text(piece: str) -> None:
        if collecting:
            pieces.append(piece)

    walk(package.blocks(part), part, start, end, text)
    return strings
