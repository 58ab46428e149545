"""The links of a page: all that is said of each, and which one is the list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

import lxml.etree
import lxml.html
from w3lib.url import safe_url_string

from scraper.errors import AmbiguousError, CountersignError, PublisherError, RefusedError
from scraper.lists import LinkRule, PublishedList

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


_PAPERS = frozenset({"pdf", "doc", "docx", "ppt", "pptx", "rtf", "txt", "htm", "html", "php", "aspx", "xml"})
_MEDIA = frozenset({"png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "mp3", "mp4", "mov", "zip", "exe"})
_LISTLIKE = re.compile(r"agenc|entit|list|spreadsheet|excel|workbook|xlsx?|csv", re.IGNORECASE)
_MUTE = re.compile(
    r"(?:\W|_|\d|\b(?:download|view|open|get|see|click|here|the|this|a|file|list|full|latest|current|updated?"
    r"|excel|xlsx?|csv|ods|json|spreadsheet|workbook|document|link|as|kb|mb|new|tab|in|opens|window)\b)*",
    re.IGNORECASE,
)

Judged = dict[str, "Link | PublisherError | None"]


@dataclass(frozen=True, slots=True)
class Link:
    """`url` is absolute, `text` what the reader sees, `by` what decided: "text", "file" or "heading"."""

    url: str
    text: str
    by: str


def choose_links(html: str, base_url: str, lists: Sequence[PublishedList]) -> dict[str, Link | None]:
    """The link of each list, None when the page has none. Raises AmbiguousError for want of one answer."""
    chosen: dict[str, Link | None] = {}
    for name, link in judge_links(html, base_url, lists).items():
        if isinstance(link, PublisherError):
            raise link
        chosen[name] = link
    return chosen


def judge_links(html: str, base_url: str, lists: Sequence[PublishedList]) -> Judged:
    """As choose_links, with each list's error in its own place: one list's trouble is not the other's."""
    found = list(anchors(html, base_url))
    rules = {published.name: _rule(published) for published in lists}
    judged: Judged = {}
    for published in lists:
        try:
            judged[published.name] = _choose(published, found, list(rules.values()))
        except PublisherError as error:
            judged[published.name] = error
    claims = {
        name: {same_document(a.url) for a in found if not a.scripted and _text_alone(rule, a)}
        for name, rule in rules.items()
    }
    return _none_shared(judged, claims)


def _choose(published: PublishedList, found: Sequence[Anchor], rules: Sequence[LinkRule]) -> Link | None:
    rule = _rule(published)
    others = (_PAPERS | _MEDIA) - {published.format}
    usable = [anchor for anchor in found if anchor.extension not in others]
    spoken = [anchor for anchor in usable if not anchor.scripted and _speaks(rule, anchor)]
    clean = [anchor for anchor in spoken if not _vetoed(rule, anchor)]
    candidates = (
        _in_format(published, [anchor for anchor in clean if anchor.is_file])
        or [anchor for anchor in usable if _under_heading(rule, anchor, rules) and _mute(anchor)]
        or [anchor for anchor in usable if _under_heading(rule, anchor, rules) and _listlike(anchor)]
        or [anchor for anchor in clean if not anchor.is_file and not anchor.around]
    )
    if not candidates:
        _refuse_contradiction(published, [anchor for anchor in spoken if anchor.is_file], rules)
        _refuse_scripted(published, [anchor for anchor in usable if anchor.scripted and _clean(rule, anchor)])
        return None
    addresses = {same_document(a.url): a for a in sorted(candidates, key=_plainness)}
    if len(addresses) > 1:
        named = " and ".join(sorted(anchor.url for anchor in addresses.values())[:5])
        raise AmbiguousError(
            f"The page links to more than one file for the list {published.name}: {named}. "
            "Look at the page; if one of them is something else, exclude it by the list's link rule."
        )
    (chosen,) = addresses.values()
    return Link(chosen.url, chosen.text, _speaks(rule, chosen) or "heading")


def _in_format(published: PublishedList, candidates: list[Anchor]) -> list[Anchor]:
    """The same list is often offered in two formats; the declared one is the list."""
    return [a for a in candidates if a.extension in (published.format, "")] or candidates


def _rule(published: PublishedList) -> LinkRule:
    return published.link or LinkRule(text=re.escape(published.name), file=re.escape(published.name))


def _speaks(rule: LinkRule, anchor: Anchor) -> str:
    if _found(rule.text, anchor.said):
        return "text"
    return "file" if _found(rule.file, anchor.file) else ""


def _vetoed(rule: LinkRule, anchor: Anchor) -> bool:
    return _found(rule.never, anchor.said) or _found(rule.never, anchor.file)


def _clean(rule: LinkRule, anchor: Anchor) -> bool:
    return bool(_speaks(rule, anchor)) and not _vetoed(rule, anchor)


def _text_alone(rule: LinkRule, anchor: Anchor) -> bool:
    return _found(rule.text, anchor.said) and not _found(rule.never, anchor.said)


def _under_heading(rule: LinkRule, anchor: Anchor, rules: Iterable[LinkRule]) -> bool:
    if not anchor.is_file or anchor.around or anchor.scripted or _vetoed(rule, anchor):
        return False
    if not _found(rule.text, anchor.heading) or _found(rule.never, anchor.heading):
        return False
    return not any(_speaks(other, anchor) for other in rules)


def _mute(anchor: Anchor) -> bool:
    return _MUTE.fullmatch(anchor.said[:300]) is not None


def _listlike(anchor: Anchor) -> bool:
    return bool(anchor.extension) or bool(_LISTLIKE.search(anchor.said))


def _refuse_contradiction(
    published: PublishedList, spoken: Iterable[Anchor], rules: Sequence[LinkRule]
) -> None:
    for anchor in spoken:
        if not any(_clean(rule, anchor) for rule in rules):
            raise AmbiguousError(
                f"The link “{anchor.text[:80]}” to {anchor.url} says two things at once: it cannot be told "
                f"whether it is the list {published.name}. Look at the page."
            )


def _refuse_scripted(published: PublishedList, scripted: Iterable[Anchor]) -> None:
    for anchor in scripted:
        raise RefusedError(
            f"The link “{anchor.text[:80]}” of the list {published.name} has no web address of its own "
            f"({anchor.url[:80] or 'a script makes it'}), so it cannot be followed. Look at the page."
        )


def _none_shared(judged: Judged, claims: Mapping[str, set[tuple[str, int | None, str, str]]]) -> Judged:
    """One file cannot be two lists: whichever it is, the page is wrong about the other."""
    kept = dict(judged)
    for name, link in judged.items():
        if not isinstance(link, Link):
            continue
        for other, claimed in claims.items():
            if other != name and same_document(link.url) in claimed:
                kept[name] = kept[other] = AmbiguousError(
                    f"The page links to one and the same file, {link.url}, for the lists {name} and {other}. "
                    "Nothing can be told from it until the publisher corrects the page."
                )
    return kept


def _plainness(anchor: Anchor) -> tuple[bool, int]:
    """Sorts the address to use last: https before http, the shortest of its kind."""
    return anchor.url.startswith("https:"), -len(anchor.url)


def _found(pattern: str, text: str) -> bool:
    """Word breaks in a file name may be hyphens, underscores or nothing."""
    spaced = re.sub(r"[-_.+]+", " ", text)
    return bool(re.search(pattern, text, re.IGNORECASE) or re.search(pattern, spaced, re.IGNORECASE))


_BLOCKED = re.compile(
    r"access (?:to this page has been )?denied|forbidden|attention required|just a moment"
    r"|checking your browser|are you (?:a )?(?:human|robot)|verify you are|captcha|incapsula"
    r"|request (?:unsuccessful|blocked|rejected)|pardon our interruption|security check|unusual traffic"
    r"|enable javascript and cookies",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"maintenance|temporarily (?:unavailable|down|closed)|service unavailable|page not found|bad gateway"
    r"|be (?:right )?back (?:soon|shortly)|internal server error|something went wrong",
    re.IGNORECASE,
)
_TELLING = 3_000


def refusal_of_page(html: str, url: str) -> CountersignError | None:
    """Why a web page is not the publisher's own page, though it came with status 200."""
    title = page_title(html)
    root = parsed(html)
    text = words(root) if root is not None else ""
    headlines = [title, *(words(h1) for h1 in root.iter("h1"))] if root is not None else []
    said = " | ".join([*headlines, text if len(text) < _TELLING else ""])
    if _BLOCKED.search(said):
        return RefusedError(
            f"{url} answered with a page that blocks us (“{title or text[:60]}”), not its own."
        )
    if _AWAY.search(" | ".join(headlines)) or (len(text) < _TELLING / 3 and _AWAY.search(said)):
        return RefusedError(
            f"{url} answered with a page that puts us off (“{title or text[:60]}”). Try again later."
        )
    return None


def page_title(html: str) -> str:
    root = parsed(html)
    title = next(root.iter("title"), None) if root is not None else None
    return " ".join((title.text or "").split())[:80] if title is not None else ""
