"""Small whole documents to begin from: what is made of them by chance gets past the first check."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime
from functools import cache

from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

from demo.agencies import agencies
from demo.papers import ruled
from demo.workbooks import Line, workbook

HEADER = ("STATE", "LAW ENFORCEMENT AGENCY", "TYPE", "COUNTY", "SUPPORT TYPE", "SIGNED", "MOA")
ROWS = (
    HEADER,
    ("FLORIDA", "Bay County Sheriff's Office", "County", "Bay", "Task Force Model", "5/8/2025", "link"),
    ("TEXAS", "Pañ “Ñ” PD", "", "", "Warrant Service Officer", "05/082025", "Link Pending"),
)
PAGE = b"""<!DOCTYPE html><html><head><base href="/x/"></head><body>
<h2>287(g) Participating Agencies</h2><p>As of April 8, 2025, at 4 p.m., ICE has signed 444 Memorandums of
Agreement for 287(g) programs covering 38 states.</p>
<a href="https://www.ice.gov/doclib/participatingAgencies04082025pm.xlsx">View 287(g) Participating Agencies</a>
<h2>Pending</h2><a href='//www.ice.gov/doclib/pendingAgencies04082025pm.xlsx'>287(g) Pending Agencies</a>
<a href="javascript:void(0)">participating agencies</a>
<time datetime="2025-04-08T17:06:06-04:00">April 8</time></body></html>"""
JOURNAL = (
    b'{"at":"2025-05-12T13:00:04+00:00","hash":"9d","kind":"capture","list":"participating","n":1,'
    b'"prev":"' + b"0" * 64 + b'"}\n'
)
TEXTS = (
    "more than 510 partners, a 280% increase from 134; 55 agencies signed in the last week",
    "from 135 to 958, 609 %; as of September 3, 2025 there are over 1,001 agreements in 40 states",
    "05/082025", "7/72025", "May 8, 5025", "45000", "20260101T00:00:00", "2025-02-30",
    "https://gcc02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.ice.gov%2Fa.pdf&data=05%7Cx%40y.gov",
    "https://web.archive.org/web/20250101000000/https://www.ice.gov/a.pdf", "chrome-extension://abc/https:/x/y",
    "https://urldefense.com/v3/__https://www.ice.gov/a.pdf__;!!abc$", "www.ice.gov/ä b.pdf?x=a@b.gov",
)  # fmt: skip


@cache
def seed(format_name: str) -> bytes:
    match format_name:
        case "xlsx":
            lines = [
                Line(agency, "TFM", date(2025, 5, 8), "https://www.ice.gov/a.pdf" if n % 2 else "")
                for n, agency in enumerate(list(agencies())[:4])
            ]
            return workbook(lines, datetime(2025, 5, 12, tzinfo=UTC), signed=True)
        case "csv":
            return "\n".join(",".join(row) for row in ROWS).encode()
        case "html":
            cells = "".join(f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in ROWS)
            return f"<!DOCTYPE html><html><body><table>{cells}</table></body></html>".encode()
        case "json":
            return (
                b'{"data":[{"STATE":"FL","AGENCY":"A","n":1.5,"x":null,"y":[1,{"z":true}]},{"STATE":"TX"}]}'
            )
        case "pdf":
            return ruled([row[:3] for row in ROWS], (80, 220, 60))
        case "ods":
            return _ods()
    raise ValueError(format_name)


def _ods() -> bytes:
    document = OpenDocumentSpreadsheet()
    table = Table(name="Sheet1")
    for row in ROWS:
        line = TableRow()
        for text in row:
            cell = TableCell(valuetype="string")
            cell.addElement(P(text=text))
            line.addElement(cell)
        table.addElement(line)
    document.spreadsheet.addElement(table)
    packed = io.BytesIO()
    document.write(packed)
    return packed.getvalue()


def members(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {item.filename: archive.read(item) for item in archive.infolist()}


def packed(parts: dict[str, bytes]) -> bytes:
    """A zip of these members: what was changed in one of them is still a whole zip."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in parts.items():
            archive.writestr(zipfile.ZipInfo(name), body)
    return whole.getvalue()


SEEDS = {
    **{f"read-{name}": (seed(name),) for name in ("xlsx", "csv", "html", "json", "pdf", "ods")},
    "links-of-a-page": (PAGE,),
    "evidence-of-a-page": (PAGE,),
    "journal": (JOURNAL,),
    "check-journal": (JOURNAL,),
    "check-workbook": (seed("xlsx"),),
    "normalise": ("\x1e".join("\x1f".join(line) for line in (HEADER, ROWS[1], ROWS[2])).encode(),),
}


def seeds_of(target: str) -> tuple[bytes, ...]:
    return SEEDS.get(target, tuple(text.encode() for text in TEXTS))
