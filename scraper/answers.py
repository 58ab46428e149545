"""The headers of a response that mean something, and those of a conditional request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit

from scraper.capture import KEPT_HEADERS, Validators

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
Header = Callable[[str], bytes | None]  # the last value of the header of this name


def published_name(header: Header, url: str) -> str:
    """The name in Content-Disposition, else the last part of the final address; never a path."""
    message = Message()
    message["content-disposition"] = _CONTROL.sub("", _said(header("Content-Disposition")))
    try:
        name = message.get_filename()
    except (ValueError, LookupError):
        name = None
    name = name or unquote(urlsplit(url).path.rstrip("/"))
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


def another_version(headers: Mapping[str, str], validators: Validators) -> bool:
    """A 304 that names another version than ours: its ETag never changes, or its cache is confused.

    Compared weakly (RFC 9110, 8.8.3.2): who packs a body calls its ETag weak, and confirms it by the strong one.
    """
    ours = {"last-modified": validators.last_modified, "etag": validators.etag}
    return any(
        name in headers and value and headers[name].removeprefix("W/") != value.removeprefix("W/")
        for name, value in ours.items()
    )


def kept_headers(header: Header) -> dict[str, str]:
    """Those of an answer that are kept as evidence, by name, without control characters."""
    found = {name: _CONTROL.sub("", _said(header(name))) for name in KEPT_HEADERS}
    return {name: value for name, value in found.items() if value}


def confirmed(headers: Mapping[str, str], validators: Validators) -> dict[str, str]:
    """The headers of a 304, completed by what the server said of the copy that it confirms."""
    told = {"last-modified": validators.last_modified, "etag": validators.etag}
    return {name: value for name, value in told.items() if value} | dict(headers)


def _said(value: bytes | None) -> str:
    """A header's text. The standard says Latin-1, many servers send UTF-8."""
    try:
        return (value or b"").decode("utf-8")
    except UnicodeDecodeError:
        return (value or b"").decode("latin-1")
