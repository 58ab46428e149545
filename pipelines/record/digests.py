"""The digest of a row as the database stores it."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any


def digest(row: Iterable[Any]) -> str:
    """128 bits in hex, of every value with its type and length."""
    hashed = blake2b(digest_size=16)
    for value in row:
        raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
        hashed.update(b"%s %d " % (type(value).__name__.encode(), len(raw)))
        hashed.update(raw)
    return hashed.hexdigest()
