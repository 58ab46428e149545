"""XML from strangers: expat with every document type declaration refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from xml.parsers import expat

from scraper.errors import UnreadableError

Start = Callable[[str, dict[str, str]], Any]
End = Callable[[str], Any]
Text = Callable[[str], Any]


def local(name: str) -> str:
    """The name without its prefix."""
    return name.rpartition(":")[2]


def make_parser(part: str) -> expat.XMLParserType:
    """Entities can only be declared in a document type declaration, which no office document has."""

    def refuse(*_: object) -> None:
        raise UnreadableError(
            f"{part} has a document type declaration, which could define entities; it is refused."
        )

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    return parser


def feed(parser: expat.XMLParserType, block: bytes, part: str, final: bool = False) -> None:
    """Raises UnreadableError for what is not well-formed."""
    try:
        parser.Parse(block, final)
    except expat.ExpatError as error:
        raise UnreadableError(f"{part} is not well-formed XML: {error}.") from error
    except (LookupError, ValueError) as error:
        if "encoding" not in str(error):
            raise
        raise UnreadableError(f"{part} names an encoding that nobody knows: {error}.") from error


def walk(
    blocks: Iterable[bytes], part: str, start: Start, end: End | None = None, text: Text | None = None
) -> None:
    """One pass over a whole part; names arrive as written, with their prefix."""
    parser = make_parser(part)
    parser.StartElementHandler = start
    if end:
        parser.EndElementHandler = end
    if text:
        parser.CharacterDataHandler = text
    for block in blocks:
        feed(parser, block, part)
    feed(parser, b"", part, final=True)
