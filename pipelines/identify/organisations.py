"""Which company is which under a corrected name: what an identifier proves, and what the names themselves tell.

A name is judged without its legal form, accents, punctuation and wrongly decoded letters; numbers in it decide. Two
names that ever stood side by side are two companies.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from pipelines.fields import key_value
from pipelines.names.gazetteer import without_accents
from pipelines.plain import decoded, plain
from pipelines.values import Agreement, Known, Match
from scraper.lists import PublishedList

# Names without their legal forms that are so alike, of companies that are alike in so much else, are one name.
ALIKE = 0.88
SHORTEST = 6
AGREE = 0.7
# Of two whose names share only their beginning (a "Group", a country more), all else must be the same.
AGREE_FOR_A_WORD_MORE = 0.99
FEWEST_FIELDS = 3
# Candidates nearer to one another than this cannot be told apart.
MARGIN = 0.03
_PARTS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_FORMER = re.compile(r"\b(?:formerly(?: known as)?|previously|f/?k/?a|ex|née?)\b[\s.:]*", re.I)
_WORDS = re.compile(r"[^\W_]+")
_ROMAN = re.compile(r"(?:i{1,3}|iv|vi{0,3}|ix|x)")


@dataclass(frozen=True)
class OrganisationName:
    """`core` are its words without the legal form, `others` the names in brackets: acronyms and former names."""

    core: tuple[str, ...]
    others: frozenset[str]

    @cached_property
    def text(self) -> str:
        return " ".join(self.core)

    @cached_property
    def joined(self) -> str:
        return "".join(self.core)

    @cached_property
    def initials(self) -> str:
        return "".join(word[0] for word in self.core) if len(self.core) > 2 else ""

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset(word for word in self.core if word.isdecimal() or _ROMAN.fullmatch(word))


@lru_cache(maxsize=1 << 16)
def read_organisation(printed: str) -> OrganisationName:
    text = plain(decoded(printed))
    inside = [part for part in _PARTS.findall(text) if part.strip()]
    return OrganisationName(
        _core(_PARTS.sub(" ", text)) or _core(text),
        frozenset(filter(None, ("".join(_core(_FORMER.sub("", part))) for part in inside))),
    )


def _core(text: str) -> tuple[str, ...]:
    words = _words(text)
    for length in range(min(len(words) - 1, 4), 0, -1):
        if words[-length:] in _legal_forms():
            return _core(" ".join(words[:-length]))
    return words


def _words(text: str) -> tuple[str, ...]:
    # S.A. and N.V. are words, not letters; what joins (&, +) says "and".
    folded = without_accents(text).casefold().replace("&", " and ").replace("+", " and ")
    folded = re.sub(r"(?<=\b[a-z])[./](?=[a-z]\b)", "", folded)
    return tuple(_WORDS.findall(re.sub(r"['’.]", "", folded)))


@lru_cache(maxsize=1)
def _legal_forms() -> frozenset[tuple[str, ...]]:
    from cleanco.termdata import terms_by_country, terms_by_type

    terms = [term for by in (terms_by_type, terms_by_country) for found in by.values() for term in found]
    return frozenset(filter(None, map(_words, terms)))


Together = Callable[[str, str], bool]


def proven(
    rows: Sequence[tuple[int, Agreement]], known: Sequence[tuple[int, Known]], declared: PublishedList
) -> Iterator[Match]:
    """Rows and known entries of which one of the fields named as evidence says the same, and none otherwise."""
    taken: set[tuple[int, int]] = set()
    for field in declared.evidence:
        here = _by_value(field, rows, declared)
        there = _by_value(field, [(index, one.agreement) for index, one in known], declared)
        numbered = dict(rows), dict(known)
        for value, mine in here.items():
            theirs = there.get(value, [])
            if len(mine) != 1 or len(theirs) != 1:
                continue
            pair = (mine[0], theirs[0])
            one, other = numbered[0][pair[0]], numbered[1][pair[1]]
            if pair[0] in {p[0] for p in taken} or pair[1] in {p[1] for p in taken}:
                continue
            if not contradicted(one, other.agreement, declared):
                taken.add(pair)
                rule = "same identifier" if other.active else "returned"
                yield Match(*pair, rule, 0.97, (f"same {field}",))


def _by_value(
    field: str, entries: Iterable[tuple[int, Agreement]], declared: PublishedList
) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for index, agreement in entries:
        if value := _identifier(agreement, field, declared):
            groups[value].append(index)
    return groups


def _identifier(agreement: Agreement, field: str, declared: PublishedList) -> str:
    """An identifier has a figure in it; "NA", "-" and "none" are ways to say that there is none."""
    value = key_value(field, agreement.said(field), declared)
    return value if any(mark.isdigit() for mark in value) or "." in value else ""


def contradicted(one: Agreement, other: Agreement, declared: PublishedList) -> bool:
    """Does an identifier that both have say that they are two?"""
    pairs = [(_identifier(one, f, declared), _identifier(other, f, declared)) for f in declared.evidence]
    filled = [(a, b) for a, b in pairs if a and b]
    return bool(filled) and sum(a != b for a, b in filled) >= sum(a == b for a, b in filled)


def by_name(
    rows: Sequence[tuple[int, Agreement]],
    known: Sequence[tuple[int, Known]],
    declared: PublishedList,
    together: Together,
) -> Iterator[Match]:
    """The pairs that are each other's best, and that no rival comes near."""
    scored: dict[tuple[int, int], tuple[float, str]] = {}
    old = {index: one.agreement for index, one in known if one.active}
    look_up = _Candidates(old)
    for index, row in rows:
        for other in look_up.of(row):
            found = _judged(row, old[other], declared)
            if found and not together(row.agency, old[other].agency):
                scored[index, other] = found
    best: dict[tuple[str, int], list[float]] = defaultdict(list)
    for (index, other), (score, _) in scored.items():
        best["row", index].append(score)
        best["known", other].append(score)
    for (index, other), (score, why) in sorted(scored.items()):
        rivals = sorted((*best["row", index], *best["known", other]), reverse=True)[2:3]
        if score == max(*best["row", index], *best["known", other]) and (
            not rivals or rivals[0] < score - MARGIN
        ):
            yield Match(index, other, "corrected name", round(score, 3), (why,))


class _Candidates:
    """The known entries that share with a name its letters, its first word, or what stands in brackets."""

    def __init__(self, known: Mapping[int, Agreement]) -> None:
        self._texts: dict[int, str] = {}
        self._first: dict[str, list[int]] = defaultdict(list)
        self._called: dict[str, list[int]] = defaultdict(list)
        for index, agreement in known.items():
            name = read_organisation(agreement.agency)
            self._texts[index] = name.text
            for word in name.core[:1]:
                self._first[word].append(index)
            for called in _called(name):
                self._called[called].append(index)

    def of(self, row: Agreement) -> Iterator[int]:
        name = read_organisation(row.agency)
        near = process.extract(
            name.text, self._texts, scorer=OSA.normalized_similarity, score_cutoff=ALIKE - 0.05, limit=8
        )
        found = [index for _, _, index in near]
        found += [index for word in name.core[:1] for index in self._first.get(word, ())]
        found += [index for called in _called(name) for index in self._called.get(called, ())]
        yield from dict.fromkeys(found)


def _called(name: OrganisationName) -> frozenset[str]:
    return frozenset(filter(None, (name.joined, "".join(sorted(name.core)), name.initials))) | name.others


def _judged(row: Agreement, before: Agreement, declared: PublishedList) -> tuple[float, str] | None:
    one, other = read_organisation(before.agency), read_organisation(row.agency)
    if not one.core or not other.core or contradicted(row, before, declared):
        return None
    if one.joined == other.joined or sorted(one.core) == sorted(other.core):
        return 0.95, "the same name but for its legal form"
    if one.numbers != other.numbers:
        return None
    agree, fields = _agreement(row, before, declared)
    if one.joined in other.others or other.joined in one.others:
        return (0.93, "one name is given as the other's") if agree >= AGREE else None
    if fields >= 1 and agree < AGREE:
        return None
    alike = OSA.normalized_similarity(one.text, other.text)
    if min(len(one.joined), len(other.joined)) >= SHORTEST and alike >= ALIKE:
        return 0.5 + 0.4 * alike, "names that are alike, and all else"
    return _longer(one, other, agree, fields)


def _longer(
    one: OrganisationName, other: OrganisationName, agree: float, fields: int
) -> tuple[float, str] | None:
    if fields < FEWEST_FIELDS or agree < AGREE_FOR_A_WORD_MORE:
        return None
    short, long = sorted((one.core, other.core), key=len)
    if (long[: len(short)] == short or long[-len(short) :] == short) and len("".join(short)) >= SHORTEST:
        return 0.75, "one name is the other with a word more, and all else is the same"
    if (one.initials and other.joined == one.initials) or (other.initials and one.joined == other.initials):
        return 0.75, "one name is the other's initials, and all else is the same"
    return None


def _agreement(row: Agreement, before: Agreement, declared: PublishedList) -> tuple[float, int]:
    """The share of the other fields that both fill in which they say the same, and how many those are."""
    apart = {*declared.key, *declared.ignore, "agency"}
    was, now = before.as_json(), row.as_json()
    both = [name for name in now if name not in apart and now[name] and was.get(name)]
    same = sum(key_value(name, now[name], declared) == key_value(name, was[name], declared) for name in both)
    return (same / len(both) if both else 0.0), len(both)
