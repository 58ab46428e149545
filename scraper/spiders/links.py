"""Which link of a page is which list. Pure: no network, no clock, no Scrapy.

A link speaks through what the reader sees (its text, a title, an image's alternative text) and through the
last part of its address. When both are mute ("Download", "/public/123"), the heading above it speaks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scraper.errors import AmbiguousError, PublisherError, RefusedError
from scraper.lists import LinkRule, PublishedList
from scraper.spiders.anchors import Anchor, anchors, same_document

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
