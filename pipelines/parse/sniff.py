"""What the bytes are, whatever the name says."""

from __future__ import annotations

import re
from pathlib import Path

from scraper.errors import UnreadableError
from scraper.lists import Format

HEAD = 4_096
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# The directory of an OLE2 file names its streams in UTF-16.
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
MARKUP = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body|table|div|p|!--|script|meta)\b", re.IGNORECASE)
XML = re.compile(rb"\s*<\?xml\b")
HTML_LATER = re.compile(rb"<(?:!doctype\s+html|html)\b", re.IGNORECASE)

NAMES = {
    "xlsx": "an XLSX workbook",
    "csv": "a CSV file",
    "html": "a web page",
    "json": "a JSON document",
    "pdf": "a PDF document",
    "ods": "an OpenDocument spreadsheet",
}
ZIPPED = ("xlsx", "ods")


def check(path: Path, declared: Format) -> None:
    """UnreadableError, saying what the file looks like, when it cannot be what was declared."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if not head.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise UnreadableError(f"The file is empty; {NAMES[declared]} was declared.")
    found, allowed = looks_like(head, path)
    if declared not in allowed:
        raise UnreadableError(f"The file looks like {found}; {NAMES[declared]} was declared.")


def looks_like(head: bytes, path: Path) -> tuple[str, tuple[str, ...]]:
    """In words, and the formats that such bytes may be."""
    if head.startswith(b"PK"):
        return _zip(head)
    if head.startswith(OLE2):
        encrypted = ENCRYPTED in path.read_bytes()
        return ("an encrypted workbook" if encrypted else "an old binary workbook (.xls) or document"), ()
    if b"%PDF-" in head[:1024]:
        return "a PDF document", ("pdf",)
    text = head.removeprefix(b"\xef\xbb\xbf")
    if MARKUP.match(text) or (XML.match(text) and HTML_LATER.search(text)):
        return "a web page", ("html",)
    if XML.match(text):
        return "an XML document", ("html",)
    if text.lstrip()[:1] in (b"{", b"["):
        return "a JSON document", ("json", "csv")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "UTF-16 text", ("csv", "json", "html")
    if b"\0" in head:
        return "unknown binary data", ()
    return "plain text", ("csv", "html", "json")


def _zip(head: bytes) -> tuple[str, tuple[str, ...]]:
    if b"mimetypeapplication/vnd.oasis.opendocument" in head[:200]:
        return "an OpenDocument file", ("ods",)
    return "a zip archive", ZIPPED
