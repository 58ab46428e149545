"""The two vocabularies with a short form: state and support type."""

from __future__ import annotations

import re
from functools import lru_cache

import us
from rapidfuzz.distance import OSA


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text.casefold())


def _state_names() -> dict[str, str]:
    names: dict[str, str] = {}
    for state in (*us.states.STATES, us.states.DC, *us.states.TERRITORIES):
        for name in (state.name, state.ap_abbr or "", state.abbr):
            names[_letters(name)] = state.abbr
    more = {"washingtondc": "DC", "usvirginislands": "VI", "cnmi": "MP", "usvi": "VI"}
    return {name: abbreviation for name, abbreviation in (names | more).items() if name}


_STATES = _state_names()
STATE_NAMES = {state.abbr: state.name for state in (*us.states.STATES, us.states.DC, *us.states.TERRITORIES)}
_FULL_NAMES = {name: code for name, code in _STATES.items() if len(name) >= 4}
_STYLED = re.compile(r"^(?:the)?(?:state|commonwealth|territory)of(?:the)?")


@lru_cache(maxsize=1 << 12)
def read_state(text: str) -> tuple[str | None, bool]:
    """Two letters and whether a misspelling was repaired; None when no state or more than one is near.

    Single rows are misspelt, and once every row of a state was (WEST VIRIGINIA). The library's own search is
    phonetic and takes almost anything for a state.
    """
    letters = _STYLED.sub("", _letters(text)) or _letters(text)
    if found := _STATES.get(letters):
        return found, False
    if len(letters) < 4:
        return None, False
    distances = {name: OSA.distance(letters, name, score_cutoff=3) for name in _FULL_NAMES}
    near = {_FULL_NAMES[name] for name, distance in distances.items() if distance == 1}
    if len(near) == 1:
        return near.pop(), True
    if len(letters) < 7:
        return None, False
    # Two letters off is one reading only in a long name without a neighbour (TENESEE), never NORTH or SOUTH.
    around = {_FULL_NAMES[name] for name, distance in distances.items() if distance <= 3}
    second = {name for name, distance in distances.items() if distance == 2 and len(name) >= 8}
    return (_FULL_NAMES[second.pop()], True) if not near and len(around) == 1 and second else (None, False)


# Every way in which the three models were seen to be called; spelling mistakes are measured against these.
_MODELS = {
    "jailenforcementmodel": "JEM",
    "jailenforcement": "JEM",
    "jailenforcementofficer": "JEM",
    "jailmodel": "JEM",
    "jem": "JEM",
    "taskforcemodel": "TFM",
    "taskforceofficer": "TFM",
    "taskforce": "TFM",
    "tfm": "TFM",
    "tfo": "TFM",
    "warrantserviceofficer": "WSO",
    "warrantserviceofficermodel": "WSO",
    "warrantserviceofficerprogram": "WSO",
    "warrantservicemodel": "WSO",
    "warrantservice": "WSO",
    "wso": "WSO",
}
# Jail Enforcment Model is 1 letter off, Warrant Services Office 2; names of different models are at least 8.
_MODEL_SLIPS = 3


@lru_cache(maxsize=1 << 12)
def read_model(text: str) -> tuple[str, bool]:
    """JEM, TFM or WSO and True; any other text as it is and False."""
    candidates = (text, re.sub(r"\([^)]*\)", "", text), *re.findall(r"\(([^)]*)\)", text))
    exact = {_MODELS[letters] for part in candidates if (letters := _letters(part)) in _MODELS}
    if len(exact) == 1:
        return exact.pop(), True
    letters = _letters(text)
    near = {
        model
        for name, model in _MODELS.items()
        if len(name) > 6 and OSA.distance(letters, name, score_cutoff=_MODEL_SLIPS) <= _MODEL_SLIPS
    }
    return (near.pop(), True) if len(near) == 1 and not exact else (text, False)
