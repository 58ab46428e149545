"""The numbers in a sentence, as digits or words, and what only looks like one: dates, times, money."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sept sep", "october oct", "november nov", "december dec"), 1)
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
DATE = re.compile(
    rf"\b(?:(?P<iso>\d{{4}}-\d\d-\d\d)"
    rf"|(?P<m1>{_MONTH})\.?\s+(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<y1>(?:19|20)\d\d)\b)?"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m2>{_MONTH})\b\.?(?:,?\s+(?P<y2>(?:19|20)\d\d)\b)?"
    rf"|(?P<m3>{_MONTH})\.?,?\s+(?:of\s+)?(?P<y3>(?:19|20)\d\d)\b)",
    re.IGNORECASE,
)
_NOT_COUNTS = re.compile(
    r"\b287\s*\(\s*g\s*\)"
    r"|\b(?:section|title|order|no\.|number|page|article|chapter)\s+\d[\d,.-]*"
    r"|[$€£]\s?\d[\d,.]*(?:\s?(?:thousand|million|billion|[kmb]\b))?"
    r"|\b\d{1,2}(?::\d\d)?\s?(?:a\.?m\b\.?|p\.?m\b\.?)|\b\d{1,2}:\d\d\b"
    r"|\b\d+(?:st|nd|rd|th)\b"
    r"|\b(?:in|since|of|by|until|during|year|fiscal|early|late|mid)[\s-]+(?:19|20)\d\d\b(?!\s*(?:%|per\b|agenc|agree|partner))"
    r"|\b(?:FY|Q[1-4])\s?(?:19|20)?\d\d\b",
    re.IGNORECASE,
)
_DIGITS = re.compile(
    r"(?<![\w.,$])(?:\d{1,3}(?:[,\u00a0\u202f\u2009’']\d{3})+|\d+)(?:[.]\d+|,\d{1,2}(?=\s*%))?(?![\d]|,\d|\.\d)(?:\s(?P<scale>hundred|thousand)\b)?",
    re.IGNORECASE,
)
_UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_SMALL = {word: number for number, word in enumerate(_UNITS)} | {"a": 1, "dozen": 12}
_TENS = {
    word: 10 * number
    for number, word in enumerate(
        ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 2
    )
}
_SCALES = {"hundred": 100, "thousand": 1000}
_WORDS = "|".join(sorted({*_SMALL, *_TENS, *_SCALES} - {"a"}, key=len, reverse=True))
_SPELT = re.compile(
    rf"\b(?:a\s+(?=hundred|thousand|dozen))?(?:{_WORDS})(?:(?:[\s-]+|\s+and\s+)(?:{_WORDS}))*\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Number:
    """`start` and `end` are where it stands in the text; `spelt` in letters."""

    value: float
    start: int
    end: int
    spelt: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """A date that the sentence names; `year` or `day` is None when it does not say."""

    year: int | None
    month: int
    day: int | None
    start: int
    end: int

    def on(self, year: int) -> date | None:
        """The date, in `year` when it names none; the first of the month when it names no day."""
        try:
            return date(self.year or year, self.month, self.day or 1)
        except ValueError:
            return None


def days(text: str) -> list[Day]:
    """The dates that the text names, in order."""
    return [_day(found) for found in DATE.finditer(text)]


def _day(found: re.Match[str]) -> Day:
    if found["iso"]:
        year, month, day = (int(part) for part in found["iso"].split("-"))
        return Day(year, month, day, *found.span())
    month = MONTHS[(found["m1"] or found["m2"] or found["m3"]).lower()]
    year_said = found["y1"] or found["y2"] or found["y3"]
    day_said = found["d1"] or found["d2"]
    return Day(
        int(year_said) if year_said else None, month, int(day_said) if day_said else None, *found.span()
    )


def masked(text: str, *patterns: re.Pattern[str]) -> str:
    """The text with everything that is no count blanked out, every other character in its place."""
    for pattern in (DATE, _NOT_COUNTS, *patterns):
        text = pattern.sub(lambda found: " " * len(found[0]), text)
    return text


def numbers(text: str) -> list[Number]:
    """The numbers of a masked text, in order."""
    found = [*_in_digits(text), *_in_words(text)]
    return sorted(found, key=lambda number: number.start)


def _in_digits(text: str) -> Iterator[Number]:
    for found in _DIGITS.finditer(text):
        written = found[0].removesuffix(found["scale"] or "").strip()
        if re.search(r",\d{1,2}$", written):
            written = written.replace(",", ".")
        value = float(re.sub(r"[^\d.]", "", written))
        yield Number(value * _SCALES.get((found["scale"] or "").lower(), 1), *found.span())


def _in_words(text: str) -> Iterator[Number]:
    for found in _SPELT.finditer(text):
        if text[: found.start()].rstrip()[-1:].isdigit():
            continue  # the scale of a number in digits
        words = re.findall(r"[a-z]+", found[0].lower())
        value = _worth([word for word in words if word != "and"])
        if value is not None and words != ["one"]:
            yield Number(float(value), *found.span(), spelt=True)


def _worth(words: list[str]) -> int | None:
    """Fifty-five is 55, five hundred and ten is 510; None for a row of words that is no number."""
    total = group = 0
    for word in words:
        if word in _SMALL:
            group += _SMALL[word]
        elif word in _TENS:
            group += _TENS[word]
        elif word == "hundred":
            group = (group or 1) * 100
        elif word == "thousand":
            total, group = total + (group or 1) * 1000, 0
        else:
            return None
    return total + group
