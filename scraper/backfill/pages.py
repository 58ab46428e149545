"""A captured page: is it the list itself, or does it lead to the list's file?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scraper.errors import PublisherError
from scraper.lists import PublishedList
from scraper.pages import refusal_of_page
from scraper.spiders.html import parsed, words
from scraper.spiders.links import Link, judge_links


@dataclass(frozen=True, slots=True)
class Page:
    """`link` is the address of the file; `unclear` says why nothing can be told from the page."""

    is_list: bool = False
    link: str | None = None
    unclear: str = ""


def look_into(body: bytes, url: str, published: PublishedList, lists: Sequence[PublishedList]) -> Page:
    """`lists` are all that share the page: one list's link may be told from another's only together."""
    html = body.decode("utf-8", "replace")
    if refusal := refusal_of_page(html, url):
        return Page(unclear=str(refusal))
    if any(_has_table(html, earlier.table) for earlier in published.earlier):
        return Page(is_list=True)
    found = judge_links(html, url, lists)[published.name]
    if isinstance(found, PublisherError):
        return Page(unclear=str(found))
    return Page(link=found.url if isinstance(found, Link) else None)


def _has_table(html: str, wanted: str) -> bool:
    """A table whose first row says so; the words may stand elsewhere on a page that only links to a file."""
    root = parsed(html)
    if root is None:
        return False
    looked_for = " ".join(wanted.split()).casefold()
    return any(
        looked_for in words(row).casefold()
        for table in root.iter("table")
        for row in list(table.iter("tr"))[:1]
    )
