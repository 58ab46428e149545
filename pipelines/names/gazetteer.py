"""Which counties and places there really are, state by state; loaded when a name is first doubted."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from pipelines.registers import registers

# What GeoNames appends to the name of a county or of its equivalents.
_COUNTY_ENDINGS = re.compile(
    r" (county|parish|city and borough|borough|census area|municipality|municipio|city|district|island"
    r"|planning region)$"
)
_APOSTROPHES = re.compile(r"['’‘`´ʻ]")
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")


def squeeze(name: str) -> str:
    """Letters and figures only: De Soto is DeSoto, St. Lucie Saint Lucie, Lake of the Woods Lake Woods."""
    if name.isascii() and name.isalnum():  # one word, as of most places
        return _FULL.get(word := name.casefold(), word)
    words = _NOT_LETTERS.sub(" ", _APOSTROPHES.sub("", without_accents(name).casefold())).split()
    return "".join(_FULL.get(word, word) for word in words if word not in _SMALL) or "".join(words)


def without_accents(text: str) -> str:
    """Doña Ana is Dona Ana."""
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


_SMALL = frozenset({"of", "the", "and"})
_FULL = {"st": "saint", "ste": "sainte", "ft": "fort", "mt": "mount"}


@lru_cache(maxsize=1)
def _counties() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for county in registers().counties():
        if name := _COUNTY_ENDINGS.sub("", county.name.casefold()):
            found[county.state].add(squeeze(name))
    return {state: frozenset(names) for state, names in found.items()}


@lru_cache(maxsize=1)
def _places() -> dict[str, frozenset[str]]:
    """Places of 500 people and more."""
    found: dict[str, set[str]] = defaultdict(set)
    for town in registers().towns():
        found[town.state].add(squeeze(town.name))
    return {state: frozenset(names) for state, names in found.items()}


def counties(state: str | None) -> frozenset[str]:
    """Squeezed names of a state's counties; none for a state that is unknown."""
    return _counties().get(state or "", frozenset())


@lru_cache(maxsize=1)
def _cities() -> frozenset[tuple[str, str]]:
    """Independent cities, each with a sheriff of its own: Richmond has one, and Richmond County another."""
    return frozenset(
        (county.state, squeeze(county.name.casefold().removesuffix(" city")))
        for county in registers().counties()
        if county.name.casefold().endswith(" city")
    )


def is_only_county(name: str, state: str) -> bool:
    """Whether a squeezed name is a county's, and no independent city's of the same name."""
    return name in counties(state) and (state, name) not in _cities()


def places(state: str | None) -> frozenset[str]:
    """Squeezed names of a state's towns and cities; none for a state that is unknown."""
    return _places().get(state or "", frozenset())


@lru_cache(maxsize=1 << 16)
def nearest(name: str, state: str | None, of_counties: bool) -> float:
    """How alike the real name most like `name` (squeezed) is."""
    real = counties(state) if of_counties else places(state)
    best = process.extractOne(name, real, scorer=OSA.normalized_similarity)
    return float(best[1]) if best else 0.0
