"""The published files themselves, for whoever wants to check."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from pipelines.history.paged import publication_of_bytes
from scraper.errors import UnreadableError
from web.context import room_of
from web.redaction import cleaned
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
def raw(request: Request, sha256: str) -> Response:
    """The file of this hash; wrapped links are taken out unless `original=1` is asked with the token."""
    room = room_of(request)
    if not _SHA256.fullmatch(sha256):
        raise HTTPException(404, "A file is called by its SHA-256, 64 letters long.")
    with room.house.engine.connect() as connection:
        row = publication_of_bytes(connection, sha256)
    if row is None or not room.house.archive.has(sha256):
        raise HTTPException(404, "No published file has this hash.")
    declared = room.house.lists.get(row.list)
    kind = declared.format if declared else "xlsx"
    name = safe_name(row.published_name, kind)
    if request.query_params.get("original") and may_see_originals(request):
        body = room.house.archive.read(sha256)
        return _file(body, name, kind, sha256, altered=False)
    try:
        with room.house.archive.local_path(sha256) as path:
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
