"""HTML as the browser's eyes see it, whatever its state."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import lxml.etree
import lxml.html

_UNSEEN = frozenset({"script", "style", "noscript", "template", "head"})
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\u00ad]")


@lru_cache(maxsize=1)
def parsed(html: str) -> Any:
    """The root element, or None when there is nothing in it. It is shared, so nobody may change it."""
    bare = html.replace("\x00", "").encode("utf-8", "replace")
    try:
        return lxml.html.document_fromstring(bare, parser=lxml.html.HTMLParser(encoding="utf-8"))
    except (lxml.etree.ParserError, lxml.etree.XMLSyntaxError):
        return None


def words(element: Any) -> str:
    """The visible text with single blanks; a line break or a block is a blank, inline markup is nothing."""
    text = "".join(_pieces(element))
    return " ".join(_INVISIBLE.sub("", text).split())


def _pieces(element: Any) -> list[str]:
    """Text in document order, without recursion: hostile pages nest deeply."""
    pieces: list[str] = []
    hidden = 0
    for event, node in lxml.etree.iterwalk(element, events=("start", "end", "comment", "pi")):
        tag = node.tag.lower() if isinstance(node.tag, str) else ""
        if event == "start":
            hidden += tag in _UNSEEN and node is not element
            if not hidden:
                pieces.append(("" if tag in _INLINE else " ") + (node.text or ""))
            continue
        if event == "end":
            if not hidden and tag not in _INLINE:
                pieces.append(" ")
            hidden -= tag in _UNSEEN and node is not element
        if not hidden and node is not element and node.tail:
            pieces.append(node.tail)
    return pieces


_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "mark", "q", "s", "small", "span"}
    | {"strong", "sub", "sup", "time", "u", "wbr"}
)
