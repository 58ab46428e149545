"""The fast way through a workbook's large parts: what has the common shape is read many at a time, without expat.

A part comes in pieces that end with the closing tag of a repeated element. Expat is fed only the pieces that are
declined here, and so keeps its place in the document. Once something comes that could hide tags (a comment, a CDATA
section, a processing instruction), or the repeated elements end, all that follows goes through expat.

Of a sheet, one regular expression is made from the table's width: a row element, then a cell element for each
column or none. What does not match it as a whole (formulas, formatted text, another order of attributes, text beyond
the header) is declined. The result is the same, whichever way a row takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import compress, islice
from operator import lt, not_
from typing import Protocol, TypeVar

from pipelines.parse.table import Reading, is_odd
from pipelines.parse.xlsx_cells import Links, OddValueError, Texts, column_index, column_letters, unescape
from pipelines.values import Row

T = TypeVar("T")

# A piece without a closing tag grows no further than this.
LONGEST = 4 << 20
ENCODING = re.compile(rb"<\?xml[^>]*\bencoding=[\"']([^\"']*)")
ENTITY = re.compile("&(?:amp|lt|gt|quot|apos|#[1-9][0-9]{1,6}|#x[1-9A-Fa-f][0-9A-Fa-f]{1,5});")
NAMED = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}  # the ampersand comes last
NUMBERED = re.compile("&#[^;]*;")
ILLEGAL = bytes({*range(32)} - {9, 10, 13})
CARRIAGE = "\r"
FORBIDDEN = "\0"
VALUE = r"<v>([0-9A-Ze.+#/!?-]*+)</v></c>"
INDEX = r"<v>([0-9]++)</v></c>"
TEXT = r'<is><t(?: xml:space="preserve")?+>([^<]*+)</t></is></c>'
STYLE = r'(?: s="[0-9]++")?+'
ATTRIBUTES = re.compile(r'(?: s="([0-9]{1,6})")?(?: t="(s|n|b|e|str|inlineStr)")?')
# Values that came before (states, models and dates repeat) are remembered, up to this many.
REMEMBERED = 20_000
MOST_STYLES = 8
# Wider tables would make too large an expression.
WIDEST = 64
# Where anything but such a row or white space comes, all the rest is found, without a number.
ROW = r'(?:<row([^>/]*?) r="([1-9][0-9]{0,8}+)"([^>/]*+)(?:/>|>'
BLANK = r"[^>/]*+(?:/>|></c>)"
BLANK_CELLS = rf'(?:<c r="[A-Z]++[0-9]++"{BLANK})*+</row>)|\S(?s:.*))'
HIDDEN = re.compile(r'<row(?=[^>/]*? hidden="(?:1|true|on)")[^>/]*? r="([0-9]++)"')
FILLED = re.compile('<c r="([A-Z]{1,3}+)[0-9]++"[^>/]*+>')
# The same as Row._make, without a Python function for each row.
MAKE_ROW: Callable[[tuple[int, tuple[str, ...], tuple[str, ...]]], Row] = partial(tuple.__new__, Row)
# How often the columns are looked at again after one of them was written in a new way.
MOST_CHANGES = 20
NAME = re.compile(r" ([\w:]+)=")
MOST_ATTRIBUTES = 12


@dataclass(frozen=True, slots=True)
class Repeated:
    """The tags around repeated elements, and the one that closes each of them.

    `only`: what follows the closing tag is left alone where that is known to be it, as somebody else reads it.
    """

    opening: re.Pattern[bytes]
    each: bytes
    closing: bytes
    only: bool = False


def _whole(blocks: Iterator[bytes], repeated: Repeated) -> Iterator[bytes]:
    """The same bytes: up to the opening tag, then cut after closing tags of the elements."""
    pending = b""
    opened = False
    for block in blocks:
        pending += block
        if not opened and (found := repeated.opening.search(pending)):
            opened = True
            yield pending[: found.end()]
            pending = pending[found.end() :]
        if opened and (end := pending.find(repeated.closing)) >= 0:
            yield pending[:end]
            yield pending[end:]
            yield from blocks
            return
        cut = pending.rfind(repeated.each) + len(repeated.each) if opened else 0
        if cut >= len(repeated.each):
            yield pending[:cut]
            pending = pending[cut:]
        elif len(pending) > LONGEST:
            yield pending
            pending = b""
    yield pending


def read_pieces(
    blocks: Iterator[bytes],
    repeated: Repeated,
    slow: Callable[[bytes, bool], list[T]],
    quick: Callable[[str], list[T] | None],
) -> Iterator[list[T]]:
    """What `slow` or `quick` made of each piece."""
    trusted: bool | None = None
    for piece in _whole(blocks, repeated):
        made = None
        if trusted is None:
            trusted = is_plain_start(piece) and repeated.opening.search(piece) is not None
        elif trusted:
            ended = piece.startswith(repeated.closing) or not piece.endswith(repeated.each)
            if repeated.only and piece.startswith(end := repeated.closing + b">"):
                yield slow(end, False)
                return
            trusted = not ended and not hides_tags(piece)
            made = _quick(piece, quick) if trusted else None
        yield slow(piece, False) if made is None else made
    yield slow(b"", True)


def hides_tags(xml: bytes) -> bool:
    """Whether there is a comment, a CDATA section or a processing instruction."""
    # One character is found much sooner than two.
    return (b"!" in xml and b"<!" in xml) or (b"?" in xml and b"<?" in xml)


def is_plain_start(xml: bytes) -> bool:
    """Whether the document is UTF-8 and its start hides no tags."""
    declared = ENCODING.match(xml.removeprefix(b"\xef\xbb\xbf"))
    if declared and declared[1].lower() not in (b"utf-8", b"us-ascii"):
        return False
    return not xml.startswith((b"\xff\xfe", b"\xfe\xff")) and b"<!" not in xml and b"\0" not in xml


def _quick(piece: bytes, quick: Callable[[str], list[T] | None]) -> list[T] | None:
    try:
        text = piece.decode()
    except UnicodeDecodeError:
        return None
    return quick(text)


def is_legal(text: str) -> bool:
    """Whether every character may stand in an XML document. (Deleting and counting is the quickest way.)"""
    body = text.encode()
    if len(body.translate(None, ILLEGAL)) != len(body):
        return False
    return text.isascii() or not ("\ufffe" in text or "\uffff" in text)


def is_plain(text: str) -> bool:
    """Whether expat would change nothing in it but references to characters, and would accept it."""
    if CARRIAGE in text or ("]" in text and "]]>" in text):
        return False
    if "&" not in text:
        return True
    return text.count("&") == len(ENTITY.findall(text)) and numbered(text).isdisjoint(FORBIDDEN)


def numbered(text: str) -> set[str]:
    """The characters that it refers to by number; those that no document may hold are "\0"."""
    return set(map(_character, set(NUMBERED.findall(text)))) if "&#" in text else set()


@lru_cache(maxsize=1_000)
def _character(reference: str) -> str:
    if named := NAMED.get(reference):
        return named
    number = reference[2:-1]
    code = int(number[1:], 16) if number.startswith("x") else int(number)
    allowed = 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000
    return chr(code) if allowed else FORBIDDEN


def plain_text(text: str) -> str:
    """Undo the references that `is_plain` allows."""
    if "&" not in text:
        return text
    if "&#" in text:
        return ENTITY.sub(lambda found: _character(found[0]), text)
    for entity, character in NAMED.items():
        text = text.replace(entity, character)
    return text


def columns_of(xml: str, tag: str) -> dict[str, list[str]] | None:
    """Attribute name to its values, in order; None unless every element has the same attributes in one order."""
    parts = xml.split('"')
    step = next((at for at in range(2, 2 * MOST_ATTRIBUTES, 2) if parts[at : at + 1] and ">" in parts[at]), 0)
    opening, rest = parts[0][: len(tag) + 1], parts[0][len(tag) + 1 :]
    if not step or opening != f"<{tag}" or parts[-1].strip(" ") != "/>":
        return None
    glue = [rest, *parts[2:step:2]]
    names = [found[1] for found in map(NAME.fullmatch, glue) if found]
    count, left = divmod(len(parts) - 1, step)
    between = parts[step:-1:step]
    if left or between.count(f"/>{parts[0]}") + between.count(f" />{parts[0]}") != count - 1:
        return None
    if any(parts[at::step].count(parts[at]) != count for at in range(2, step, 2)):
        return None
    if len({*names}) != len(glue) or xml.count("<") != count or "\n" in xml or "\t" in xml:
        return None
    if not (is_plain(xml) and is_legal(xml)):
        return None
    values = {name: parts[1 + 2 * place :: step] for place, name in enumerate(names)}
    if "&" in xml:
        values = {name: list(map(plain_text, column)) for name, column in values.items()}
    return values


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


def _pattern(columns: Sequence[Column]) -> re.Pattern[str]:
    return _compiled(tuple(column.pattern for column in columns))


@lru_cache(256)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """A publisher's files are written in a few ways, again and again."""
    cells = (
        rf'(?:<c r="{column_letters(index)}\2"(?:{pattern}|{BLANK})|)'
        for index, pattern in enumerate(patterns)
    )
    return re.compile(ROW + "".join(cells) + BLANK_CELLS)


def widest(xml: str) -> int:
    """How many columns reach as far as the last filled cell of these rows."""
    letters = set(FILLED.findall(xml))
    return max(map(column_index, letters), default=0) + 1


class FastRows:
    """Learns from a piece how each column is written and then expects it to stay so."""

    def __init__(self, width: int, texts: Texts, links: Links, reading: Reading) -> None:
        self.width = width
        self._texts = texts
        self._links = links
        self._reading = reading
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
        self._reading.spend(len(places), len(places) * self.width)
        if holds_text and len(xml) > self._reading.limits.max_cell_characters:
            self._reading.check_text(max(max(map(len, column)) for column in texts))
        if any(" hidden=" in written for written in {*before, *behind}) and (hidden := HIDDEN.findall(xml)):
            self._reading.note("hidden-rows", int(hidden[0]), count=len(hidden))
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
