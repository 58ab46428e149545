"""What a publisher can do to a visitor: each rudeness is one answer, written straight to the connection."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from socket import SO_LINGER, SOL_SOCKET
from threading import Event
from typing import Protocol

HTML = "text/html; charset=UTF-8"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class File(Protocol):
    """What the publisher would have served."""

    @property
    def body(self) -> bytes: ...


class Talk(Protocol):
    """The connection, as http.server hands it out."""

    @property
    def wfile(self) -> Wire: ...

    @property
    def connection(self) -> Socket: ...


class Wire(Protocol):
    def write(self, data: bytes, /) -> object: ...


class Socket(Protocol):
    def setsockopt(self, level: int, name: int, value: bytes, /) -> None: ...

    def close(self) -> None: ...


Answer = Callable[[Talk, File | None, Event], None]


@dataclass(frozen=True, slots=True)
class Rudeness:
    """`status` is what the log of requests says of it."""

    answer: Answer
    status: int = 200


def answering(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Rudeness:
    """An orderly answer, whatever it says. A Content-Length given in `headers` may lie."""
    told = {"Content-Type": HTML, "Content-Length": str(len(body)), **(headers or {})}
    return Rudeness(lambda talk, _file, _end: _send(talk, _head(status, told) + body), status)


def redirecting(to: str) -> Rudeness:
    return answering(302, b"", {"Location": to})


def block_page() -> Rudeness:
    return answering(200, b"<html><title>Access Denied</title><h1>Access Denied</h1>Reference #18.2d1</html>")


def challenge_page() -> Rudeness:
    return answering(
        200, b"<html><title>Just a moment...</title><p>Checking your browser. Enable JavaScript.</p></html>"
    )


def maintenance_page() -> Rudeness:
    return answering(
        200, b"<html><title>Site under maintenance</title><p>We will be back shortly.</p></html>"
    )


def reset_in_headers() -> Rudeness:
    def answer(talk: Talk, _file: File | None, _end: Event) -> None:
        _send(talk, b"HTTP/1.1 200 OK\r\nContent-Ty")
        _reset(talk)

    return Rudeness(answer)


def reset_in_body() -> Rudeness:
    def answer(talk: Talk, file: File | None, _end: Event) -> None:
        body = file.body if file else bytes(5000)
        _send(talk, _head(200, {"Content-Type": WORKBOOK, "Content-Length": str(len(body))}) + body[:100])
        _reset(talk)

    return Rudeness(answer)


def wrong_length(by: int) -> Rudeness:
    """Promises `by` bytes more (or, negative, fewer) than it sends."""

    def answer(talk: Talk, file: File | None, _end: Event) -> None:
        body = file.body if file else bytes(5000)
        _send(talk, _head(200, {"Content-Type": WORKBOOK, "Content-Length": str(len(body) + by)}) + body)

    return Rudeness(answer)


def slow_headers() -> Rudeness:
    return Rudeness(lambda talk, _file, end: _drip(talk, b"HTTP/1.1 200 OK\r\nX-Slow: ", end))


def slow_body() -> Rudeness:
    head = _head(200, {"Content-Type": WORKBOOK, "Content-Length": "100000"})
    return Rudeness(lambda talk, _file, end: _drip(talk, head, end))


def silent() -> Rudeness:
    """Takes the request and never answers."""

    def answer(_talk: Talk, _file: File | None, end: Event) -> None:
        end.wait()

    return Rudeness(answer)


def endless_body(content_type: str = WORKBOOK) -> Rudeness:
    def answer(talk: Talk, _file: File | None, end: Event) -> None:
        with suppress(OSError):
            talk.wfile.write(_head(200, {"Content-Type": content_type}))
            while not end.is_set():
                talk.wfile.write(b"<p>more</p>" * 6000)

    return Rudeness(answer)


def truncated_gzip() -> Rudeness:
    """Half a gzip stream that claims to be the whole answer."""

    def answer(talk: Talk, file: File | None, _end: Event) -> None:
        packed = gzip.compress(file.body if file else bytes(5000))
        half = packed[: len(packed) // 2]
        _send(talk, _head(200, {**_GZIP, "Content-Length": str(len(half))}) + half)

    return Rudeness(answer)


def gzip_bomb(megabytes: int) -> Rudeness:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1_000_000)
    packed = b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()

    def answer(talk: Talk, _file: File | None, _end: Event) -> None:
        _send(talk, _head(200, {**_GZIP, "Content-Length": str(len(packed))}) + packed)

    return Rudeness(answer)


_GZIP = {"Content-Type": WORKBOOK, "Content-Encoding": "gzip"}


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


def _send(talk: Talk, data: bytes) -> None:
    with suppress(OSError):
        talk.wfile.write(data)


def _drip(talk: Talk, first: bytes, end: Event) -> None:
    _send(talk, first)
    with suppress(OSError):
        while not end.wait(0.1):
            talk.wfile.write(b"x")


def _reset(talk: Talk) -> None:
    """Close so that the other side sees a reset, not an end."""
    talk.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    talk.connection.close()
