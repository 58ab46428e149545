"""The rows of a sheet in the shape that nearly every program writes, many at a time and without expat.

One regular expression is made from the table's width: a row element, then a cell element for each column or
none. What does not match it as a whole (formulas, formatted text, another order of attributes, text beyond
the header) is declined and read by `sheet`. The result is the same, whichever way a row takes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from operator import lt

from pipelines.parse.cells import OddValueError, Texts, unescape
from pipelines.parse.frame import ODD
from pipelines.parse.limits import Budget
from pipelines.parse.links import Links
from pipelines.parse.pieces import is_plain, plain_text
from pipelines.parse.places import column_letters
from pipelines.values import Row

# Wider tables would make too large an expression.
WIDEST = 64
ROW = r'<row[^>/]*? r="([1-9][0-9]{0,8}+)"[^>/]*+(?:/>|>'
BLANK_CELLS = r'(?:<c r="[A-Z]++[0-9]++"[^>/]*+/>)*+</row>)'
STORED = r"<v>([0-9A-Ze.+#/!?-]*+)</v></c>"
# Text kept in the cell itself; its group comes after the group of the stored value.
IN_PLACE = r'|><is><t(?: xml:space="preserve")?+>([^<]*+)</t></is></c>'
ATTRIBUTES = re.compile(r'(?: s="([0-9]{1,6})")?(?: t="(s|n|b|e|str|inlineStr)")?')
HIDDEN = re.compile(r'<row(?=[^>/]*? hidden="(?:1|true|on)")[^>/]*? r="([0-9]++)"')
# Values that came before (dates repeat) are remembered, up to this many.
REMEMBERED = 50_000


def _pattern(width: int, in_place: bool) -> re.Pattern[str]:
    cells = (
        rf'(?:<c r="{column_letters(index)}\1"([^>/]*+)(?:>{STORED}{IN_PLACE if in_place else ""}|/>))?+'
        for index in range(width)
    )
    return re.compile(ROW + "".join(cells) + BLANK_CELLS)


class Remembered(dict[tuple[str, str], str]):
    """(attributes as written, stored value) to text."""

    def __init__(self, texts: Texts) -> None:
        super().__init__()
        self._texts = texts
        self.kinds: dict[str, tuple[str, str]] = {}

    def know(self, attributes: str) -> bool:
        """Whether these attributes of a cell can be understood; then `kinds` has its style and type."""
        if attributes not in self.kinds:
            found = ATTRIBUTES.fullmatch(attributes)
            if not found:
                return False
            self.kinds[attributes] = (found[1] or "", found[2] or "")
        return True

    def __missing__(self, key: tuple[str, str]) -> str:
        style, stored = self.kinds[key[0]]
        text = self[key] = self._texts.text(stored, style, key[1])
        return text


class QuickRows:
    def __init__(self, width: int, in_place: bool, texts: Texts, links: Links, budget: Budget) -> None:
        self._width = width
        self._in_place = in_place
        self._texts = texts
        self._links = links
        self._budget = budget
        self._remembered = Remembered(texts)
        self._pattern = _pattern(width, in_place)

    def read(self, xml: str, after: int) -> list[Row] | None:
        """The rows of a piece of XML (blank ones too), or None when it must be read by expat.

        `after` is the number of the row before it.
        """
        found = self._pattern.findall(xml)
        if not found or len(found) != xml.count("<row"):
            return None
        if self._in_place and (not is_plain(xml) or (not xml.isprintable() and ODD.search(xml))):
            return None
        groups = list(zip(*found, strict=True))
        numbers = list(map(int, groups[0]))
        if numbers[0] <= after or not all(map(lt, numbers, islice(numbers, 1, None))):
            return None
        try:
            columns = self._columns(groups)
        except (ValueError, IndexError):
            return None
        self._budget.spend(len(numbers), len(numbers) * self._width)
        if " hidden=" in xml and (hidden := HIDDEN.findall(xml)):
            self._texts.tally.add("hidden-rows", int(hidden[0]), count=len(hidden))
        return list(map(Row, numbers, zip(*columns, strict=True), self._links.aligned(numbers, self._width)))

    def _columns(self, groups: Sequence[Sequence[str]]) -> list[Sequence[str]]:
        """ValueError or IndexError when a cell needs a closer look."""
        if len(self._remembered) > REMEMBERED:
            self._remembered.clear()
        if not self._in_place:
            return [self._stored(*groups[at : at + 2]) for at in range(1, len(groups), 2)]
        return [self._mixed(*groups[at : at + 3]) for at in range(1, len(groups), 3)]

    def _shared(self, attributes: Sequence[str]) -> set[str]:
        """Those of the attributes that say that the value is the index of a shared text."""
        kinds = set(attributes)
        if not all(map(self._remembered.know, kinds)):
            raise OddValueError
        return {kind for kind in kinds if self._remembered.kinds[kind][1] == "s"}

    def _stored(self, attributes: Sequence[str], values: Sequence[str]) -> Sequence[str]:
        shared = self._shared(attributes)
        pairs = zip(attributes, values, strict=True)
        if not shared:
            return list(map(self._remembered.__getitem__, pairs))
        strings = self._texts.strings
        if "" in values or len(shared) < len(set(attributes)):
            remembered = self._remembered
            indices = [int(value) for kind, value in pairs if value and kind in shared]
            pairs = zip(attributes, values, strict=True)
            texts: Sequence[str] = [
                strings[int(value)] if value and kind in shared else remembered[kind, value]
                for kind, value in pairs
            ]
        else:
            indices = list(map(int, values))
            texts = list(map(strings.__getitem__, indices))
        if min(indices, default=0) < 0:
            raise OddValueError
        return texts

    def _mixed(
        self, attributes: Sequence[str], values: Sequence[str], in_place: Sequence[str]
    ) -> Sequence[str]:
        """A column of which some texts are kept in their cells."""
        stored = self._stored(attributes, values)
        if not any(in_place):
            return stored
        kinds = self._remembered.kinds
        if any(
            text and kinds[kind][1] != "inlineStr" for kind, text in zip(attributes, in_place, strict=True)
        ):
            raise OddValueError
        self._budget.check_text(max(map(len, in_place)))
        return [
            unescape(plain_text(text)) if text else other
            for text, other in zip(in_place, stored, strict=True)
        ]
