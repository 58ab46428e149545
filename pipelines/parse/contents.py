"""Whether two workbooks would be read alike, told without reading either."""

from __future__ import annotations

import re
from hashlib import blake2b
from pathlib import Path

from pipelines.parse.limits import DEFAULT, Limits
from pipelines.parse.package import HELD, Package
from scraper.errors import UnreadableError

# Who saved the file, when and with what: no reader of rows asks for these, unless a sheet's parts refer to them.
UNREAD = ("docprops/core.xml", "docprops/app.xml", "docprops/custom.xml")
ZIP = b"PK\x03\x04"
# The moment of an archive's visit, where a cell's text begins with it: rows are known without it. (In this order it
# is looked for by its "http".)
_VISIT = re.compile(rb"http(?<=<[is][si]><t>http)s?://web\.archive\.org/web/\d+/(?=https?://)")


def contents(path: Path, limits: Limits = DEFAULT) -> bytes | None:
    """A digest of all that the rows, their links and what is odd about them depend on; None when the file is no
    workbook, damaged, or too large to be unpacked for this alone."""
    with path.open("rb") as file:
        if file.read(len(ZIP)) != ZIP:
            return None
    try:
        package = Package(path, limits)
        names = sorted(set(package.names).difference(UNREAD))
        if sum(map(package.size, names)) > HELD:
            return None
        digest = blake2b(digest_size=16)
        for name in names:
            body = b"".join(package.blocks(name))
            if name.startswith("xl/") and name.endswith(".rels") and b"docprops" in body.lower():
                return None
            if b"archive.org/web/" in body:
                body = _VISIT.sub(b"", body)
            digest.update(f"{name}\0{len(body)}\0".encode())
            digest.update(body)
    except UnreadableError:
        return None
    return digest.digest()
