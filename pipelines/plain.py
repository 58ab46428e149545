"""The plain text of a cell."""

from __future__ import annotations

import re
import unicodedata

# Seen in the field: no-break blanks in and after names, curly apostrophes beside straight ones in one column.
# Bidirectional overrides and control characters are never part of a name and can disguise one.
_APOSTROPHES = "\u2018\u2019\u201a\u201b\u2032\u02bc\u02b9\u00b4\u0060\uff07"
_QUOTES = "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\uff02"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_LOOKALIKES = str.maketrans(
    dict.fromkeys(_APOSTROPHES, "'") | dict.fromkeys(_QUOTES, '"') | dict.fromkeys(_DASHES, "-")
)
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_BLANKS = re.compile(r"\s+")
_ORDINARY = re.compile(r"(?:[!-_a-~]+ )*[!-_a-~]+")  # printable ASCII without grave accent, single blanks
# A letter beyond ASCII takes two bytes or more in UTF-8; these are what their first ones look like.
_LATER = "[\x80-\xbf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
_TWICE = re.compile(f"(?:[\xc2-\xdf]{_LATER}|[\xe0-\xef]{_LATER}{{2}}|[\xf0-\xf4]{_LATER}{{3}})")
_ERRORS = re.compile(
    r"#(?:N/?A|REF!?|VALUE!?|NAME\??|DIV/0!?|NULL!?|NUM!?|SPILL!?|CALC!?|GETTING_DATA)", re.I
)


def is_plain(text: str) -> bool:
    """Nothing in it could be wrapped, mistaken or unseen: most cells, known at a glance."""
    return not text or (_ORDINARY.fullmatch(text) is not None and ":" not in text and text[0] != "#")


def plain(text: str) -> str:
    """One spelling of blanks, apostrophes and dashes; nothing invisible; "" for a spreadsheet's error."""
    if not _ORDINARY.fullmatch(text):
        spaced = "".join(" " if mark.isspace() else mark for mark in text)
        shown = "".join(mark for mark in spaced if unicodedata.category(mark) not in _INVISIBLE)
        text = unicodedata.normalize("NFC", shown).translate(_LOOKALIKES)
        text = _BLANKS.sub(" ", text).strip()
    return "" if text.startswith("#") and _ERRORS.fullmatch(text) else text


def decoded(text: str) -> str:
    """The text that was meant where UTF-8 was read as Windows-1252 ("TÃ¼rkiye"); any other as it is."""
    return _TWICE.sub(_decoded, text)


def _decoded(found: re.Match[str]) -> str:
    try:
        return bytes(map(_as_windows, found[0])).decode("utf-8")
    except ValueError:
        return found[0]


def _as_windows(letter: str) -> int:
    return letter.encode("cp1252" if ord(letter) > 0xFF else "latin-1")[0]
