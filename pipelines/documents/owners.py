"""Whose document is it? Links that lead to another agency's file, told by the links and their names alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote, urlsplit

from pipelines.history.documents import Linked
from pipelines.names.likeness import Name, read_name
from pipelines.values import Finding

# A file's name is run together (BayCountySheriffFL), so a short word in it may be there by chance.
_WORD = 4
_NAME = 5


def elsewhere(links: Sequence[Linked]) -> Iterator[tuple[Linked, Finding]]:
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
