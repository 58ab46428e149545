"""Undoing gzip, whole or not at all."""

from __future__ import annotations

import zlib

from scraper.errors import RefusedError, TooLargeError, UnreachableError

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
