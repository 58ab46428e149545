"""Lists that are linked from a landing page: one request for the page, at most one for each list.

What the page says of itself is kept with a capture, and never believed over the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from scrapy import Request
from scrapy.http import Response, TextResponse
from twisted.python.failure import Failure

from scraper.capture import Capture
from scraper.downloads import Cost
from scraper.error_messages import refusal_of_answer
from scraper.errors import CountersignError, RefusedError
from scraper.spiders.file import Fetched, Way
from scraper.spiders.links import (
    DATA,
    Judged,
    Link,
    anchors,
    choose_links,
    judge_links,
    page_title,
    parsed,
    refusal_of_page,
    words,
)

# Section 287(g) is a number that counts nothing.
_NUMBER = r"(?<![\d,.(])(\d{1,3}(?:,\d{3})+|\d{1,6})(?![\d,]*\d)(?!\s*\(g\))"
_LEADING = r"\s+(?:[A-Za-z][\w()-]*\s+){0,3}?"
_TRAILING = r"(?:287\s?\(g\)|[^.\d]){0,80}?"
_AGREEMENTS = re.compile(
    _NUMBER + r"\s+(?:[\w()/-]+\s+){0,4}?(?:memorand(?:ums?|a)|moas?|agreements?)\b", re.IGNORECASE
)
_STATES = re.compile(_NUMBER + r"\s+states\b", re.IGNORECASE)
_AS_OF = re.compile(
    r"\bas of\s+(?P<date>[A-Z][a-z]{2,8}\.?\s+\d{1,2},?\s+\d{4})"
    r"(?:,?\s+(?:at\s+)?(?P<time>\d{1,2}(?::\d{2})?\s*[ap]\.?\s?m\b\.?|noon))?",
    re.IGNORECASE,
)
_MODELS = {
    "JEM": r"(?:Jail Enforcement(?:\s+Models?)?|\bJEMs?\b)",
    "WSO": r"(?:Warrant Service Officers?(?:\s+Models?)?|\bWSOs?\b)",
    "TFM": r"(?:Task Force(?:\s+Models?)?|\bTFMs?\b)",
}


def page_evidence(html: str) -> dict[str, Any]:
    """Only what the page states: `agreements`, `states`, `by_support_type` (by JEM, WSO, TFM), `as_of` (ISO
    date, with the hour when one is given, in the publisher's own time zone), `as_of_text` as printed,
    `updated` (ISO time with its offset)."""
    root = parsed(html)
    if root is None:
        return {}
    text = words(root)
    told = {
        "agreements": _count(_AGREEMENTS, text),
        "states": _count(_STATES, text),
        "by_support_type": _by_model(text),
        **_as_of(text),
        "updated": _updated(root),
    }
    return {name: value for name, value in told.items() if value}


def _count(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return _whole(found[1]) if found else None


def _whole(digits: str) -> int:
    return int(digits.replace(",", ""))


def _by_model(text: str) -> dict[str, int]:
    """Counts stand all before their models' names ("85 JEM") or all behind ("JEM: 85")."""
    before = {m: re.compile(_NUMBER + _LEADING + name, re.IGNORECASE) for m, name in _MODELS.items()}
    behind = {m: re.compile(name + _TRAILING + _NUMBER, re.IGNORECASE) for m, name in _MODELS.items()}
    named = re.search("|".join(_MODELS.values()), text, re.IGNORECASE)
    leading = [found.end() for pattern in before.values() if (found := pattern.search(text))]
    counts_lead = bool(named and leading and min(leading) <= named.end())
    chosen = before if counts_lead else behind
    return {model: _whole(found[1]) for model, pattern in chosen.items() if (found := pattern.search(text))}


def _as_of(text: str) -> dict[str, str]:
    found = _AS_OF.search(text)
    if not found:
        return {}
    date = re.sub(r"[.,]", "", found["date"])
    for form in ("%B %d %Y", "%b %d %Y"):
        try:
            day = datetime.strptime(" ".join(date.split()), form).date()  # noqa: DTZ007 - a calendar date
        except ValueError:
            continue
        hour = _hour(found["time"])
        return {"as_of": day.isoformat() + (f"T{hour}" if hour else ""), "as_of_text": found[0].strip()}
    return {"as_of_text": found[0].strip()}


def _hour(printed: str | None) -> str:
    if not printed:
        return ""
    if printed.lower() == "noon":
        return "12:00"
    hour, minute = re.match(r"(\d+)(?::(\d+))?", printed).groups()  # type: ignore[union-attr]
    if not 1 <= int(hour) <= 12 or int(minute or 0) > 59:
        return ""
    return f"{int(hour) % 12 + (12 if 'p' in printed.lower() else 0):02}:{int(minute or 0):02}"


def _updated(root: Any) -> str:
    for element in root.iter("time"):
        parent = element.getparent()
        if parent is None or not re.search(r"\b(?:last\s+)?updated\b", words(parent), re.IGNORECASE):
            continue
        try:
            return datetime.fromisoformat((element.get("datetime") or "").strip()).isoformat()
        except ValueError:
            continue
    return ""


__all__ = ["ByPage", "Link", "choose_links", "judge_links", "page_evidence"]


class ByPage(Way):
    """All lists of its group have the same page.

    The page is asked for without conditions: what it says of itself is evidence, and the validators of a page
    that is put together by a program are not to be believed.
    """

    def start(self) -> Iterator[Request]:
        page = self.group.lists[0].page
        assert page is not None  # noqa: S101 - scraper.crawl takes this way for lists with a page
        yield Request(
            page,
            callback=self.page_came,
            errback=self.page_failed,
            meta=self.meta(Cost()),
            cb_kwargs={"requested_at": self.group.now()},
            dont_filter=True,
        )

    def page_came(self, response: Response, requested_at: datetime) -> Iterator[Fetched | Request]:
        html = _text(response)
        refusal = refusal_of_answer(response, conditional=False) or refusal_of_page(html, response.url)
        judged = {} if refusal else judge_links(html, response.url, self.group.lists)
        refusal = refusal or self._says_nothing(html, response.url, judged)
        if refusal:
            self._all_failed(refusal)
            return
        page, cost = page_evidence(html), response.meta["cost"]
        for published in self.group.lists:
            link = judged[published.name]
            if isinstance(link, Link):
                yield self.ask(published, link.url, page, cost)
            elif link is None:
                yield Fetched(
                    Capture(
                        list=published.name,
                        url=response.url,
                        captured_at=self.group.now(),
                        outcome="absent",
                        final_url=response.url,
                        status=response.status,
                        requested_at=requested_at,
                        page=page,
                        requests=cost.requests,
                        received=cost.received,
                    )
                )
            else:
                self.group.results[published.name] = link

    def page_failed(self, failure: Failure) -> None:
        request: Request = failure.request  # type: ignore[attr-defined]
        self._all_failed(self.refusal(failure, request.url))

    def _all_failed(self, refusal: CountersignError) -> None:
        for published in self.group.lists:
            self.group.results[published.name] = refusal

    def _says_nothing(self, html: str, url: str, judged: Judged) -> CountersignError | None:
        """A page without any sign of its lists is somebody else's page, which does not make them absent."""
        if any(judged.values()) or any(anchor.extension in DATA for anchor in anchors(html, url)):
            return None
        root = parsed(html)
        text = words(root) if root is not None else ""
        rules = [published.link for published in self.group.lists if published.link]
        if page_evidence(html) or any(re.search(rule.text, text, re.IGNORECASE) for rule in rules):
            return None
        if any(re.search(rule.file, html, re.IGNORECASE) for rule in rules):
            return RefusedError(
                f"{url} makes its links by a script, which is not run. Look at it in a browser."
            )
        title = page_title(html)
        return RefusedError(
            f"{url} answered with a page{f' (“{title}”)' if title else ''} that says nothing of its lists. "
            "Look at it in a browser; if the publisher moved it, correct the list's page."
        )


def _text(response: Response) -> str:
    """UTF-8 that decodes is UTF-8, whatever the header claims."""
    try:
        return response.body.decode("utf-8")
    except UnicodeDecodeError:
        return response.text if isinstance(response, TextResponse) else response.body.decode("latin-1")
