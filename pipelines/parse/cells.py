"""What a sheet stores for a cell, as the text that a reader of the sheet sees."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from pipelines.parse.styles import Kind
from pipelines.parse.tally import Tally
from scraper.errors import UnreadableError

DAY = 86_400
EPOCH_1900 = datetime(1899, 12, 30)  # noqa: DTZ001  a sheet's dates have no zone
EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
# Day 60 of the 1900 system is a 29 February 1900 that never was; the days before it count from the 31st.
PHANTOM_DAY = 60
ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
WHOLE = re.compile(r"0|-?[1-9][0-9]{0,14}")


def number_text(raw: str) -> str:
    """A whole number has no decimal point; text that is no number raises ValueError."""
    if WHOLE.fullmatch(raw):
        return raw
    number = float(raw)
    if not math.isfinite(number):
        raise ValueError(raw)
    return str(int(number)) if number.is_integer() and abs(number) < 1e21 else repr(number)


def moment_text(serial: float, since_1904: bool) -> str:
    """A date, a date with its time, or a time alone (below one day).

    ValueError or OverflowError when there is no such day.
    """
    seconds = round(serial * DAY)
    days, rest = divmod(seconds, DAY)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    if since_1904:
        epoch = EPOCH_1904
    else:
        if 0 <= serial < 1 and days == 0:
            return clock
        if days == PHANTOM_DAY:
            raise ValueError(serial)
        epoch = EPOCH_1900 + timedelta(days=1) if days < PHANTOM_DAY else EPOCH_1900
    if days < 0:
        raise ValueError(serial)
    day = (epoch + timedelta(days=days)).date().isoformat()
    return f"{day}T{clock}" if rest else day


def duration_text(serial: float) -> str:
    """Hours, minutes and seconds ("26:03:00") of a serial number of days."""
    seconds = round(abs(serial) * DAY)
    sign = "-" if serial < 0 and seconds else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def iso_text(raw: str) -> str:
    """An ISO date cell; midnight is not printed."""
    moment = datetime.fromisoformat(raw)
    return moment.isoformat(timespec="seconds").removesuffix("T00:00:00")


def unescape(text: str) -> str:
    """Undo the escapes that workbooks use for characters which XML cannot hold (_x000D_)."""
    return ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


class OddValueError(ValueError):
    """A stored value is not what its cell's type and format say."""

    def __init__(self, finding: str = "odd-number", kept: str = "") -> None:
        super().__init__(finding)
        self.finding = finding
        self.kept = kept


class Texts:
    """Stored type, style and value to text. The same three always give the same text."""

    def __init__(self, kinds: Sequence[Kind], since_1904: bool, strings: Sequence[str], tally: Tally) -> None:
        self.kinds = kinds
        self.since_1904 = since_1904
        self.strings = strings
        self.tally = tally

    def tolerant(self, stored: str, style: str, value: str, row: int) -> str:
        """The text; of an odd value, the text that is kept, and the oddity is tallied."""
        if stored == "s":
            return self._shared(value.strip(), row)
        try:
            return self.text(stored, style, value)
        except OddValueError as odd:
            self.tally.add(odd.finding, row)
            return odd.kept

    def text(self, stored: str, style: str, value: str) -> str:
        """The text of a value that is not shared; OddValueError when there is something to tell about it."""
        if not value:
            return ""
        if stored in ("", "n"):
            return self._number(style, value)
        if stored == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(value, value)
        if stored == "d":
            try:
                return iso_text(value)
            except ValueError:
                raise OddValueError("impossible-date", value) from None
        return unescape(value) if stored in ("str", "inlineStr") else value

    def kind(self, style: str) -> Kind:
        place = int(style) if style.isdecimal() else 0
        return self.kinds[place] if place < len(self.kinds) else "number"

    def _shared(self, value: str, row: int) -> str:
        if not value:
            return ""
        if not value.isdecimal() or int(value) >= len(self.strings):
            raise UnreadableError(
                f"Row {row} refers to shared text {value[:20]!r}; the workbook has {len(self.strings):,}."
            )
        return self.strings[int(value)]

    def _number(self, style: str, value: str) -> str:
        kind = self.kind(style)
        try:
            plain = number_text(value.strip())
        except ValueError:
            raise OddValueError("odd-number", value) from None
        if kind == "number":
            return plain
        try:
            serial = float(value)
            return moment_text(serial, self.since_1904) if kind == "date" else duration_text(serial)
        except (ValueError, OverflowError):
            raise OddValueError("impossible-date", plain) from None
