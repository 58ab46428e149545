"""What a document says of itself, only where it can be read for certain. Pure: text in, words out."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import us

from pipelines.names.likeness import likeness, read_name
from pipelines.normalise.dates import read_date
from pipelines.plain import plain
from pipelines.values import Agreement, Finding

# Raise it whenever a document may be understood differently.
READER = 1
_MODELS = {
    "TFM": re.compile(r"\btask force (?:model|officer)\b", re.IGNORECASE),
    "WSO": re.compile(r"\bwarrant service officer\b", re.IGNORECASE),
    "JEM": re.compile(r"\bjail enforcement (?:model|officer)\b", re.IGNORECASE),
}
_STATES = {state.name.casefold(): state.abbr for state in (*us.states.STATES_AND_TERRITORIES, us.states.DC)}
_STATE_OF = re.compile(
    rf"\b(?:State|Commonwealth|Territory) of ({'|'.join(map(re.escape, sorted(_STATES)))})\b", re.IGNORECASE
)
# The sentence with which these agreements begin: who agrees with whom.
_PARTIES = re.compile(
    r"(?:agreement|partnership) between (?:the )?(?:United States |U\.?S\.? )?"
    r"Immigration and Customs Enforcement(?: \(ICE\))?,?"
    r"(?: a component of the (?:United States )?Department of Homeland Security(?: \(DHS\))?,?)?"
    r" and (?:the )?(?P<agency>[^,;()]{4,90}?)(?=,| \(|;| pursuant| \(hereinafter| under which)",
    re.IGNORECASE,
)
_DATED = re.compile(
    r"\bDate(?:d| signed)?\s*:\s*(?P<date>[A-Z]?[\w/., -]{5,24}?\d{4}|\d{1,2}[/-]\d{1,2}[/-]\d{2})\b"
)
_UNLIKE = 0.34  # names that have less than this in common are two agencies


def said(text: str, last_year: int) -> dict[str, Any]:
    """`support_type`, `state`, `agency` and `signed` (ISO), each only when the text leaves no choice."""
    words = " ".join(plain(line) for line in text.splitlines() if line.strip())
    told: dict[str, Any] = {
        "support_type": _only({model for model, pattern in _MODELS.items() if pattern.search(words)}),
        "state": _only({_STATES[found.casefold()] for found in _STATE_OF.findall(words)}),
        "agency": _only({" ".join(found["agency"].split()) for found in _PARTIES.finditer(words)}),
        "signed": _signed(words, last_year),
    }
    return {name: value for name, value in told.items() if value}


def _only(found: set[str]) -> str | None:
    return found.pop() if len(found) == 1 else None


def _signed(words: str, last_year: int) -> str | None:
    """Both parties date their signatures; it is signed with the later one. What is unreadable is in doubt."""
    dates: list[date] = []
    for found in _DATED.finditer(words):
        day, _ = read_date(found["date"].strip(" .,"), last_year)
        if day is None:
            return None
        dates.append(day)
    return max(dates).isoformat() if dates else None


def differences(told: dict[str, Any], agreement: Agreement) -> list[Finding]:
    """Where a document says something else than its list. Never a change: who is right is for people."""
    found = []
    for field, name in (("state", "state"), ("support_type", "support type")):
        here, there = told.get(field), getattr(agreement, field)
        if here and there and here != there:
            found.append(
                Finding(
                    f"document-{field.replace('_', '-')}",
                    f"The document's {name} is {here}, the list's {there}.",
                )
            )
    signed = agreement.signed.isoformat() if agreement.signed else None
    if told.get("signed") and signed and told["signed"] != signed:
        found.append(
            Finding("document-signed", f"The document is dated {told['signed']}, the list says {signed}.")
        )
    agency = told.get("agency")
    if agency and _unlike(agency, agreement):
        found.append(
            Finding("document-agency", f"The document names “{agency}”, the list “{agreement.agency}”.")
        )
    return found


def _unlike(agency: str, agreement: Agreement) -> bool:
    one, other = read_name(agency, agreement.state), read_name(agreement.agency, agreement.state)
    if set(one.words) & set(other.words):
        return False
    return likeness(one, other) < _UNLIKE
