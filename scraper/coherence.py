"""Whether the values of a declaration agree with one another."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from scraper.declaration import EVERYWHERE, FIELDS, OPTIONS, ListEntry

_NEAR = 60  # of 100: below this no key is worth suggesting
# Where, what, and whether it is fatal.
Judgement = tuple[tuple[str, ...], str, bool]


def judged(entry: ListEntry, known: set[str]) -> Iterator[Judgement]:
    """What is wrong with an entry whose every value is right by itself: where, what, and is it fatal."""
    yield from _judged_addresses(entry)
    yield from _judged_columns(entry)
    yield from _judged_options(entry)
    for field in ("other", "pending_list"):
        name = getattr(entry, field)
        if name and name not in known:
            hint = nearest(name, sorted(known))
            yield (field,), f"no list is called {name!r}{f'; did you mean {hint!r}?' if hint else ''}", True
    if not entry.cadence.crons:
        yield ("cadence", "crons"), "“cadence.crons” names no time to look", True
    fewest, most = entry.plausible.rows
    if not 0 <= fewest <= most:
        text = f"“plausible.rows” is [fewest, most]; {fewest} to {most} is no range"
        yield ("plausible", "rows"), text, True
    if entry.plausible == ListEntry.model_fields["plausible"].default:
        yield (), "say how many rows are plausible: [lists.NAME.plausible] rows = [fewest, most]", False


def _judged_addresses(entry: ListEntry) -> Iterator[Judgement]:
    given = [name for name in ("page", "file", "files") if getattr(entry, name)]
    if len(given) != 1:
        found = f"it has {' and '.join(given)}" if given else "it has none"
        yield (
            (given[1:2] and (given[1],)) or (),
            (
                "it needs one of “page” (a page that links to the file), “file” (the file's own address) or "
                f"“files” (a list in parts); {found}"
            ),
            True,
        )
    if entry.page and not entry.link:
        yield ("page",), '“page” needs a “link” rule: link = { text = "what the link says" }', True
    if entry.link and not (entry.link.text or entry.link.file):
        yield ("link",), "“link” needs a “text” (of what is read) or a “file” (of the address)", True
    if entry.link and not entry.page:
        yield ("link",), "“link” is for a “page”; without one it does nothing", True
    if entry.next_page and (entry.format != "html" or not entry.file):
        text = '“next_page” is for format = "html" with the address of the first page in “file”'
        yield ("next_page",), text, True
    if not entry.private_addresses:
        for address in filter(None, (entry.page, entry.file, *entry.files)):
            if _is_private(address):
                text = f"{address} is a private address; say private_addresses = true if you mean it"
                yield (given[0],), text, True


def _is_private(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost"


def _judged_columns(entry: ListEntry) -> Iterator[Judgement]:
    if "agency" not in entry.fields:
        yield ("columns",), "no column is the “agency”: say which one names whom an entry is about", True
    for header, field in entry.columns.items():
        if field not in FIELDS and (near := _misspelt(field)):
            text = f"“{field}” becomes a field of the list's own; did you mean “{near}”?"
            yield ("columns", header), text, False
    for name in ("key", "required"):
        for field in getattr(entry, name) or ():
            if field not in entry.fields:
                hint = nearest(field, sorted(entry.fields))
                text = f"“{name}” names {field!r}, which no column is"
                yield (name,), f"{text}{f'; did you mean {hint!r}?' if hint else ''}", True


def _judged_options(entry: ListEntry) -> Iterator[Judgement]:
    allowed = (*OPTIONS[entry.format], *EVERYWHERE)
    for option in entry.options:
        if option not in allowed:
            hint = nearest(option, allowed)
            more = f"; did you mean “{hint}”?" if hint else f"; there are: {', '.join(allowed)}"
            yield ("options", option), f"{entry.format} has no option “{option}”{more}", True


def _misspelt(field: str) -> str | None:
    from rapidfuzz.distance import OSA

    return next((name for name in FIELDS if OSA.distance(field, name, score_cutoff=2) <= 2), None)


def nearest(word: str, words: Sequence[str]) -> str | None:
    """What was probably meant; None when nothing is like it."""
    from rapidfuzz import process  # only whoever made a mistake is given advice

    found = process.extractOne(word, words, score_cutoff=_NEAR)
    return found[0] if found else None
