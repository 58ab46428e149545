"""The links of a page as data: where each leads and all that is said of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

from w3lib.url import safe_url_string

from scraper.spiders.html import parsed, words

DATA = frozenset({"xlsx", "xls", "xlsm", "xlsb", "ods", "csv", "tsv", "json"})
_EXTENSION = re.compile(r"\.([A-Za-z][A-Za-z0-9]{1,4})$")
_DOWNLOAD = re.compile(r"download|export|attachment|/files?/|/doclib/|/\d+/?$|format=|rows\b", re.IGNORECASE)
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|mc_[ce]id|_ga|_gl|ref_?src", re.IGNORECASE)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "caption", "legend", "summary", "dt", "button"})
_AROUND = frozenset({"nav", "header", "footer"})
_SCRIPTED = ("javascript:", "data:", "file:", "blob:", "ftp:")


@dataclass(frozen=True, slots=True)
class Anchor:
    """`said` joins visible text, titles and alternative texts; `file` is the last part of the address.

    `around` links stand in a menu, header or footer. A `scripted` one has no web address of its own.
    """

    url: str
    text: str
    said: str
    file: str
    extension: str
    heading: str
    around: bool
    scripted: bool

    @property
    def is_file(self) -> bool:
        return self.extension in DATA or (not self.extension and bool(_DOWNLOAD.search(self.url)))


def anchors(html: str, base_url: str) -> Iterator[Anchor]:
    """Every link of the page in its order, duplicates included; what leads nowhere else is left out."""
    root = parsed(html)
    if root is None:
        return
    base, heading = _base(root, base_url), ""
    for element in root.iter():
        tag = element.tag if isinstance(element.tag, str) else ""
        scripted = _is_scripted(element)
        if tag in _HEADINGS and not scripted:
            heading = words(element)
        if tag not in ("a", "area", "button"):
            continue
        url = "" if scripted else _address(element.get("href") or "", base, base_url)
        if scripted or url:
            yield _anchor(element, url, heading, scripted=scripted)


def same_document(url: str) -> tuple[str, int | None, str, str]:
    """Two addresses with the same key lead to one document."""
    parts = urlsplit(url)
    port = None if parts.port in (80, 443) else parts.port
    return (parts.hostname or "").lower(), port, unquote(parts.path), parts.query


def _anchor(element: Any, url: str, heading: str, *, scripted: bool) -> Anchor:
    text = words(element)
    labels = [element.get("title"), element.get("aria-label"), *(i.get("alt") for i in element.iter("img"))]
    file = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
    extension = _EXTENSION.search(file)
    return Anchor(
        url=url or (element.get("href") or "").strip(),
        text=text,
        said=" | ".join([text, *(" ".join(label.split()) for label in labels if label)]),
        file=file,
        extension=extension[1].lower() if extension else "",
        heading=heading,
        around=any(parent.tag in _AROUND for parent in element.iterancestors()),
        scripted=scripted,
    )


def _is_scripted(element: Any) -> bool:
    href = (element.get("href") or "").strip().lower()
    return href.startswith(_SCRIPTED) or (href in ("", "#") and element.get("onclick") is not None)


def _base(root: Any, base_url: str) -> str:
    for element in root.iter("base"):
        if href := element.get("href"):
            return _joined(base_url, href) or base_url
    return base_url


def _address(href: str, base: str, page: str) -> str:
    """The absolute address without fragment and tracking, or "" for what is no other document on the web."""
    url = _joined(base, href)
    parts = urlsplit(url)
    if not href.strip() or parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    if same_document(url) == same_document(page):
        return ""
    asked = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in asked if not _TRACKING.fullmatch(name)]
    query = parts.query if kept == asked else urlencode(kept)
    return parts._replace(fragment="", query=query).geturl()


def _joined(base: str, href: str) -> str:
    try:
        url = safe_url_string(urljoin(base, re.sub(r"[\t\r\n]", "", href.strip())))
        urlsplit(url).port  # noqa: B018 - an impossible port shows only when it is asked for
    except ValueError:
        return ""
    return url
