"""What a landing page says of itself: kept with a capture, never believed over the list."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from scraper.spiders.html import parsed, words

# Section 287(g) is a number that counts nothing.
_NUMBER = r"(?<![\d,.(])(\d{1,3}(?:,\d{3})+|\d{1,6})(?![\d,]*\d)(?!\s*\(g\))"
_LEADING = r"\s+(?:[A-Za-z][\w()-]*\s+){0,3}?"
_TRAILING = r"(?:287\s?\(g\)|[^.\d]){0,80}?"
_AGREEMENTS = re.compile(
    _NUMBER + r"\s+(?:[\w()/-]+\s+){0,4}?(?:memorand(?:ums?|a)|moas?|agreements?)\b", re.IGNORECASE
)
_STATES = re.compile(_NUMBER + r"\s+states\b", re.IGNORECASE)
_AS_OF = re.compile(
    r"\bas of\s+(?P<date>[A-Z][a-z]{2,8}\.?\s+\d{1,2},?\s+\d{4})"
    r"(?:,?\s+(?:at\s+)?(?P<time>\d{1,2}(?::\d{2})?\s*[ap]\.?\s?m\b\.?|noon))?",
    re.IGNORECASE,
)
_MODELS = {
    "JEM": r"(?:Jail Enforcement(?:\s+Models?)?|\bJEMs?\b)",
    "WSO": r"(?:Warrant Service Officers?(?:\s+Models?)?|\bWSOs?\b)",
    "TFM": r"(?:Task Force(?:\s+Models?)?|\bTFMs?\b)",
}


def page_evidence(html: str) -> dict[str, Any]:
    """Only what the page states: `agreements`, `states`, `by_support_type` (by JEM, WSO, TFM), `as_of` (ISO
    date, with the hour when one is given, in the publisher's own time zone), `as_of_text` as printed,
    `updated` (ISO time with its offset)."""
    root = parsed(html)
    if root is None:
        return {}
    text = words(root)
    told = {
        "agreements": _count(_AGREEMENTS, text),
        "states": _count(_STATES, text),
        "by_support_type": _by_model(text),
        **_as_of(text),
        "updated": _updated(root),
    }
    return {name: value for name, value in told.items() if value}


def _count(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return _whole(found[1]) if found else None


def _whole(digits: str) -> int:
    return int(digits.replace(",", ""))


def _by_model(text: str) -> dict[str, int]:
    """Counts stand all before their models' names ("85 JEM") or all behind ("JEM: 85")."""
    before = {m: re.compile(_NUMBER + _LEADING + name, re.IGNORECASE) for m, name in _MODELS.items()}
    behind = {m: re.compile(name + _TRAILING + _NUMBER, re.IGNORECASE) for m, name in _MODELS.items()}
    named = re.search("|".join(_MODELS.values()), text, re.IGNORECASE)
    leading = [found.end() for pattern in before.values() if (found := pattern.search(text))]
    counts_lead = bool(named and leading and min(leading) <= named.end())
    chosen = before if counts_lead else behind
    return {model: _whole(found[1]) for model, pattern in chosen.items() if (found := pattern.search(text))}


def _as_of(text: str) -> dict[str, str]:
    found = _AS_OF.search(text)
    if not found:
        return {}
    date = re.sub(r"[.,]", "", found["date"])
    for form in ("%B %d %Y", "%b %d %Y"):
        try:
            day = datetime.strptime(" ".join(date.split()), form).date()  # noqa: DTZ007 - a calendar date
        except ValueError:
            continue
        hour = _hour(found["time"])
        return {"as_of": day.isoformat() + (f"T{hour}" if hour else ""), "as_of_text": found[0].strip()}
    return {"as_of_text": found[0].strip()}


def _hour(printed: str | None) -> str:
    if not printed:
        return ""
    if printed.lower() == "noon":
        return "12:00"
    hour, minute = re.match(r"(\d+)(?::(\d+))?", printed).groups()  # type: ignore[union-attr]
    if not 1 <= int(hour) <= 12 or int(minute or 0) > 59:
        return ""
    return f"{int(hour) % 12 + (12 if 'p' in printed.lower() else 0):02}:{int(minute or 0):02}"


def _updated(root: Any) -> str:
    for element in root.iter("time"):
        parent = element.getparent()
        if parent is None or not re.search(r"\b(?:last\s+)?updated\b", words(parent), re.IGNORECASE):
            continue
        try:
            return datetime.fromisoformat((element.get("datetime") or "").strip()).isoformat()
        except ValueError:
            continue
    return ""
