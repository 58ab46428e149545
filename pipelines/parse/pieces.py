"""Large XML parts piece by piece: what has the common shape is read without expat, everything else with it.

A piece ends with the closing tag of a repeated element. Expat is fed only the pieces that `quick` declines,
and so keeps its place in the document. Once something comes that could hide tags (a comment, a CDATA section,
a processing instruction), or the repeated elements end, all that follows goes through expat.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

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
