"""How the cells of one column are written, as a regular expression, and what their groups mean.

A column that is written in one way throughout needs one group for its value; a mixed one needs three.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from pipelines.parse.cells import OddValueError, Texts, unescape
from pipelines.parse.pieces import plain_text

VALUE = r"<v>([0-9A-Ze.+#/!?-]*+)</v></c>"
INDEX = r"<v>([0-9]++)</v></c>"
TEXT = r'<is><t(?: xml:space="preserve")?+>([^<]*+)</t></is></c>'
STYLE = r'(?: s="[0-9]++")?+'
ATTRIBUTES = re.compile(r'(?: s="([0-9]{1,6})")?(?: t="(s|n|b|e|str|inlineStr)")?')
# Values that came before (states, models and dates repeat) are remembered, up to this many.
REMEMBERED = 20_000
MOST_STYLES = 8


class Column(Protocol):
    """`pattern` begins after a cell's reference; `read` takes what its groups found and gives the texts.

    `read` raises ValueError or IndexError when a cell needs a closer look.
    """

    pattern: str
    groups: int
    holds_text: bool

    def read(self, found: Sequence[Sequence[str]]) -> Sequence[str]: ...


class Known(dict[str, str]):
    """Stored value to text, for one type and format."""

    def __init__(self, texts: Texts, style: str, stored: str) -> None:
        super().__init__({"": ""})
        self._texts, self._style, self._stored = texts, style, stored

    def __missing__(self, value: str) -> str:
        if len(self) > REMEMBERED:
            self.clear()
        if self._stored == "s":
            text = self._texts.strings[int(value)] if value else ""
        else:
            text = self._texts.text(self._stored, self._style, value)
        self[value] = text
        return text


class SharedColumn:
    """Indices of shared texts."""

    pattern = STYLE + r' t="s">' + INDEX
    groups = 1
    holds_text = False

    def __init__(self, texts: Texts) -> None:
        self._strings = texts.strings
        self._known: Known | None = Known(texts, "", "s")

    def read(self, found: Sequence[Sequence[str]]) -> Sequence[str]:
        (values,) = found
        if self._known is not None:
            before = len(self._known)
            read = list(map(self._known.__getitem__, values))
            if len(self._known) - before > len(values) // 2:
                self._known = None  # hardly a text comes twice: remembering costs more than it saves
            return read
        if "" in values:
            return [self._strings[int(value)] if value else "" for value in values]
        return list(map(self._strings.__getitem__, map(int, values)))


class UniformColumn:
    """Values of one type and format, under one or a few styles."""

    groups = 1
    holds_text = False

    def __init__(self, texts: Texts, attributes: Iterable[str], style: str, stored: str) -> None:
        self.pattern = f"(?:{'|'.join(map(re.escape, sorted(attributes)))})>{VALUE}"
        self._known = Known(texts, style, stored)

    def read(self, found: Sequence[Sequence[str]]) -> Sequence[str]:
        return list(map(self._known.__getitem__, found[0]))


class TextColumn:
    """Texts that stand in their cells."""

    pattern = STYLE + r' t="inlineStr">' + TEXT
    groups = 1
    holds_text = True

    def read(self, found: Sequence[Sequence[str]]) -> Sequence[str]:
        return [unescape(plain_text(text)) for text in found[0]]


class MixedColumn:
    """Anything, told apart cell by cell; remembers how its filled cells were written."""

    pattern = rf"([^>/]*+)>(?:{VALUE}|{TEXT})"
    groups = 3
    holds_text = True

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._known: dict[str, Known] = {}
        self.written: dict[str, tuple[str, str]] = {}

    def read(self, found: Sequence[Sequence[str]]) -> Sequence[str]:
        return [
            self._text(attributes, value, text) if value or text else ""
            for attributes, value, text in zip(*found, strict=True)
        ]

    def _text(self, attributes: str, value: str, text: str) -> str:
        if attributes not in self.written:
            self._learn(attributes)
        if text:
            if self.written[attributes][1] != "inlineStr":
                raise OddValueError
            return unescape(plain_text(text))
        if value.startswith("-") and self.written[attributes][1] == "s":
            raise OddValueError
        return self._known[attributes][value]

    def _learn(self, attributes: str) -> None:
        found = ATTRIBUTES.fullmatch(attributes)
        if not found:
            raise OddValueError
        style, stored = found[1] or "", found[2] or ""
        self.written[attributes] = (style, stored)
        self._known[attributes] = Known(self._texts, style, stored)

    def narrowed(self) -> Column:
        """The simplest column that holds all that came so far; this one when nothing simpler does."""
        stored = {kind for _, kind in self.written.values()}
        if stored <= {"s"}:
            return SharedColumn(self._texts)
        if stored == {"inlineStr"}:
            return TextColumn()
        meanings = {(self._texts.kind(style), kind) for style, kind in self.written.values()}
        if len(meanings) > 1 or "s" in stored or "inlineStr" in stored or len(self.written) > MOST_STYLES:
            return self
        return UniformColumn(self._texts, self.written, *next(iter(self.written.values())))
