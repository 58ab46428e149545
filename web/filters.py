"""How values look on a page. Every text of a list is shown as text: nothing in it can act."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from jinja2 import Environment
from markupsafe import Markup, escape

from changelog.wording import FIELDS, MODELS, iso, model_name, sentence, state_name, title
from scraper.lists import PublishedList

# Characters that would turn the text around them about (bidirectional overrides), or that no reader sees.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_TOKENS = re.compile(r"\w+|\s+|[^\w\s]")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
SIGNS = {"added": "+", "removed": "−", "returned": "↺", "renamed": "≈", "amended": "±"}
LONGEST_COMPARED = 2_000


def plain(value: object) -> object:
    """What is about to be printed: None is nothing, and an unseen character is shown as a mark."""
    if value is None:
        return ""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _UNSEEN.sub("\ufffd", value)
    return value


def _moment(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value[:20]) if isinstance(value, str) else value


def day(value: datetime | date | str | None) -> Markup:
    """12 May 2025. A place or an ISO time is understood as well."""
    if not value:
        return Markup("")
    shown = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    text = f"{shown.day} {_MONTHS[shown.month - 1]} {shown.year}"
    return Markup('<time datetime="{}">{}</time>').format(f"{shown:%Y-%m-%d}", text)


def clock(value: datetime | str | None) -> Markup:
    """12 May 2025, 17:40 UTC."""
    if not value:
        return Markup("")
    shown = _moment(value)
    text = f"{shown.day} {_MONTHS[shown.month - 1]} {shown.year}, {shown:%H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(iso(shown), text)


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:,}"


def signed_number(value: int) -> str:
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{abs(value):,}"


def plural(count: int, one: str, many: str) -> str:
    return f"{number(count)} {one if count == 1 else many}"


def linked(value: object) -> Markup:
    """A document's address as a link when a browser may follow it, else as text."""
    text = str(plain(value))
    if not is_web_address(text):
        return escape(text)
    shown = urlsplit(text).path.rstrip("/").rsplit("/", 1)[-1] or text
    return Markup('<a href="{}" rel="noopener noreferrer nofollow external"><bdi>{}</bdi></a>').format(
        text, shown
    )


def linked_whole(value: object) -> Markup:
    """The same with the whole address to read."""
    text = str(plain(value))
    if not is_web_address(text):
        return escape(text)
    return Markup('<a class="address" href="{0}" rel="noopener noreferrer nofollow external">{0}</a>').format(
        text
    )


def none_mark(text: str) -> Markup:
    return Markup('<span class="none">{}</span>').format(text)


def capitalize_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def words(before: object, after: object) -> tuple[Markup, Markup]:
    """Both texts with the words marked that the other one does not have."""
    old, new = (str(plain(value)) for value in (before, after))
    if max(len(old), len(new)) > LONGEST_COMPARED:
        return Markup("<del>{}</del>").format(old), Markup("<ins>{}</ins>").format(new)
    one, other = _TOKENS.findall(old), _TOKENS.findall(new)
    left, right = Markup(""), Markup("")
    for kind, a, b, c, d in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        gone, came = "".join(one[a:b]), "".join(other[c:d])
        if kind == "equal":
            left += escape(gone)
            right += escape(came)
            continue
        left += Markup("<del>{}</del>").format(gone) if gone else ""
        right += Markup("<ins>{}</ins>").format(came) if came else ""
    return left, right


def shown(value: object, field: str) -> object:
    """A field's value as it reads on a page."""
    if value is None or value == "":
        return Markup('<span class="none">blank</span>')
    if field == "support_type" and value in MODELS:
        return f"{value} ({MODELS[str(value)]})"
    return value


def address(path: str, query: Mapping[str, Any], **changed: Any) -> str:
    """A page's address with its query; what is None or empty falls out."""
    kept = {**query, **changed}
    pairs = urlencode(
        {name: value for name, value in kept.items() if value not in (None, "", [], ())}, doseq=True
    )
    return f"{path}?{pairs}" if pairs else path


def add_to(environment: Environment, lists: Mapping[str, PublishedList]) -> None:
    environment.filters.update(
        day=day,
        clock=clock,
        number=number,
        signed=signed_number,
        linked=linked,
        linked_whole=linked_whole,
        none_mark=none_mark,
        capitalize_first=capitalize_first,
        shown=shown,
        state_name=state_name,
        model_name=model_name,
        field_name=lambda name: FIELDS.get(name, name),
        sign=lambda kind: SIGNS.get(kind, "·"),
        title_of=lambda change: title(change, lists.get(change.list)),
        sentence_of=lambda change: sentence(change, lists.get(change.list)),
    )
    environment.globals.update(
        address=address, words=words, plural=plural, lists=lists, models=MODELS, is_web_address=is_web_address
    )
