"""A printed date, read only when it has one reading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

from rapidfuzz.distance import OSA

# The first agreement under section 287(g) was signed in 2002.
FIRST_YEAR = 2002
# Of two digits, those up to here are this century's, where both centuries are plausible.
TWO_DIGITS = 49
MEND_WITHIN = 120
# Day 0 of a spreadsheet's serial numbers, as every writer since 1987 counts them.
_SERIAL_ZERO = date(1899, 12, 30)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONGEST = 80  # no date needs more, and numbers of thousands of digits cannot be read
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ]00:00(?::00)?)?")
_TIME_OF_DAY = re.compile(r"[T ]\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s*[AaPp][Mm])?Z?$")
_NUMERIC = re.compile(r"\d+(?:[/\-.,\s]+\d+){0,2}")
_MONTH_FIRST = re.compile(r"([a-z]{3,9})\.?\s*(\d{1,2})(?:st|nd|rd|th)?[\s,]+(\d{2,5})")
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[\s-]*([a-z]{3,9})\.?[\s,-]+(\d{2,5})")


@lru_cache(maxsize=1 << 15)
def read_date(text: str, last_year: int, first_year: int = FIRST_YEAR) -> tuple[date | None, bool]:
    """The date and whether it had to be repaired; None when the text has no reading or more than one.

    Its year lies between the two. Where those are more than a long life apart, no slip of the hand is repaired:
    too many years would be one slip away.
    """
    if len(text) > _LONGEST:
        return None, False
    if found := _ISO.fullmatch(text):
        year, month, day = map(int, found.groups())
        if first_year <= year <= last_year:
            return _valid(year, month, day), False
    text = _TIME_OF_DAY.sub("", text.strip()).strip(" .,/-")
    if serial := _from_serial(text, first_year, last_year):
        return serial, False
    years = (first_year, last_year)
    plain = {found for found in _readings(text, years, mend=False) if found}
    if len(plain) == 1:
        return plain.pop(), not _well_formed(text)
    if last_year - first_year > MEND_WITHIN:
        return None, False
    mended = plain or {found for found in _readings(text, years, mend=True) if found}
    return (mended.pop(), True) if len(mended) == 1 else (None, False)


def _well_formed(text: str) -> bool:
    return len(re.findall(r"\d+|[A-Za-z]{3,}", text)) >= 3 or text.isdigit()


def _from_serial(text: str, first_year: int, last_year: int) -> date | None:
    """A date cell that lost its format is a day number: 45785 is 2025-05-08."""
    if not re.fullmatch(r"[34567]\d{4}(?:\.\d+)?", text):
        return None
    found = _SERIAL_ZERO + timedelta(days=int(text[:5]))
    return found if first_year <= found.year <= last_year else None


def _readings(text: str, years: tuple[int, int], *, mend: bool) -> Iterator[date | None]:
    for year_text, month, day in _parts(text):
        for year in _years(year_text, *years, mend=mend):
            yield _valid(year, month, day)


def _parts(text: str) -> Iterator[tuple[str, int, int]]:
    """Every way to take a text apart into (year as printed, month, day)."""
    lower = text.lower()
    if found := _MONTH_FIRST.fullmatch(lower):
        yield from _named(found[3], found[1], found[2])
    elif found := _DAY_FIRST.fullmatch(lower):
        yield from _named(found[3], found[2], found[1])
    elif _NUMERIC.fullmatch(text):
        groups = re.findall(r"\d+", text)
        if len(groups) == 3:
            yield from _three(*groups)
        elif len(groups) == 2:
            yield from _two(*groups)
        elif len(text) == 8:
            yield text[4:], int(text[:2]), int(text[2:4])
            yield text[:4], int(text[4:6]), int(text[6:])


def _named(year: str, month: str, day: str) -> Iterator[tuple[str, int, int]]:
    if month[:3] in _MONTHS:
        yield year, _MONTHS.index(month[:3]) + 1, int(day)


def _three(first: str, second: str, third: str) -> Iterator[tuple[str, int, int]]:
    if len(first) > 2:
        yield first, int(second), int(third)
    elif int(first) <= 12:
        yield third, int(first), int(second)
    else:  # no thirteenth month: only the day can come first
        yield third, int(second), int(first)


def _two(first: str, second: str) -> Iterator[tuple[str, int, int]]:
    """One separator was not typed: 05/082025, 7/72025, 0508/2025."""
    if len(first) <= 2:
        for cut in (1, 2):
            if len(second) - cut == 4:
                yield second[cut:], int(first), int(second[:cut])
    elif len(second) == 4:
        for cut in (1, 2):
            if 1 <= len(first) - cut <= 2:
                yield second, int(first[:cut]), int(first[cut:])


def _years(text: str, first_year: int, last_year: int, *, mend: bool) -> list[int]:
    """The years that a printed year can mean; `mend` allows one slip of the hand (5025, 20026)."""
    if not mend:
        short = len(text) == 2
        centuries = (2000, 1900) if short and int(text) > TWO_DIGITS else (2000,) if short else (0,)
        found = [year for century in centuries if first_year <= (year := int(text) + century) <= last_year]
        return found[-1:]
    if len(text) < 3:
        return []
    near = [year for year in range(first_year, last_year + 1) if OSA.distance(text, str(year)) == 1]
    # A key that was hit twice says so: 20026 is 2026, although taking the 6 away would leave a year as well.
    doubled = {int(text[:at] + text[at + 1 :]) for at in range(1, len(text)) if text[at] == text[at - 1]}
    return [year for year in near if year in doubled] if len(text) == 5 and doubled & set(near) else near


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None
