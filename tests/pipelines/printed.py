"""Rows as a list prints them, read by the normaliser."""

from __future__ import annotations

from datetime import date

from pipelines.normalise import Normaliser
from pipelines.values import Agreement, Row
from scraper.lists import ICE_COLUMNS

HEADER = ("STATE", "LAW ENFORCEMENT AGENCY", "TYPE", "COUNTY", "SUPPORT TYPE", "SIGNED", "MOA", "ADDENDUM")
NAMES = {field: header for header, field in ICE_COLUMNS.items()}
LIST_DAY = date(2026, 2, 1)
PDF = "https://www.ice.gov/doclib/287gMOA/Smith.pdf"
SAFELINK = (
    "https://gcc02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.ice.gov%2Fdoclib%2F287gMOA%2FSmith.pdf"
    "&amp;data=05%7C02%7CJo.Doe%40agency.example%7C0"
)


def read(link: str = "", **cells: str) -> tuple[Agreement, list[str]]:
    """The agreement of one row and the names of its findings; `link` is behind the MOA cell."""
    texts = tuple(cells.get(ICE_COLUMNS[name.casefold()], "") for name in HEADER)
    links = tuple(link if name == "MOA" else "" for name in HEADER) if link else ()
    agreement, findings = Normaliser(HEADER, ICE_COLUMNS, LIST_DAY).agreement(Row(5, texts, links))
    assert all(finding.row == 5 and finding.text.endswith(".") for finding in findings)
    return agreement, [finding.name for finding in findings]
