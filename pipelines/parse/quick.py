"""The rows of a sheet in the shape that nearly every program writes, many at a time and without expat.

One regular expression is made from the table's width: a row element, then a cell element for each column or
none. What does not match it as a whole (formulas, formatted text, another order of attributes, text beyond
the header) is declined and read by `sheet`. The result is the same, whichever way a row takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import islice
from operator import lt

from pipelines.parse.cells import Texts
from pipelines.parse.columns import Column, MixedColumn
from pipelines.parse.frame import is_odd
from pipelines.parse.limits import Budget
from pipelines.parse.links import Links
from pipelines.parse.pieces import is_legal, is_plain, numbered
from pipelines.parse.places import column_index, column_letters
from pipelines.values import Row

# Wider tables would make too large an expression.
WIDEST = 64
# Where anything but such a row or white space comes, all the rest is found, without a number.
ROW = r'(?:<row([^>/]*?) r="([1-9][0-9]{0,8}+)"([^>/]*+)(?:/>|>'
BLANK_CELLS = r'(?:<c r="[A-Z]++[0-9]++"[^>/]*+/>)*+</row>)|\S(?s:.*))'
HIDDEN = re.compile(r'<row(?=[^>/]*? hidden="(?:1|true|on)")[^>/]*? r="([0-9]++)"')
FILLED = re.compile('<c r="([A-Z]{1,3}+)[0-9]++"[^>/]*+>')
# The same as Row._make, without a Python function for each row.
MAKE_ROW: Callable[[tuple[int, tuple[str, ...], tuple[str, ...]]], Row] = partial(tuple.__new__, Row)
# How often the columns are looked at again after one of them was written in a new way.
MOST_CHANGES = 20


def _pattern(columns: Sequence[Column]) -> re.Pattern[str]:
    return _compiled(tuple(column.pattern for column in columns))


@lru_cache(256)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """A publisher's files are written in a few ways, again and again."""
    cells = (
        rf'(?:<c r="{column_letters(index)}\2"(?:{pattern}|[^>/]*+/>)|)'
        for index, pattern in enumerate(patterns)
    )
    return re.compile(ROW + "".join(cells) + BLANK_CELLS)


def widest(xml: str) -> int:
    """How many columns reach as far as the last filled cell of these rows."""
    letters = set(FILLED.findall(xml))
    return max(map(column_index, letters), default=0) + 1


class QuickRows:
    """Learns from a piece how each column is written and then expects it to stay so."""

    def __init__(self, width: int, texts: Texts, links: Links, budget: Budget) -> None:
        self.width = width
        self._texts = texts
        self._links = links
        self._budget = budget
        self._mixed = [MixedColumn(texts) for _ in range(width)]
        self._mixed_pattern = _pattern(self._mixed)
        self._columns: Sequence[Column] | None = None
        self._pattern = self._mixed_pattern
        self._learnt = False  # whether the last piece told how the columns are written
        self._changes = 0
        self._strings_clean = not is_odd("".join(texts.strings))
        self.clean = False  # whether the rows that were read last hold no odd characters

    def read(self, xml: str, after: int) -> list[Row] | None:
        """The rows of a piece of XML (blank ones too), or None when it must be read by expat.

        `after` is the number of the row before it.
        """
        if self._learnt and self._changes < MOST_CHANGES:
            self._changes += 1
            self._columns = [column.narrowed() for column in self._mixed]
            self._pattern = _pattern(self._columns)
        self._learnt = False
        rows = None
        if self._columns is not None:
            rows = self._read(xml, after, self._columns, self._pattern)
        if rows is None:
            rows = self._read(xml, after, self._mixed, self._mixed_pattern)
            self._learnt = rows is not None
        return rows

    def _read(
        self, xml: str, after: int, columns: Sequence[Column], pattern: re.Pattern[str]
    ) -> list[Row] | None:
        found = pattern.findall(xml)
        if not found:
            return None
        before, numbers, behind, *groups = zip(*found, strict=True)
        holds_text = any(column.holds_text for column in columns)
        if "" in numbers or (holds_text and not (is_plain(xml) and is_legal(xml))):
            return None
        places = list(map(int, numbers))
        if places[0] <= after or not all(map(lt, places, islice(places, 1, None))):
            return None
        # One character is found much sooner than two.
        escaped = holds_text and "_" in xml and "_x" in xml
        texts = _texts(columns, groups, not escaped and "&" not in xml)
        if texts is None:
            return None
        reach = max(self.width, self._links.reach)
        self.clean = reach == self.width and self._strings_clean and not escaped
        if holds_text and self.clean:
            self.clean = not (is_odd(xml, legal=True) or any(map(is_odd, numbered(xml))))
        self._budget.spend(len(places), len(places) * self.width)
        if holds_text and len(xml) > self._budget.limits.max_cell_characters:
            self._budget.check_text(max(max(map(len, column)) for column in texts))
        if any(" hidden=" in written for written in {*before, *behind}) and (hidden := HIDDEN.findall(xml)):
            self._texts.tally.add("hidden-rows", int(hidden[0]), count=len(hidden))
        links = self._links.aligned(places, reach)
        return list(map(MAKE_ROW, zip(places, zip(*texts, strict=True), links, strict=True)))


def _texts(
    columns: Sequence[Column], groups: Sequence[Sequence[str]], verbatim: bool
) -> list[Sequence[str]] | None:
    """The texts of each column; None when one of them holds something that needs a closer look."""
    texts = []
    place = 0
    for column in columns:
        try:
            texts.append(column.read(groups[place : place + column.groups], verbatim))
        except (ValueError, IndexError):
            return None
        place += column.groups
    return texts
