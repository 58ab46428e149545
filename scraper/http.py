"""What HTTP says: headers that mean something, conditional requests, gzip undone, and addresses open to anybody."""

from __future__ import annotations

import ipaddress
import re
import socket
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from scraper.capture import KEPT_HEADERS, Validators
from scraper.errors import ForbiddenAddressError, RefusedError, TooLargeError, UnreachableError

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


_BLOCK = 262_144


def unpacked(body: bytes, told: bytes, limit: int, url: str) -> bytes:
    """The body without the packing that `Content-Encoding` tells of; the very same when it tells of none."""
    encodings = [name.strip() for name in told.decode("latin-1").lower().split(",")]
    encodings = [name for name in encodings if name not in ("", "identity")]
    if not encodings or not body:
        return body
    if encodings not in (["gzip"], ["x-gzip"]):
        named = ", ".join(encodings)[:40]
        raise RefusedError(f"{url} came packed as “{named}”, which was not asked for and is not read.")
    return _unpacked(body, limit, url)


def _unpacked(packed: bytes, limit: int, url: str) -> bytes:
    pieces: list[bytes] = []
    size, rest = 0, packed
    while rest.startswith(b"\x1f\x8b") or not pieces:
        member = zlib.decompressobj(31)
        try:
            while not member.eof and rest:
                piece = member.decompress(rest, _BLOCK)
                rest = member.unconsumed_tail
                pieces.append(piece)
                size += len(piece)
                if size > limit:
                    raise TooLargeError(
                        f"{url} unpacks to more than {limit:,} bytes, which is more than this list may have."
                    )
        except zlib.error as damage:
            raise RefusedError(f"{url} says that it is packed with gzip, but cannot be unpacked.") from damage
        if not member.eof:
            raise UnreachableError(
                f"{url} was cut short: its gzip stream ends in the middle. Try again later."
            )
        rest = member.unused_data
    return b"".join(pieces)


Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Does the address lead to the open internet, and so does the one it may carry inside?"""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    inner = address.ipv4_mapped or address.sixtofour
    if inner:
        return is_public(inner)
    return address.is_global and address in _UNICAST


def public_socket(info: tuple[int, int, int, str, tuple[Any, ...]]) -> socket.socket:
    """A socket for an address as `getaddrinfo` tells of it. Raises ForbiddenAddressError for a private one."""
    family, kind, protocol, _, place = info
    address = ipaddress.ip_address(place[0].partition("%")[0])
    if not is_public(address):
        raise ForbiddenAddressError(
            f"{address}, which is not a public address, so it was not asked. If this list is published in a "
            "network of your own, declare it with private_addresses = true; further hosts or ports of it stand in "
            "options.hosts."
        )
    return socket.socket(family, kind, protocol)
