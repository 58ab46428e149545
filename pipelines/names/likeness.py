"""How alike two agencies' names are, judged on what distinguishes them and not on "Sheriff's Office"."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import us
from rapidfuzz.distance import OSA

from pipelines.names.gazetteer import counties, is_only_county, nearest, places, squeeze, without_accents

_APOSTROPHES = re.compile(r"['’‘`´ʼ]")
_NOT_LETTERS = re.compile(r"[\W_]+")
_ORDINAL = re.compile(r"^(\d+)(?:st|nd|rd|th)$")
# "X / Y" and "X (Y)": the publisher adds and drops the second part.
_SECOND_PART = re.compile(r"\s*[/(].*$")

STATE_NAMES = {
    state.abbr: state.name.casefold().split() for state in (*us.states.STATES_AND_TERRITORIES, us.states.DC)
}

_SHORT = {
    "pd": "police", "dept": "department", "dpt": "department", "depts": "department", "twp": "township",
    "boro": "borough", "co": "county", "cty": "county", "ft": "fort", "st": "saint", "ste": "sainte",
    "intl": "international", "natl": "national", "univ": "university", "hwy": "highway", "pct": "precinct",
    "prec": "precinct", "dps": "publicsafety", "doc": "department corrections", "corr": "corrections",
    "bocc": "board of county commissioners", "bcc": "board of county commissioners", "sd": "sheriff",
    "so": "sheriff",
    "doj": "department justice", "da": "district attorney", "dist": "district", "div": "division",
    "mtn": "mountain", "spgs": "springs", "bch": "beach", "metro": "metropolitan", "comm": "commission",
}  # fmt: skip

# Which body of its place an agency is. A word here never distinguishes one place from another.
_KINDS = {
    "sheriff": "sheriff", "sheriffs": "sheriff", "police": "police", "constable": "constable",
    "constables": "constable", "corrections": "corrections", "correction": "corrections",
    "correctional": "corrections", "jail": "corrections", "detention": "corrections", "prison": "corrections",
    "rehabilitation": "corrections", "board": "board", "commissioners": "board", "commissioner": "board",
    "commission": "board", "trustees": "board", "regents": "board", "council": "board",
    "attorney": "attorney",
    "attorneys": "attorney", "prosecutor": "attorney", "prosecutors": "attorney", "marshal": "marshal",
    "marshals": "marshal", "patrol": "patrol", "troopers": "patrol", "guard": "guard",
    "publicsafety": "safety",
    "enforcement": "enforcement", "probation": "probation",
}  # fmt: skip
_EMPTY: frozenset[str] = frozenset(
    re.findall(
        r"\w+",
        "the of for and at in a an office offices officer department departments agency service services "
        "facility unit division section bureau public law general",
    )
)
_SMALL = frozenset({"the", "of", "for", "and", "at", "in", "a", "an"})
_TOWN_BODIES = frozenset({"police", "constable", "marshal"})
_COUNTIES = frozenset({"county", "parish", "municipio"})
_LEVELS = {
    "county": "county",
    "parish": "county",
    "municipio": "county",
    "university": "school",
    "college": "school",
    "school": "school",
}
# Two places of one name and different form are two places (Manheim Borough and Manheim Township).
_FORMS = frozenset({"borough", "township", "village", "town", "city"})
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_CARDINALS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_NUMBERS = {word: str(number) for words in (_ORDINALS, _CARDINALS) for number, word in enumerate(words, 1)}
_DIRECTIONS = {
    word + ending: word for word in ("north", "south", "east", "west") for ending in ("", "ern")
} | {word: word for word in ("northeast", "northwest", "southeast", "southwest", "upper", "lower")}
# What follows a state's name that only says whose department it is ("Ohio Department"; not "Ohio County").
_AFTER_STATE = _EMPTY | _KINDS.keys() | {"state", "highway"}
# A word of a body or a filler with a slip in it ("Sherrif", "Departent", "Offic"). The short ones and those
# one letter away from a real name (Parrish, Marshall, Country Club Hills) must be spelt right.
_SLIPS = {
    word: 2 if len(word) >= 7 else 1
    for word in (*_KINDS, *_EMPTY, *_LEVELS, *_FORMS)
    if len(word) >= 6 and word not in {"parish", "marshal", "marshals", "village", "regents", "general"}
}
_RIGHT = frozenset({"country", "services", "college", "colleges", "sheridan", "counts", "borrego", "station"})


@lru_cache(maxsize=1 << 16)
def name_key(agency: str) -> str:
    """The key by which two printings are one name: case, accents, apostrophes, punctuation do not count."""
    return _NOT_LETTERS.sub(" ", _APOSTROPHES.sub("", without_accents(agency).casefold())).strip()


@dataclass(frozen=True)
class Name:
    """A name taken apart. `words` distinguish, `kinds` say which body, `level` and `form` what sort of place.

    `marks` are numbers and directions, also among the words. Names with equal `essence` are one name.
    """

    words: tuple[str, ...]
    kinds: frozenset[str]
    level: str
    form: str
    marks: frozenset[str]

    @cached_property
    def squeezed(self) -> str:
        """The words in their order, letters and figures only."""
        return squeeze(" ".join(self.words))

    @cached_property
    def essence(self) -> str:
        """The words without order and repetition."""
        return "".join(sorted(set(self.words)))


@lru_cache(maxsize=1 << 16)
def _plain_word(word: str) -> str:
    """The known word that this one is, or is a slip of; else the word itself."""
    if word in _SLIPS or word in _RIGHT or word in _KINDS or len(word) < 5:
        return word
    for known, slips in _SLIPS.items():
        # A slip in the first letter is rarer, and Bounty is not a county.
        allowed = slips if word[0] == known[0] else slips - 1
        if OSA.distance(word, known, score_cutoff=allowed) <= allowed:
            return known
    return word


def _without_state(words: list[str], state: str | None) -> list[str]:
    """Cut the state off where it says only whose department it is ("Idaho Department of ...", "..., PA")."""
    if state is None:
        return words
    full, short = STATE_NAMES.get(state, []), state.casefold()
    for prefix in (full, [short], ["state", "of", *full]):
        rest = words[len(prefix) :]
        if prefix and words[: len(prefix)] == prefix and rest and rest[0] in _AFTER_STATE:
            return rest
    return words[:-1] if len(words) > 1 and words[-1] == short else words


@lru_cache(maxsize=1 << 16)
def read_name(agency: str, state: str | None) -> Name:
    words = _without_state(_long_words(name_key(agency), state), state)
    named = _county_names(words)
    words = [word if at in named else _plain_word(word) for at, word in enumerate(words)]
    if words[:2] == ["city", "of"]:
        form, words = "city", words[2:]
    elif any(one == "city" and _KINDS.get(next_word) == "sheriff" for one, next_word in pairwise(words)):
        # An independent city's own sheriff (Portsmouth City); a police department's City is the town's name.
        form, words = "city", [word for word in words if word != "city"]
    else:
        form = next((word for at, word in enumerate(words) if _is_form(words, at)), "")
    named = _county_names(words)
    spare = "state" if "highway" in words else ""  # (State) Highway Patrol
    kinds = frozenset(_KINDS[word] for at, word in enumerate(words) if word in _KINDS and at not in named)
    left = [
        _NUMBERS.get(word) or _ORDINAL.sub(r"\1", word)
        for at, word in enumerate(words)
        if at in named or not (word in _KINDS or word in _EMPTY or word in _COUNTIES or word == spare)
    ]
    told = tuple(word for word in left if word != form or word == "city") or tuple(left)
    if told != tuple(left) and squeeze(" ".join(left)) in places(state):
        # A form that is part of a real place's name: Melbourne Village is not Melbourne.
        told, form = tuple(left), ""
    marks = frozenset(_DIRECTIONS.get(word, word) for word in told if word.isdigit() or word in _DIRECTIONS)
    return Name(told, kinds, _level(words, kinds, form), form, marks)


def _is_form(words: list[str], at: int) -> bool:
    """A "Borough" behind the name, or a "Town of" before it; Town Creek and Texas City are names."""
    return words[at] in _FORMS - {"city"} and (at > 0 or words[1:2] == ["of"])


def _county_names(words: list[str]) -> set[int]:
    """Where the word before "County" stands: a name, though it look like another word (Bureau County)."""
    return {
        at
        for at, word in enumerate(words[:-1])
        if words[at + 1] in _COUNTIES and words[at + 2 : at + 3] != ["of"] and word not in _SMALL
    }


def _level(words: list[str], kinds: frozenset[str], form: str) -> str:
    told = next((_LEVELS[word] for word in words if word in _LEVELS), "")
    return told or ("place" if form or kinds & _TOWN_BODIES else "")


def _long_words(key: str, state: str | None) -> list[str]:
    words = key.replace("public safety", "publicsafety").split()
    if words and state and words[0] == state.casefold() and len(words) > 1:
        return [words[0], *(part for word in words[1:] for part in _SHORT.get(word, word).split())]
    return [part for word in words for part in _SHORT.get(word, word).split()]


@lru_cache(maxsize=1 << 16)
def readings(agency: str, state: str | None) -> tuple[Name, ...]:
    """The whole name, and what stands before a slash or a parenthesis in it."""
    main = _SECOND_PART.sub("", agency)
    whole = read_name(agency, state)
    return (whole, read_name(main, state)) if main and main != agency else (whole,)


@lru_cache(maxsize=1 << 16)
def agency_names(state: str, key: str) -> tuple[tuple[str, str], ...]:
    """The name, and for a sheriff how else it is put: with the word "County", or without it. The first is the one
    with it, whichever was given."""
    words, county = key.split(), "parish" if state == "LA" else "county"
    at = next((i for i, word in enumerate(words) if _KINDS.get(word) == "sheriff"), 0)
    if not at or words[0] in _SMALL or any(word in _FORMS for word in words):
        return ((state, key),)
    place = words[: at - 1] if words[at - 1] == county else words[:at]
    if not is_only_county(squeeze(" ".join(place)), state):
        return ((state, key),)
    return (state, " ".join((*place, county, *words[at:]))), (state, " ".join((*place, *words[at:])))


def same_level(one: Name, other: Name) -> bool:
    """A bare name may be the town's or the borough's, but two forms are two places."""
    return (not one.level or not other.level or one.level == other.level) and (
        not one.form or not other.form or one.form == other.form
    )


def same_kind(one: Name, other: Name) -> bool:
    """Does either name say no other kind of body than the other? A name that says none is of any kind."""
    return one.kinds <= other.kinds or other.kinds <= one.kinds


def likeness(one: Name, other: Name) -> float:
    """0..1 on the words that distinguish; those that both have say nothing, numbers and directions decide."""
    if one.essence == other.essence or one.squeezed == other.squeezed:
        return 1.0
    if one.marks - other.marks and other.marks - one.marks:
        return 0.0
    here, there = _left_over(one.words, other.words), _left_over(other.words, one.words)
    if not here or not there:
        # One name has a word more: "Melbourne" and "Melbourne Beach" are as unlike as any two.
        return 0.0
    alike = max(
        float(OSA.normalized_similarity(" ".join(here), " ".join(there))),
        float(OSA.normalized_similarity("".join(here), "".join(there))),
    )
    if level_of(one, other) == "county" and min(len("".join(here)), len("".join(there))) <= 3:
        # A slip in a short word of a longer name ("Le Salle"); all counties are known, so that none is near.
        return max(alike, float(OSA.normalized_similarity(one.squeezed, other.squeezed)))
    return alike


def _left_over(words: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    shared = Counter(others)
    left = []
    for word in words:
        shared[word] -= 1
        if shared[word] < 0:
            left.append(word)
    return left


@lru_cache(maxsize=1 << 16)
def run_together(agency: str) -> str:
    return name_key(agency).replace(" ", "")


@lru_cache(maxsize=1 << 16)
def written_short(agency: str) -> frozenset[str]:
    """The name without its blanks, and its initials ("FDLE")."""
    words = name_key(agency).split()
    if len(words) < 3:
        return frozenset({"".join(words)})
    initials = ("".join(word[0] for word in words), "".join(w[0] for w in words if w not in _SMALL))
    return frozenset({"".join(words), *initials})


def same_text(one: str, other: str) -> bool:
    """Whether only blanks differ, or one is made of the other's initials."""
    return run_together(one) in written_short(other) or run_together(other) in written_short(one)


def extended(one: Name, other: Name) -> bool:
    """Whether one name is the other with a word more."""
    if not one.words or not other.words:
        return False
    return one.marks == other.marks and (
        set(one.words) < set(other.words) or set(other.words) < set(one.words)
    )


def level_of(one: Name, other: Name) -> str:
    """A sheriff is a county's unless a name says otherwise."""
    return one.level or other.level or ("county" if "sheriff" in one.kinds | other.kinds else "")


def reality(one: Name, other: Name, state: str | None) -> tuple[bool, bool]:
    """Which of the two is a real county or place of the state; neither when there is no telling."""
    level = level_of(one, other)
    real = counties(state) if level == "county" else places(state) if level == "place" else frozenset()
    return one.squeezed in real, other.squeezed in real


def third_is_nearer(one: Name, other: Name, state: str | None) -> bool:
    """Whether the name of the two that is not real looks more like a third, real one."""
    right, wrong = (one, other) if reality(one, other, state)[0] else (other, one)
    alike = OSA.normalized_similarity(right.squeezed, wrong.squeezed)
    return nearest(wrong.squeezed, state, level_of(one, other) == "county") > alike
