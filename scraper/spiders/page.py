"""Lists that are linked from a landing page: one request for the page, at most one for each list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from scrapy import Request
from scrapy.http import Response, TextResponse
from twisted.python.failure import Failure

from scraper.capture import Capture
from scraper.errors import CountersignError, RefusedError
from scraper.middlewares import Cost
from scraper.pages import page_title, refusal_of_page
from scraper.refusals import refusal_of_answer
from scraper.spiders.anchors import DATA, anchors
from scraper.spiders.evidence import page_evidence
from scraper.spiders.fetching import Fetched, Way
from scraper.spiders.html import parsed, words
from scraper.spiders.links import Judged, Link, choose_links, judge_links

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
