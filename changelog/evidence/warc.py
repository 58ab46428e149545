"""Captures as WARC (ISO 28500), the form that web archives exchange.

A capture is a `resource` record, not a `response`: the body is exactly what came, but of the server's headers
only those that say what was served and when were kept. They, and how we know, are in its `metadata` record,
which is the journal's own entry. A body that was seen before is a `revisit`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from warcio.warcwriter import WARCWriter

from scraper.archive import Archive
from scraper.settings import version
from scraper.storage import storing

_SAME = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
_TYPES = {
    b"PK\x03\x04": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"%PDF": "application/pdf",
}


def write_warc(archive: Archive, place: Path, lists: Sequence[str] = ()) -> int:
    """Write the captures of these lists (all when none is named), and return how many.

    The same archive gives the same bytes.
    """
    written = 0
    first: dict[str, tuple[str, str]] = {}
    with storing(place), place.open("wb") as file:
        writer = WARCWriter(file, gzip=place.suffix == ".gz", warc_version="WARC/1.1")
        for entry in _captures(archive, lists):
            if not written:
                _write_info(writer, entry, place.name)
            _write_capture(writer, archive, entry, first)
            written += 1
    return written


def _captures(archive: Archive, lists: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    for entry in archive.entries():
        wanted = not lists or entry.get("list") in lists
        if entry["kind"] == "capture" and entry.get("sha256") and wanted:
            yield entry


def _write_info(writer: WARCWriter, entry: Mapping[str, Any], name: str) -> None:
    record = writer.create_warcinfo_record(
        name,
        {
            "software": f"countersign/{version()}",
            "format": "WARC/1.1",
            "description": "Published lists as captured; of the servers' headers, those that were kept.",
        },
    )
    record.rec_headers.replace_header("WARC-Date", _date(entry["at"]))
    record.rec_headers.replace_header("WARC-Record-ID", _id(entry["hash"], "warcinfo"))
    writer.write_record(record)


def _write_capture(
    writer: WARCWriter, archive: Archive, entry: Mapping[str, Any], first: dict[str, tuple[str, str]]
) -> None:
    address, date, sha256 = _address(entry), _date(entry["captured_at"]), entry["sha256"]
    digest = "sha256:" + base64.b32encode(bytes.fromhex(sha256)).decode()
    record_id = _id(entry["hash"], "resource")
    headers = {"WARC-Record-ID": record_id, "WARC-Date": date, "WARC-Payload-Digest": digest}
    if sha256 in first:
        original, seen = first[sha256]
        record = writer.create_warc_record(
            address,
            "revisit",
            payload=BytesIO(),
            length=0,
            warc_headers_dict={
                **headers,
                "WARC-Profile": _SAME,
                "WARC-Refers-To-Target-URI": original,
                "WARC-Refers-To-Date": seen,
            },
        )
    else:
        body = archive.read(sha256)
        first[sha256] = (address, date)
        record = writer.create_warc_record(
            address,
            "resource",
            payload=BytesIO(body),
            length=len(body),
            warc_content_type=_type(entry, body),
            warc_headers_dict=headers,
        )
    writer.write_record(record)
    told = (json.dumps(entry, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
    writer.write_record(
        writer.create_warc_record(
            address,
            "metadata",
            payload=BytesIO(told),
            length=len(told),
            warc_content_type="application/json",
            warc_headers_dict={
                "WARC-Record-ID": _id(entry["hash"], "metadata"),
                "WARC-Date": date,
                "WARC-Concurrent-To": record_id,
            },
        )
    )


def _address(entry: Mapping[str, Any]) -> str:
    """Where it came from; a file handed in by a person has none, so its list and name stand for it."""
    came_from: str = entry.get("final_url") or entry.get("url") or ""
    return came_from or f"urn:countersign:{quote(entry['list'])}:{quote(entry.get('published_name', ''))}"


def _type(entry: Mapping[str, Any], body: bytes) -> str:
    served: str = entry.get("headers", {}).get("content-type", "")
    known = next((kind for head, kind in _TYPES.items() if body.startswith(head)), "application/octet-stream")
    return served or known


def _date(moment: str) -> str:
    return moment.replace("+00:00", "Z")


def _id(entry_hash: str, kind: str) -> str:
    return f"<urn:uuid:{uuid5(NAMESPACE_URL, f'countersign:{entry_hash}:{kind}')}>"
