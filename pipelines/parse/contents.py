"""Whether two workbooks would be read alike, told without reading either."""

from __future__ import annotations

import re
from hashlib import blake2b
from pathlib import Path

from pipelines.parse.limits import DEFAULT, Limits
from pipelines.parse.package import HELD, Package
from scraper.errors import UnreadableError

# Who saved the file and when, and what its makers' programs note for themselves: no reader of rows asks for these.
UNREAD = ("docprops/", "customxml/")
# The moment of an archive's visit, where a cell's text begins with it: rows are known without it. (In this order it
# is looked for by its "http".)
_VISIT = re.compile(rb"http(?<=<[is][si]><t>http)s?://web\.archive\.org/web/\d+/(?=https?://)")


def contents(path: Path, limits: Limits = DEFAULT) -> bytes | None:
    """A digest of all that the rows, their links and what is odd about them depend on; None when the file is no
    workbook, damaged, or too large to be unpacked for this alone."""
    try:
        package = Package(path, limits)
        names = sorted(name for name in package.names if not name.startswith(UNREAD))
        if sum(map(package.size, names)) > HELD:
            return None
        digest = blake2b(digest_size=16)
        for name in names:
            body = b"".join(package.blocks(name))
            if b"archive.org/web/" in body:
                body = _VISIT.sub(b"", body)
            digest.update(f"{name}\0{len(body)}\0".encode())
            digest.update(body)
    except UnreadableError:
        return None
    return digest.digest()
