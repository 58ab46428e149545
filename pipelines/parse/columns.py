"""How the cells of one column are written, as a regular expression, and what their groups mean.

A column that is written in one way throughout needs one group for its value, or one more for its style; a mixed one
needs three.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import compress
from operator import not_
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

    `verbatim` says that there is nothing to undo in texts. `read` raises ValueError or IndexError when a
    cell needs a closer look.
    """

    pattern: str
    groups: int
    holds_text: bool

    def read(self, found: Sequence[Sequence[str]], verbatim: bool) -> Sequence[str]: ...


class Known(dict[str, str]):
    """Stored value to text, for one type and format."""

    def __init__(self, texts: Texts, style: str, stored: str) -> None:
        super().__init__({"": ""})
        self._texts, self._style, self._stored = texts, style, stored

    def __missing__(self, value: str) -> str:
        if len(self) > REMEMBERED:
            self.clear()
        if self._stored == "s":
            if value and not value.isdecimal():
                raise OddValueError
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

    def read(self, found: Sequence[Sequence[str]], verbatim: bool) -> Sequence[str]:  # noqa: ARG002
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

    # Which styles is asked afterwards: they are numbered anew in each workbook, and an expression takes long to make.
    pattern = rf"([^>/]*+)>{VALUE}"
    groups = 2
    holds_text = False

    def __init__(self, texts: Texts, attributes: Iterable[str], style: str, stored: str) -> None:
        self._attributes = frozenset(attributes)
        self._blank_too = self._attributes | {""}
        self._known = Known(texts, style, stored)

    def read(self, found: Sequence[Sequence[str]], verbatim: bool) -> Sequence[str]:  # noqa: ARG002
        attributes, values = found
        if not self._blank_too.issuperset(attributes):
            raise OddValueError
        if (
            "" not in self._attributes
            and attributes.count("")
            and any(compress(values, map(not_, attributes)))
        ):
            raise OddValueError
        return list(map(self._known.__getitem__, values))


class TextColumn:
    """Texts that stand in their cells."""

    pattern = STYLE + r' t="inlineStr">' + TEXT
    groups = 1
    holds_text = True

    def read(self, found: Sequence[Sequence[str]], verbatim: bool) -> Sequence[str]:
        return found[0] if verbatim else list(map(undone, found[0]))


def undone(text: str) -> str:
    """The text without XML's and the workbook's escapes."""
    return unescape(plain_text(text)) if "&" in text or "_x" in text else text


class MixedColumn:
    """Anything, told apart cell by cell; knows how the last rows that it read were written."""

    pattern = rf"([^>/]*+)>(?:{VALUE}|{TEXT})"
    groups = 3
    holds_text = True

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._known: dict[str, Known] = {}
        self._meanings: dict[str, tuple[str, str]] = {}
        self._last: set[str] = set()

    def read(self, found: Sequence[Sequence[str]], verbatim: bool) -> Sequence[str]:
        attributes, values, texts = found
        for way in set(attributes) - self._meanings.keys():
            self._learn(way)
        half = len(values) // 2
        self._last = {
            way
            for way, value, text in zip(attributes[half:], values[half:], texts[half:], strict=True)
            if value or text
        }
        known = self._known
        read = [known[way][value] if value else "" for way, value in zip(attributes, values, strict=True)]
        if not any(texts):
            return read
        if any(
            text and self._meanings[way][1] != "inlineStr"
            for way, text in zip(attributes, texts, strict=True)
        ):
            raise OddValueError
        inside = texts if verbatim else map(undone, texts)
        return [text or value for text, value in zip(inside, read, strict=True)]

    def _learn(self, attributes: str) -> None:
        found = ATTRIBUTES.fullmatch(attributes)
        if not found:
            raise OddValueError
        style, stored = found[1] or "", found[2] or ""
        self._meanings[attributes] = (style, stored)
        self._known[attributes] = Known(self._texts, style, stored)

    def narrowed(self) -> Column:
        """The simplest column that holds such cells as came last; this one when nothing simpler does.

        Only the later half of the last rows counts, so that a header is not taken for what stands below it.
        """
        written = {way: self._meanings[way] for way in self._last}
        stored = {kind for _, kind in written.values()}
        if stored <= {"s"}:
            return SharedColumn(self._texts)
        if stored == {"inlineStr"}:
            return TextColumn()
        meanings = {(self._texts.kind(style), kind) for style, kind in written.values()}
        if len(meanings) > 1 or "s" in stored or "inlineStr" in stored or len(written) > MOST_STYLES:
            return self
        return UniformColumn(self._texts, written, *next(iter(written.values())))
