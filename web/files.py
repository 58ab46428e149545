"""The published files themselves, for whoever wants to check."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from pipelines.history.agreements import publication_of_bytes
from pipelines.normalise.links import unwrap
from pipelines.parse.package import Package
from pipelines.parse.table import Limits, Reading
from scraper.errors import UnreadableError
from web.context import context_of
from web.sign_in import may_see_originals

router = APIRouter(include_in_schema=False)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEDIA = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
}
ONLY_ORIGINAL = (
    "This kind of file is handed out with the token only: it may hold wrapped links with e-mail addresses, "
    "which cannot be taken out of it."
)


@router.get("/raw/{sha256}")
def raw(request: Request, sha256: str, original: Annotated[str, Query(max_length=1)] = "") -> Response:
    """The file of this hash; wrapped links are taken out unless `original=1` is asked with the token."""
    context = context_of(request)
    if not _SHA256.fullmatch(sha256):
        raise HTTPException(404, "A file is called by its SHA-256, 64 letters long.")
    with context.installation.engine.connect() as connection:
        row = publication_of_bytes(connection, sha256)
    if row is None or not context.installation.archive.has(sha256):
        raise HTTPException(404, "No published file has this hash.")
    declared = context.installation.lists.get(row.list)
    kind = declared.format if declared else "xlsx"
    name = safe_name(row.published_name, kind)
    if original and may_see_originals(request):
        body = context.installation.archive.read(sha256)
        return _file(body, name, kind, sha256, altered=False)
    try:
        with context.installation.archive.local_path(sha256) as path:
            clean = cleaned(path, kind)
    except UnreadableError:
        clean = None
    if clean is None:
        raise HTTPException(403, ONLY_ORIGINAL)
    if clean.replaced:
        stem, dot, suffix = name.rpartition(".")
        name = f"{stem}-links-unwrapped{dot}{suffix}" if dot else f"{name}-links-unwrapped"
    return _file(clean.body, name, kind, sha256, altered=bool(clean.replaced))


def _file(body: bytes, name: str, kind: str, sha256: str, *, altered: bool) -> Response:
    fallback = name.encode("ascii", "replace").decode().replace("?", "_")
    coded = quote(name, safe="")
    answer = Response(
        body,
        headers={
            "Content-Type": _MEDIA.get(kind, "application/octet-stream"),
            "Content-Disposition": f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{coded}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-cache",
            "Vary": "Authorization, Cookie",
            "X-Countersign-Original-Sha256": sha256,
            "X-Countersign-Altered": "wrapped links were replaced by what they wrap" if altered else "no",
        },
    )
    answer.headers["ETag"] = f'"{sha256[:32]}{"-unwrapped" if altered else ""}"'
    return answer


def safe_name(published: str, kind: str) -> str:
    """A name that no file system and no header can stumble over."""
    last = PurePosixPath(published.replace("\\", "/")).name
    name = re.sub(r"[^\w.()+ -]", "_", last).strip(". ")[:120] or "list"
    return name if "." in name else f"{name}.{kind}"


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
    package = Package(path, Reading(LIMITS))
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
