"""Reading the documents that are here and were not read yet. Result: a new reader reads them all again."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import us
from sqlalchemy import Row

from pipelines.helper import read_within
from pipelines.history.documents import Linked, unread_documents
from pipelines.installation import Installation, writing
from pipelines.names.likeness import Name, likeness, read_name
from pipelines.normalise.dates import read_date
from pipelines.plain import plain
from pipelines.processes import whole
from pipelines.record.ingest import note_read
from pipelines.values import Agreement, Finding
from scraper.errors import UnreadableError

AT_ONCE = 10  # between two such helpings we can be asked to stop
MEMORY = 1_000_000_000
SECONDS = 20  # for one document


async def read_documents(installation: Installation) -> int:
    """Read what is unread; returns how many there were. Whoever stops this loses nothing: the rest stays unread."""
    with installation.engine.connect() as connection:
        waiting = list(unread_documents(connection, READER))
    for start in range(0, len(waiting), AT_ONCE):
        await whole(_read_some, installation, waiting[start : start + AT_ONCE])
    return len(waiting)


def _read_some(installation: Installation, rows: Sequence[Row[Any]]) -> None:
    answers = [_read(installation, row) for row in rows]
    with writing(installation) as connection:
        for row, answer in zip(rows, answers, strict=True):
            year = (row.changed_at or installation.now()).year + 1
            found = statements(answer["text"], year) if "text" in answer else {"trouble": answer["trouble"]}
            note_read(connection, row.id, answer.get("pages"), found, READER)


def _read(installation: Installation, row: Row[Any]) -> dict[str, Any]:
    """The number of `pages` and the `text` of a document, or the `trouble` with it."""
    with installation.archive.local_path(row.sha256) as path:
        if not _is_pdf(path):
            return {"trouble": "it is no PDF document"}
        try:
            pages, text = read_within("pipelines.parse.pdf:print_text", path, [], MEMORY, SECONDS)
        except UnreadableError as error:
            return {"trouble": str(error)[:200]}
        return {"pages": pages, "text": text}


def _is_pdf(path: Path) -> bool:
    with path.open("rb") as stream:
        return b"%PDF-" in stream.read(1024)


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
# A file's name is run together (BayCountySheriffFL), so a short word in it may be there by chance.
_WORD = 4
_NAME = 5


def statements(text: str, last_year: int) -> dict[str, Any]:
    """`support_type`, `state`, `agency` and `signed` (ISO), each only when the text leaves no choice."""
    words = " ".join(plain(line) for line in text.splitlines() if line.strip())
    stated: dict[str, Any] = {
        "support_type": _only({model for model, pattern in _MODELS.items() if pattern.search(words)}),
        "state": _only({_STATES[found.casefold()] for found in _STATE_OF.findall(words)}),
        "agency": _only({" ".join(found["agency"].split()) for found in _PARTIES.finditer(words)}),
        "signed": _signed(words, last_year),
    }
    return {name: value for name, value in stated.items() if value}


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


def differences(stated: dict[str, Any], agreement: Agreement) -> list[Finding]:
    """Where a document says something else than its list. Never a change: who is right is for people."""
    found = []
    for field, name in (("state", "state"), ("support_type", "support type")):
        here, there = stated.get(field), getattr(agreement, field)
        if here and there and here != there:
            found.append(
                Finding(
                    f"document-{field.replace('_', '-')}",
                    f"The document's {name} is {here}, the list's {there}.",
                )
            )
    signed = agreement.signed.isoformat() if agreement.signed else None
    if stated.get("signed") and signed and stated["signed"] != signed:
        found.append(
            Finding("document-signed", f"The document is dated {stated['signed']}, the list says {signed}.")
        )
    agency = stated.get("agency")
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


def misattributed(links: Sequence[Linked]) -> Iterator[tuple[Linked, Finding]]:
    """Each link that leads to a file of another agency, with what says so. `links` are those of whole lists."""
    names = {(one.agreement.state, one.agreement.agency): _name(one) for one in links}
    by_url: Mapping[str, list[Linked]] = defaultdict(list)
    for link in links:
        by_url[link.url].append(link)
    for link in links:
        file = _letters(link.url)
        if _named(_name(link), file):
            continue
        others = [one for one in by_url[link.url] if _name(one).essence != _name(link).essence]
        owner = next((one.agreement.agency for one in others if _named(_name(one), file)), None)
        if owner or others:
            whose = owner or others[0].agreement.agency
            yield link, Finding("document-shared", f"The same file is linked as that of “{whose}”.")
        elif owner := _other_named(link, names, file):
            yield link, Finding("document-elsewhere", f"The file is named after “{owner}”.")


def _name(link: Linked) -> Name:
    return read_name(link.agreement.agency, link.agreement.state)


def _letters(url: str) -> str:
    file = unquote(urlsplit(url).path).rpartition("/")[2].rpartition(".")[0]
    return re.sub(r"[^a-z0-9]", "", file.casefold())


def _named(name: Name, file: str) -> bool:
    """Is any word that distinguishes the agency in the file's name?"""
    return name.squeezed in file or any(len(word) >= _WORD and word in file for word in name.words)


def _other_named(link: Linked, names: Mapping[tuple[str | None, str], Name], file: str) -> str | None:
    """The one other agency of the state, of the same sort, whose whole name is in the file's name."""
    own = _name(link)
    found = {
        agency
        for (state, agency), name in names.items()
        if state == link.agreement.state
        and name.kinds == own.kinds
        and len(name.squeezed) >= _NAME
        and name.squeezed in file
    }
    return found.pop() if len(found) == 1 else None
