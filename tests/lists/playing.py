"""The six publishers of docs/lists, played on loopback, and the declarations as those pages print them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from pathlib import Path

import xlsxwriter

from demo.papers import ruled
from demo.publisher import Publisher

DOCS = Path(__file__).parents[2] / "docs" / "lists"
EXAMPLES = ("csv", "html", "json", "pdf", "workbook", "pages")
_BLOCK = re.compile(r"```toml\n(.*?)```", re.DOTALL)
_FILE = re.compile(r'^(page|file) = "https://([^/"]+)(/[^"]*)"$', re.MULTILINE)

GUARDS = """License No.;Licensee;City;Class;Expires
G-1001;Aldgate Patrol LLC;Springfield;A;2026-03-31
G-1002;Beacon Watch Inc.;Peoria;B;2026-06-30
G-1003;Señal Segura;Joliet;A;2025-12-31
G-1004;Beacon Watch Inc.;Aurora;A;2026-06-30
"""
AID = """<!DOCTYPE html><html><head><title>Mutual aid</title></head><body>
<table><tr><th>Office</th><th>Phone</th></tr><tr><td>Clerk</td><td>555-0100</td></tr>
<tr><td>Desk</td><td>555-0101</td></tr><tr><td>Night</td><td>555-0102</td></tr>
<tr><td>Fax</td><td>555-0103</td></tr></table>
<table><tr><th>Partner agency</th><th>County</th><th>Signed</th><th>Agreement</th></tr>
<tr><td>Oakfield Police Department</td><td>Genesee</td><td>3/4/2024</td>
<td><a href="https://county.example.org/docs/oakfield.pdf">read</a></td></tr>
<tr><td>Elba Fire District</td><td>Genesee</td><td>11/20/2023</td><td></td></tr>
<tr><td>Oakfield Police Department</td><td>Niagara</td><td>2/1/2025</td><td></td></tr>
</table></body></html>"""
GRANTS = """{"meta": {"page": 1}, "data": {"awards": [
 {"id": 71, "grantee": {"name": "Harlan Police Department", "state": "IA"},
  "amount": 125000, "awarded": "2025-02-14"},
 {"id": 72, "grantee": {"name": "Audubon County Sheriff's Office", "state": "IA"},
  "amount": 90500.5, "awarded": null}
]}}"""
LINKS = (
    """<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1>{links}</body></html>"""
)
SHEET = """<!DOCTYPE html><html><head><title>Interpreters</title></head><body>
<table><tr><th>Registration</th><th>Name</th><th>Language</th></tr>{rows}</table>{more}</body></html>"""


def towing() -> bytes:
    rows = [["Permit", "Company", "Zone"]]
    rows += [[f"T-{number:03}", f"Towing Company {number}", "NSEW"[number % 4]] for number in range(1, 51)]
    return ruled(rows, (80, 220, 60))


def drones() -> bytes:
    packed = BytesIO()
    book = xlsxwriter.Workbook(packed, {"in_memory": True})
    book.set_properties({"created": datetime(2025, 6, 2, 15)})  # noqa: DTZ001 - the format wants it so
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    notes, current = book.add_worksheet("Notes"), book.add_worksheet("Current")
    notes.write_row(0, 0, ["Read the second sheet", "please", "thank you"])
    current.write_row(0, 0, ["State", "Agency", "Aircraft", "Authorized"])
    rows = [
        ("Nevada", "Elko County Sheriff's Office", "Quad 4", date(2025, 5, 1)),
        ("Nevada", "Elko County Sheriff's Office", "Wing 2", date(2025, 5, 9)),
        ("OREGON", "Bend Police Department", "Quad 4", date(2024, 12, 30)),
    ]
    for number, (*words, since) in enumerate(rows, 1):
        current.write_row(number, 0, words)
        current.write_datetime(number, 3, datetime.combine(since, datetime.min.time()), day)
    book.close()
    return packed.getvalue()


def interpreters(page: int, names: Sequence[str], more: bool) -> bytes:
    rows = "".join(
        f"<tr><td>R{page}{at}</td><td>{name}</td><td>{name[::-1].title()}ish</td></tr>"
        for at, name in enumerate(names)
    )
    link = f'<a href="/interpreters?page={page + 1}">Next page &raquo;</a>' if more else "The last page."
    return SHEET.format(rows=rows, more=f'<a href="/help">Help</a> {link}').encode()


def play(publisher: Publisher) -> None:
    """Publish all six."""
    html = "text/html; charset=utf-8"
    publisher.serve("/guards.csv", GUARDS.encode("cp1252"), "text/csv")
    publisher.serve("/mutual-aid", AID.encode(), html)
    publisher.serve("/api/awards?program=cameras", GRANTS.encode(), "application/json")
    links = '<a href="/t/2024.pdf">Approved towing (archive)</a> '
    links += '<a href="/t/2025.pdf">Approved towing companies</a>'
    publisher.serve("/towing", LINKS.format(title="Towing", links=links).encode(), html)
    publisher.serve("/t/2025.pdf", towing(), "application/pdf")
    links = (
        '<a href="/d/9">Expired authorizations</a> <a href="/d/drone-agencies.xlsx">Authorized agencies</a>'
    )
    publisher.serve("/drones", LINKS.format(title="Drones", links=links).encode(), html)
    publisher.serve("/d/drone-agencies.xlsx", drones(), "application/octet-stream")
    publisher.serve("/interpreters?page=1", interpreters(1, ["Ada", "Bela", "Cid"], True), html)
    publisher.serve("/interpreters?page=2", interpreters(2, ["Dora", "Ewa"], True), html)
    publisher.serve("/interpreters?page=3", interpreters(3, ["Finn"], False), html)


def declaration(example: str, base: str | None = None) -> str:
    """The TOML that a page of docs/lists prints; moved to the player at `base`."""
    found = _BLOCK.search((DOCS / f"{example}.md").read_text(encoding="utf-8"))
    assert found, example
    if base is None:
        return found[1]
    return _FILE.sub(
        lambda line: f'{line[1]} = "{base}{line[3]}"\nprivate_addresses = true\ndelay_seconds = 0', found[1]
    )


def declarations(base: str | None = None) -> str:
    return "\n".join(declaration(example, base) for example in EXAMPLES)
