"""The shared strings of a workbook."""

from __future__ import annotations

import re

from pipelines.parse.cells import unescape
from pipelines.parse.limits import Budget
from pipelines.parse.markup import feed, local, make_parser
from pipelines.parse.package import Package
from pipelines.parse.pieces import Repeated, is_legal, is_plain, plain_text, read_pieces

BEFORE, AFTER, PLAIN_TAGS = "<si><t>", "</t></si>", 4
COMMON = re.compile('<si><t(?: xml:space="preserve")?+>([^<]*+)</t></si>')
REPEATED = Repeated(re.compile(rb"<sst\b[^>]*>"), b"</si>", b"</sst")


class StringsParser:
    """The runs of a formatted text are joined; phonetic runs are left out."""

    def __init__(self, part: str, budget: Budget) -> None:
        self._part = part
        self._budget = budget
        self._strings: list[str] = []
        self._pieces: list[str] = []
        self._phonetic = self._collecting = False
        self._parser = make_parser(part)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def slow(self, piece: bytes, final: bool) -> list[str]:
        feed(self._parser, piece, self._part, final)
        strings, self._strings = self._strings, []
        return strings

    def quick(self, text: str) -> list[str] | None:
        made = text[len(BEFORE) : -len(AFTER)].split(AFTER + BEFORE)
        alike = text.startswith(BEFORE) and text.endswith(AFTER) and text.count("<") == len(made) * PLAIN_TAGS
        if not alike:
            made = COMMON.findall(text)
        if len(made) != text.count(BEFORE[:3]) or not (is_plain(text) and is_legal(text)):
            return None
        self._budget.check_text(max(map(len, made), default=0))
        if "&" in text:
            made = [plain_text(string) for string in made]
        return [unescape(string) for string in made] if "_x" in text else made

    def _start(self, tag: str, _: dict[str, str]) -> None:
        name = local(tag)
        if name == "t":
            self._collecting = not self._phonetic
        elif name == "rPh":
            self._phonetic = True

    def _text(self, piece: str) -> None:
        if self._collecting:
            self._pieces.append(piece)

    def _end(self, tag: str) -> None:
        name = local(tag)
        if name == "t":
            self._collecting = False
        elif name == "rPh":
            self._phonetic = False
        elif name == "si":
            text = "".join(self._pieces)
            self._budget.check_text(len(text))
            self._strings.append(unescape(text))
            self._pieces.clear()


def read_strings(package: Package, part: str | None, budget: Budget) -> list[str]:
    """By index; empty when the workbook keeps its text in the cells."""
    if part is None:
        return []
    parser = StringsParser(part, budget)
    strings: list[str] = []
    for batch in budget.timed(read_pieces(package.blocks(part), REPEATED, parser.slow, parser.quick)):
        strings += batch
    return strings
