"""The address of a document, out of whatever it was wrapped in. No e-mail address survives this door."""

from __future__ import annotations

import base64
import html
import re
from functools import lru_cache
from urllib.parse import parse_qs, quote, unquote, urlsplit

# In normal form (lower-case host, nothing encoded, no query), bare or behind a Wayback prefix: most are.
_READY = re.compile(
    r"(?:https?://web\.archive\.org/web/\d+(?:[a-z]{2}_)?/)?"
    r"(https?://[a-z0-9-]+(?:\.[a-z0-9-]+)+/[A-Za-z0-9_.~/()+,-]*)"
)
_ENCODED = re.compile(r"https?(?:%25)*%3a", re.I)
_WAYBACK = re.compile(
    r"https?://(?:web|wwwb)\.archive\.org/(?:web|save)/(?:\d+[a-z_]*\*?/)?(?=https?[:%]|www)", re.I
)
# What the archive's copy of a page puts before every address: the moment of its visit, new in each copy. Here only
# where a cell begins with it, since within one it may not come off. (In this order it is looked for by its "http".)
_VISIT = re.compile(r"http(?<=[\x1d-\x1f]http)s?://web\.archive\.org/web/\d+/(?=https?://)")
_EXTENSION = re.compile(r"(?:chrome|moz|edge|safari-web)-extension://[^/]*/(?:.*?[?&]file=)?", re.I)
_DOUBLE_SCHEME = re.compile(r"https?:/*(?=https?(?:://|:/|//))", re.I)
_SCHEME = re.compile(r"(https?)(?::/*|//+)(?=[^/:])", re.I)
_BARE_HOST = re.compile(r"www\.[\w-]+(\.[\w-]+)+(/|$)", re.I)
_DEFENSE_V3 = re.compile(r"https?://urldefense\.(?:com|us)/v3/__(?P<url>.*?)__;(?P<kept>[\w-]*)", re.I)
_EMAIL = re.compile(r"[^\s@/|,;=&?<>]+@+[^\s@/|,;=&?<>]+", re.I)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# Drop what no reader sees; a soft hyphen or a zero-width blank inside a pasted address is never meant.
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")

# Redirectors that carry the address in their query: end of the host, names of the parameter.
_REDIRECTORS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("safelinks.protection.outlook.com", ("url",)),
    ("safelinks.protection.office365.us", ("url",)),
    ("www.google.com", ("q", "url")),
)
_MAX_WRAPPERS = 12


def ready_address(address: str) -> str:
    """The address when it can be seen at a glance, else ""."""
    found = _READY.fullmatch(address)
    return found[1] if found and "archive.org/" not in found[1] else ""


def without_visits(cells: str) -> str:
    """As if they had been read from no copy in particular: what they say is the same. Before each stands a separator
    (U+001D to U+001F)."""
    return _VISIT.sub("", cells) if "archive.org/web/" in cells else cells


class NotAnAddressError(ValueError):
    """What was given is not the address of a document; the message says why."""


@lru_cache(maxsize=1 << 16)
def unwrap(address: str) -> tuple[str, str]:
    """The http(s) address in normal form and what had to be taken away from it ("" when nothing was).

    An address that leads to no document comes out as "" with the reason.
    """
    try:
        address = _peel(address)
        return (address, "") if ready_address(address) else _tidy(address)
    except ValueError as error:
        return "", str(error) or "unreadable"


def _peel(address: str) -> str:
    for _ in range(_MAX_WRAPPERS):
        if ready := ready_address(address):
            return ready
        inner = _unwrap_once(address)
        if inner == address:
            return address
        address = inner
    raise NotAnAddressError("wrapped too many times")


def _unwrap_once(address: str) -> str:
    address = html.unescape(_INVISIBLE.sub("", address)).strip(" \u00a0\t<>\"'")
    if _ENCODED.match(address):
        return unquote(address)
    address = _DOUBLE_SCHEME.sub("", address, count=1)
    if found := _SCHEME.match(address):
        address = f"{found[1].lower()}://{address[found.end() :]}"
    if _BARE_HOST.match(address):
        address = "https://" + address
    for wrapper in (_WAYBACK, _EXTENSION):
        if found := wrapper.match(address):
            return address[found.end() :]
    if found := _DEFENSE_V3.match(address):
        return _defended(found["url"], found["kept"])
    return _redirected(address)


def _defended(url: str, kept: str) -> str:
    """Proofpoint puts * for an unusual character and keeps those, in order, in base64 behind the address."""
    replaced = iter(base64.urlsafe_b64decode(kept + "=" * (-len(kept) % 4)).decode("utf-8", "replace"))
    return re.sub(r"\*", lambda _: next(replaced, "*"), url)


def _redirected(address: str) -> str:
    if not address.startswith(("http://", "https://")):
        return address
    parts = urlsplit(address)
    host = (parts.hostname or "").lower().rstrip(".")
    if host == "urldefense.proofpoint.com" and (given := parse_qs(parts.query).get("u")):
        return unquote(given[0].replace("-", "%").replace("_", "/"))
    for suffix, names in _REDIRECTORS:
        if host == suffix or host.endswith("." + suffix):
            if suffix == "www.google.com" and parts.path != "/url":
                return address
            given = next((found for name in names if (found := parse_qs(parts.query).get(name))), None)
            if given is None:
                raise NotAnAddressError("a mail wrapper without an address in it")
            return given[0]
    return address


def _tidy(address: str) -> tuple[str, str]:
    if not address.startswith(("http://", "https://")):
        scheme = address.partition(":")[0].lower()
        known = scheme in ("mailto", "file", "ftp", "tel", "javascript", "data")
        raise NotAnAddressError(
            f"a {scheme}: link, which is no document" if known else "no web address in it"
        )
    parts = urlsplit(address)
    host = (parts.hostname or "").rstrip(".")
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+|\[[0-9a-f:.]+\]|localhost", host):
        raise NotAnAddressError("no host in it")
    port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    path = _encoded(_trimmed(parts.path)) or "/"
    if _holds_email(path):
        raise NotAnAddressError("an e-mail address in its path")
    removed = "a user name" if "@" in parts.netloc else ""
    tail = _encoded(f"?{parts.query}" if parts.query else "") + _encoded(
        f"#{_trimmed(parts.fragment)}" if _trimmed(parts.fragment) else ""
    )
    if _holds_email(tail):
        tail, removed = "", "an e-mail address"
    return f"{parts.scheme}://{host}{port}{path}{tail}", removed


def _trimmed(text: str) -> str:
    return re.sub(r"(?:\s|%20|%c2%a0)+$", "", text, flags=re.I)


def _holds_email(text: str) -> bool:
    for _ in range(4):
        if _EMAIL.search(text):
            return True
        decoded = unquote(text)
        if decoded == text:
            return False
        text = decoded
    return "%40" in text


def _encoded(text: str) -> str:
    """One spelling of percent-encoding: what needs none has none, blanks are %20, hex is upper case."""
    plain = _ESCAPE.sub(lambda found: _unescaped(found[1]), text)
    return quote(plain, safe="%/:@!$&'()*+,;=~-._?#[]")


def _unescaped(hexadecimal: str) -> str:
    character = chr(int(hexadecimal, 16))
    return character if character in _UNRESERVED else f"%{hexadecimal.upper()}"


_AT = re.compile(r"\S*(?:@|%(?:25)*40)\S*")
_IN_TEXT = re.compile(r"(?:https?|(?:chrome|moz|edge)-extension):/[^\s<>\"]*|mailto:[^\s<>\"]*", re.I)


def unwrap_within(text: str) -> str:
    """The text with every address in it unwrapped, and nothing left of a wrapper that a blank cut in two."""
    if ":/" not in text and "mailto:" not in text.lower():
        return text
    return _AT.sub("", _IN_TEXT.sub(lambda found: unwrap(found[0])[0], text))


def first_address(text: str) -> str:
    """The first web address in a text, "" when there is none. Blanks inside an address belong to it."""
    found = re.search(r"(?:https?|(?:chrome|moz|edge)-extension):/|https?%3a|mailto:|\bwww\.", text, re.I)
    if not found:
        return ""
    return re.split(r"[\s,;|]+(?=https?:/)", text[found.start() :], maxsplit=1)[0].strip()
