"""What a hostile document is: how it is made, and what must come of it. Each is wrong in one way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scraper.lists import Format

Build = Callable[[Path], object]
BAD, ODD, FINE = "bad", "odd", "fine"
# (name, declared format, builder, what must come of it, a part of the error or the names of findings)
Case = tuple[str, Format, Build, str, str]
ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {after} "{f"&{before};" * 10}">'
        for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def late(build: Callable[[], Build]) -> Build:
    """A large document, made only when its turn comes."""
    return lambda path: build()(path)


def raw(body: bytes) -> Build:
    return lambda path: path.write_bytes(body)
