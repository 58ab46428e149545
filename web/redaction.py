"""A published file without its wrapped links: what the public page hands out.

Mail programs wrap links in addresses that carry who received them. Such an address is replaced by the one it
wraps, wherever it stands in the file; a file that holds none is handed out as it came.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path

from pipelines.normalise.links import unwrap
from pipelines.parse.limits import Limits
from pipelines.parse.package import Package

# A wrapper's address ends where the text, the attribute or the cell around it ends.
_WRAPPER = re.compile(
    r"https?://[a-z0-9.-]*(?:safelinks\.protection\.(?:outlook\.com|office365\.us)|urldefense\.(?:com|us|proofpoint\.com))"
    r"/[^\s\"'<>,]*",
    re.I,
)
_IN_TEXT = re.compile(rb"safelinks\.protection|urldefense", re.I)
_TEXT_PARTS = (".xml", ".rels", ".vml", ".txt", ".html", ".json", ".csv")
TEXT_FORMATS = ("csv", "html", "json")
PACKED_FORMATS = ("xlsx", "ods")
LIMITS = Limits(max_bytes_unpacked=300_000_000)
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`body` as it may be shown to anybody; `replaced` addresses were taken out of their wrappers."""

    body: bytes
    replaced: int


def cleaned(path: Path, kind: str) -> Cleaned | None:
    """The file at `path` without wrappers; None when nobody can tell what it holds (a PDF, say).

    Raises UnreadableError when it is not of its kind, or a bomb.
    """
    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    if packed:
        return _packed(path)
    if kind in TEXT_FORMATS:
        body, replaced = _without_wrappers(path.read_bytes(), markup=kind == "html")
        return Cleaned(body, replaced)
    return None


def _packed(path: Path) -> Cleaned:
    package = Package(path, LIMITS)
    replaced = 0
    written = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            if entry.is_dir():
                continue
            body = b"".join(package.blocks(entry.filename.replace("\\", "/").lstrip("/")))
            if entry.filename.lower().endswith(_TEXT_PARTS):
                body, count = _without_wrappers(body, markup=True)
                replaced += count
            kept = zipfile.ZipInfo(entry.filename, max(entry.date_time, _EARLIEST))
            kept.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(kept, body)
    return Cleaned(written.getvalue(), replaced) if replaced else Cleaned(path.read_bytes(), 0)


def _without_wrappers(body: bytes, *, markup: bool) -> tuple[bytes, int]:
    encoding = "utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    if encoding == "utf-8" and not _IN_TEXT.search(body):
        return body, 0
    text = body.decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")

    def inner(found: re.Match[str]) -> str:
        address, _ = unwrap(unescape(found[0]) if markup else found[0])
        return escape(address) if markup else address

    text, count = _WRAPPER.subn(inner, text)
    return (
        (text.encode(encoding, "surrogateescape" if encoding == "utf-8" else "strict"), count)
        if count
        else (body, 0)
    )
