"""Workbooks as the publisher makes them: one sheet, a row per agreement, documents behind cell hyperlinks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from io import BytesIO

import xlsxwriter

from demo.agencies import Agency

MODELS = {"TFM": "Task Force Model", "WSO": "Warrant Service Officer", "JEM": "Jail Enforcement Model"}
_PENDING_LINK = "Link Pending"


@dataclass(frozen=True, slots=True)
class Line:
    """One row as it is printed. `signed` is None on the pending list; `moa` is "" while it is promised."""

    agency: Agency
    model: str
    signed: date | None = None
    moa: str = ""

    @property
    def printed_model(self) -> str:
        return MODELS.get(self.model, self.model)

    @property
    def key(self) -> tuple[str, str]:
        return f"{self.agency.state} {self.agency.name}", self.model

    def renamed(self, name: str) -> Line:
        return replace(self, agency=replace(self.agency, name=name))

    def moved(self, state: str) -> Line:
        return replace(self, agency=replace(self.agency, state=state))


def workbook(lines: Sequence[Line], saved_at: datetime, *, signed: bool) -> bytes:
    """The bytes are the same for the same lines and time. `saved_at` is in UTC, as the format wants it."""
    packed = BytesIO()
    book = xlsxwriter.Workbook(packed, {"in_memory": True, "strings_to_urls": False})
    book.set_properties({"author": "Publisher", "created": saved_at.replace(tzinfo=None)})
    sheet = book.add_worksheet("Sheet1")
    head, day = book.add_format({"bold": True}), book.add_format({"num_format": "m/d/yyyy"})
    header = ["STATE", "LAW ENFORCEMENT AGENCY", "TYPE", "COUNTY", "SUPPORT TYPE"]
    sheet.write_row(0, 0, [*header, *(["SIGNED", "MOA"] if signed else [])], head)
    for number, line in enumerate(sorted(lines, key=_order), 1):
        agency = line.agency
        texts = [agency.state, agency.name, agency.type, agency.county, line.printed_model]
        sheet.write_row(number, 0, texts)
        if line.signed:
            sheet.write_datetime(number, 5, datetime.combine(line.signed, datetime.min.time()), day)
            if line.moa:
                sheet.write_url(number, 6, line.moa, string="link")
            else:
                sheet.write_string(number, 6, _PENDING_LINK)
    sheet.set_column(0, 6, 24)
    book.close()
    return packed.getvalue()


def _order(line: Line) -> tuple[str, str, str]:
    return line.agency.state, line.agency.name, line.model
