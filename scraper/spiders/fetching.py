"""What every spider does once it knows where a list's file is: ask for it, once, and say what came."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from scrapy import Request, Spider
from scrapy.http import Response
from twisted.python.failure import Failure

from scraper.archive import Archive
from scraper.capture import KEPT_HEADERS, Capture, Found, Validators
from scraper.errors import CountersignError, RefusedError
from scraper.lists import PublishedList
from scraper.middlewares import Cost
from scraper.refusals import page_title, refusal_of_answer, refusal_of_exception

_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Fetched:
    """The one item of every spider: a capture that lacks its hash, and the body, if there is one."""

    capture: Capture
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What the spiders of one look share: what is wanted, what is known, and where results are put."""

    lists: Sequence[PublishedList]
    validators: Mapping[str, Validators]
    now: Callable[[], datetime]
    results: dict[str, Capture | CountersignError]


class ListSpider(Spider):
    """`look` and `archive` are handed over by scraper.crawl."""

    def __init__(self, look: Look, archive: Archive, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.look = look
        self.archive = archive

    def ask(
        self, published: PublishedList, url: str, page: Mapping[str, Any], spent: Cost, *, known: bool = True
    ) -> Request:
        """The request for a list's file; conditional when we hold a copy from the same address."""
        validators = self.look.validators.get(published.name) if known else None
        if validators and (validators.url != url or not validators.sha256):
            validators = None
        headers = {"Accept": "*/*"} | (conditions(validators, self.look.now()) if validators else {})
        return Request(
            url,
            headers=headers,
            callback=self.file_came,
            errback=self.file_failed,
            meta={"download_maxsize": published.max_bytes, "cost": Cost(spent.requests, spent.received)},
            cb_kwargs={
                "published": published,
                "url": url,
                "page": page,
                "validators": validators if len(headers) > 1 else None,
                "requested_at": self.look.now(),
            },
            dont_filter=True,
        )

    def file_came(
        self,
        response: Response,
        published: PublishedList,
        url: str,
        page: Mapping[str, Any],
        validators: Validators | None,
        requested_at: datetime,
    ) -> Iterator[Fetched | Request]:
        refusal = refusal_of_answer(response, conditional=validators is not None) or not_the_list(
            response, published
        )
        if refusal:
            self.look.results[published.name] = refusal
            return
        headers, cost = kept_headers(response), response.meta["cost"]
        outcome: Found = "fetched"
        if response.status == 304 and validators:
            if _differs(headers, validators):
                yield self.ask(published, url, page, cost, known=False)
                return
            outcome = "not modified"
            told = {"last-modified": validators.last_modified, "etag": validators.etag}
            headers = {name: value for name, value in told.items() if value} | headers
        capture = Capture(
            list=published.name,
            url=url,
            captured_at=self.look.now(),
            outcome=outcome,
            sha256=validators.sha256 if outcome == "not modified" and validators else None,
            bytes=len(response.body),
            published_name=published_name(response),
            final_url=response.url,
            status=response.status,
            headers=headers,
            requested_at=requested_at,
            page=page,
            requests=cost.requests,
            received=cost.received,
        )
        yield Fetched(capture, response.body if outcome == "fetched" else None)

    def file_failed(self, failure: Failure) -> None:
        request: Request = failure.request  # type: ignore[attr-defined]
        published: PublishedList = request.cb_kwargs["published"]
        self.look.results[published.name] = self.refusal(failure, request.url)

    def refusal(self, failure: Failure, url: str) -> CountersignError:
        assert failure.value is not None  # noqa: S101 - a Failure without an exception does not exist
        return refusal_of_exception(failure.value, url, self.settings.getfloat("DOWNLOAD_TIMEOUT"))


def published_name(response: Response) -> str:
    """The name in Content-Disposition, else the last part of the final address; never a path."""
    message = Message()
    message["content-disposition"] = _CONTROL.sub("", _said(response, "Content-Disposition"))
    try:
        name = message.get_filename()
    except (ValueError, LookupError):
        name = None
    name = name or unquote(urlsplit(response.url).path.rstrip("/"))
    return _CONTROL.sub("", name.replace("\\", "/").rpartition("/")[2]).strip()[:200]


def conditions(validators: Validators, now: datetime) -> dict[str, str]:
    """The server's own words. A Last-Modified of the future would be answered 304 for years."""
    conditions = {}
    if validators.etag:
        conditions["If-None-Match"] = validators.etag
    if validators.last_modified and not _later(validators.last_modified, now):
        conditions["If-Modified-Since"] = validators.last_modified
    return conditions


def _later(http_date: str, now: datetime) -> bool:
    try:
        return parsedate_to_datetime(http_date) > now
    except (ValueError, TypeError):
        return True


def _differs(headers: Mapping[str, str], validators: Validators) -> bool:
    """A 304 that names another version than ours: its ETag never changes, or its cache is confused."""
    ours = {"last-modified": validators.last_modified, "etag": validators.etag}
    return any(name in headers and value and headers[name] != value for name, value in ours.items())


def kept_headers(response: Response) -> dict[str, str]:
    found = {name: _CONTROL.sub("", _said(response, name)) for name in KEPT_HEADERS}
    return {name: value for name, value in found.items() if value}


def _said(response: Response, header: str) -> str:
    """A header's text. The standard says Latin-1, many servers send UTF-8."""
    value = response.headers.get(header) or b""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def not_the_list(response: Response, published: PublishedList) -> CountersignError | None:
    if published.format == "html" or response.status == 304 or not _HTML.match(response.body[:4096]):
        return None
    title = page_title(response.body[:100_000].decode("utf-8", "replace"))
    return RefusedError(
        f"{response.url} answered with a web page{f' (“{title}”)' if title else ''} instead of the list "
        f"{published.name} ({published.format}). It was not taken for the list."
    )
