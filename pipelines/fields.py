"""A list's own fields: how their cells are read and when two values of one say the same, as it is declared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from pipelines.plain import decoded, plain
from scraper.lists import Field, PublishedList

# Sheriff's and Sheriffs, De Witt and DeWitt are one spelling.
_UNSPOKEN = str.maketrans("", "", "'’‘` \u00a0")
_DOCUMENTS = frozenset({"moa", "addendum"})
_TEXT = Field()
_NOT_NUMBER = re.compile(r"[^\d.,()+\-eE%]")


def comparable(field: str, value: object, kinds: Mapping[str, Field]) -> object:
    """Equal for two values whose difference is no news: case, blanks, apostrophes, a document's scheme."""
    if not isinstance(value, str):
        return value
    declared = kinds.get(field, _TEXT)
    if field in _DOCUMENTS or declared.kind == "document":
        return value.partition("://")[2] or value
    if declared.case == "exact" or declared.kind == "link":
        return value
    if declared.kind in ("number", "money"):
        found = number(value)
        return value.casefold() if found is None else found
    return plain(decoded(value)).translate(_UNSPOKEN).casefold()


def same(field: str, one: object, other: object, kinds: Mapping[str, Field]) -> bool:
    """Whether two values of a field say the same; a number printed with more digits does."""
    was, now = comparable(field, one, kinds), comparable(field, other, kinds)
    if was == now:
        return True
    if isinstance(was, Decimal) and isinstance(now, Decimal) and kinds[field].kind == "number":
        places = max(int(was.as_tuple().exponent), int(now.as_tuple().exponent))
        return places < 0 and _rounded(was, places) == _rounded(now, places)
    return False


def _rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(places))


def number(text: str) -> Decimal | None:
    """A printed number: 1,234.50, $ 1,234, (500), 12%; None for any other text."""
    bare = _NOT_NUMBER.sub("", text)
    if len(bare) > 40 or re.search(r"[^\W\d_]{4}", text):
        return None
    negative = bare.startswith("(") and bare.endswith(")")
    bare = bare.strip("()%").replace(",", "")
    try:
        found = Decimal(bare)
    except InvalidOperation:
        return None
    return (-found if negative else found) if found.is_finite() else None


def key_value(field: str, value: object, declared: PublishedList) -> str:
    """What a field says as a part of the key: entries that say the same in all of them are one entry."""
    text = value.isoformat() if isinstance(value, date) else str(value or "")
    text = " ".join(plain(decoded(text)).split())
    return text if declared.fields.get(field, _TEXT).case == "exact" else text.casefold()
