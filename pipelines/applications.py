"""An application and the agreement that comes of it are one life: which is whose, and how long it took.

Each list is derived by itself, whatever was learned when. This is a pure function of the two results, worked out when
either list has something new and kept with them, so the order of replays cannot matter to it either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, NamedTuple

from pipelines.identify import Context, identify
from pipelines.names.likeness import name_key
from pipelines.values import Agreement, Known

Status = Literal["pending", "signed", "both", "left", "had"]
Key = tuple[str, str, str]  # state, name key, support type
# Lists are published one after the other: an agreement may be listed a little before its application.
LAG_DAYS = 7
MODEL_SCORE = 0.8
ANSWER_DAYS = 60  # what is listed so long after the application left is no answer to it


class Printing(NamedTuple):
    """What a list said of one agreement from a place until another (None: it still does)."""

    agreement: Agreement
    since: str
    until: str | None


@dataclass(frozen=True, slots=True)
class Life:
    """One agreement's life in one list, its printings oldest first."""

    agreement_id: str
    agency_id: str
    printings: tuple[Printing, ...]

    @property
    def first(self) -> str:
        """The place of the first list with it."""
        return self.printings[0].since

    @property
    def until(self) -> str | None:
        """The place of the first list without it; None while it is listed."""
        ends = [printing.until for printing in self.printings]
        return None if None in ends else max(end for end in ends if end)

    @property
    def last(self) -> Agreement:
        return max(self.printings, key=lambda printing: (printing.until or "~", printing.since)).agreement

    @property
    def keys(self) -> frozenset[Key]:
        return frozenset(_key(printing.agreement) for printing in self.printings)


@dataclass(frozen=True, slots=True)
class Application:
    """An application and what became of it.

    `status`: pending (still waiting), signed (an agreement is listed, the application is gone), both (it is
    listed on both), left (gone without an agreement), had (it had the agreement before it applied).
    `days` go from the first list of applications to the first list of agreements that has it; `signed_days`
    to the signing date. `at_least` says that it stood on the very first list of applications, so that it may
    have waited longer. `rule`, `score` and `evidence` say how the two were found to be one.
    """

    application: Life
    agreement: Life | None
    status: Status
    at_least: bool = False
    rule: str = ""
    score: float = 0.0
    evidence: tuple[str, ...] = ()

    @property
    def applied(self) -> date:
        return _day(self.application.first)

    @property
    def listed(self) -> date | None:
        return _day(self.agreement.first) if self.agreement else None

    @property
    def signed(self) -> date | None:
        return self.agreement.last.signed if self.agreement else None

    @property
    def converted(self) -> bool:
        return self.status in ("signed", "both")

    @property
    def days(self) -> int | None:
        return max((self.listed - self.applied).days, 0) if self.converted and self.listed else None

    @property
    def signed_days(self) -> int | None:
        return (self.signed - self.applied).days if self.converted and self.signed else None


def join(
    applications: Sequence[Life], agreements: Sequence[Life], first_list: str, *, alike: bool = True
) -> list[Application]:
    """What became of every application, oldest first. `first_list` is the place of the first list of them.

    Names that are not printed alike are compared only with `alike`.
    """
    spells = [spell for life in _without_repeats(applications) for spell in _spells(life)]
    waiting = sorted(spells, key=lambda life: (life.first, life.agreement_id))
    found = _exact(waiting, agreements)
    if alike:
        found |= _alike(waiting, agreements, found)
    found |= _another_model(waiting, agreements, found)
    by_name, instead = _by_name(agreements), _by_name(waiting)
    return [
        _judged(life, found.get(_id(life)), by_name, instead, at_least=life.first == first_list)
        for life in waiting
    ]


def _spells(life: Life) -> Iterator[Life]:
    """Who left and applied again applied twice."""
    spell: list[Printing] = []
    for printing in life.printings:
        if spell and spell[-1].until is not None and printing.since > spell[-1].until:
            yield replace(life, printings=tuple(spell))
            spell = []
        spell.append(printing)
    yield replace(life, printings=tuple(spell))


@dataclass(frozen=True, slots=True)
class _Found:
    agreement: Life
    rule: str
    score: float
    evidence: tuple[str, ...] = ()


_Spell = tuple[str, str]  # the application's id, and since when


def _id(life: Life) -> _Spell:
    return life.agreement_id, life.first


def _judged(
    life: Life,
    found: _Found | None,
    by_name: Mapping[tuple[str, str], Sequence[Life]],
    instead: Mapping[tuple[str, str], Sequence[Life]],
    *,
    at_least: bool,
) -> Application:
    if found is None:
        state, name, _ = _key(life.last)
        later = [one for one in by_name.get((state, name), ()) if life.until and one.first > life.until]
        others = [one for one in instead.get((state, name), ()) if one.first == life.until]
        evidence = ("another agreement of the agency came later",) if later else ()
        if others:
            evidence = (f"{others[0].printings[0].agreement.support_type} was applied for instead",)
        return Application(life, None, "left" if life.until else "pending", at_least, evidence=evidence)
    on_both = life.until is None and found.agreement.until is None
    status: Status = "had" if _had(life, found.agreement) else "both" if on_both else "signed"
    return Application(life, found.agreement, status, at_least, found.rule, found.score, found.evidence)


def _had(life: Life, agreement: Life) -> bool:
    """Was the agreement there before the application, by more than the two lists lag behind each other?"""
    applied, listed, signed = _day(life.first), _day(agreement.first), agreement.last.signed
    return (applied - listed).days > LAG_DAYS or (signed is not None and (applied - signed).days > LAG_DAYS)


def _answers(life: Life, agreement: Life) -> bool:
    """Is the agreement listed before the application would be forgotten?"""
    return life.until is None or (_day(agreement.first) - _day(life.until)).days <= ANSWER_DAYS


def _exact(waiting: Sequence[Life], agreements: Sequence[Life]) -> dict[_Spell, _Found]:
    """State, name and support type are the same in some printing of each; the agreement that follows."""
    by_key: dict[Key, list[Life]] = defaultdict(list)
    for agreement in agreements:
        for key in agreement.keys:
            by_key[key].append(agreement)
    pairs = {
        (_preference(life, one), _id(life), one.agreement_id): (life, one)
        for life in waiting
        for key in life.keys
        for one in by_key.get(key, ())
        if _answers(life, one)
    }
    found: dict[_Spell, _Found] = {}
    taken: set[str] = set()
    for _, (life, one) in sorted(pairs.items()):
        if _id(life) not in found and one.agreement_id not in taken:
            taken.add(one.agreement_id)
            found[_id(life)] = _Found(one, "exact", 1.0)
    return found


def _preference(life: Life, agreement: Life) -> tuple[bool, int]:
    """Those that follow the application come first, the nearest of them before all."""
    apart = (_day(agreement.first) - _day(life.first)).days
    return apart < -LAG_DAYS, abs(apart)


def _left_over(
    waiting: Sequence[Life], agreements: Sequence[Life], found: Mapping[_Spell, _Found]
) -> tuple[list[Life], list[Life]]:
    taken = {one.agreement.agreement_id for one in found.values()}
    free = (one for one in agreements if one.agreement_id not in taken)
    return [life for life in waiting if _id(life) not in found], sorted(
        free, key=lambda life: life.agreement_id
    )


def _alike(
    waiting: Sequence[Life], agreements: Sequence[Life], exact: Mapping[_Spell, _Found]
) -> dict[_Spell, _Found]:
    """The others, by the rules of identity: name and state are corrected from one list to the other too."""
    rest, free = _left_over(waiting, agreements, exact)
    # Of who applied twice the later application is answered; only one of two that are alike can be told.
    left = list({life.agreement_id: life for life in rest}.values())
    known = [Known(str(at), life.agency_id, replace(life.last, signed=None)) for at, life in enumerate(left)]
    standing: dict[tuple[str, str], set[str]] = defaultdict(set)
    for found in exact.values():
        for state, name, model in found.agreement.keys:
            standing[state, name].add(model)
    context = Context(
        standing={place: frozenset(models) for place, models in standing.items()},
        together=_Together([*_numbered(waiting, agreements)]),
    )
    matches = identify([replace(life.last, signed=None, moa=None) for life in free], known, context)
    return {
        _id(left[match.known]): _Found(free[match.row], match.rule, match.score, match.evidence)
        for match in matches
        if match.known is not None
        and match.rule != "corrected model"  # of whatever time: the next step asks
        and _answers(left[match.known], free[match.row])
    }


def _another_model(
    waiting: Sequence[Life], agreements: Sequence[Life], found: Mapping[_Spell, _Found]
) -> dict[_Spell, _Found]:
    """The only application of an agency and its only agreement that nobody applied for, listed as it left."""
    left, free = _left_over(waiting, agreements, found)
    there = _by_name(free)
    alone = {}
    for name, lives in _by_name(left).items():
        others = [
            one
            for one in there.get(name, ())
            if (_day(one.first) - _day(lives[-1].first)).days >= -LAG_DAYS and _answers(lives[-1], one)
        ]
        if len(lives) == len(others) == 1 and not lives[0].keys & others[0].keys:
            alone[_id(lives[0])] = _Found(
                others[0], "corrected model", MODEL_SCORE, ("the only one of its name",)
            )
    return alone


def _by_name(lives: Iterable[Life]) -> dict[tuple[str, str], list[Life]]:
    found: dict[tuple[str, str], list[Life]] = defaultdict(list)
    for life in lives:
        for name in sorted({(state, name) for state, name, _ in life.keys}):
            found[name].append(life)
    return found


def _numbered(waiting: Sequence[Life], agreements: Sequence[Life]) -> Iterator[tuple[int, Life]]:
    """Every life with the number of its list: names are compared within a list only."""
    yield from ((0, life) for life in waiting)
    yield from ((1, life) for life in agreements)


class _Together:
    """Did one list ever print two names side by side under one support type? Then they are two agencies."""

    def __init__(self, lives: Iterable[tuple[int, Life]]) -> None:
        self._stood: dict[tuple[str, str], list[tuple[int, str, Printing]]] = defaultdict(list)
        for number, life in lives:
            for printing in life.printings:
                state, name, _ = _key(printing.agreement)
                self._stood[state, name].append((number, life.agreement_id, printing))

    def __call__(self, one: tuple[str, str], other: tuple[str, str]) -> bool:
        return any(
            here[0] == there[0] and here[1] != there[1] and _beside(here[2], there[2])
            for here in self._stood.get(one, ())
            for there in self._stood.get(other, ())
        )


def _beside(one: Printing, other: Printing) -> bool:
    same_model = one.agreement.support_type == other.agreement.support_type
    return (
        same_model
        and (one.until is None or other.since < one.until)
        and (other.until is None or one.since < other.until)
    )


def _without_repeats(lives: Sequence[Life]) -> Iterator[Life]:
    """A row that was listed twice at a time is one application."""
    by_key: dict[Key, list[Life]] = defaultdict(list)
    for life in sorted(lives, key=lambda life: (life.first, life.agreement_id)):
        earlier = next(
            (one for one in by_key[_key(life.last)] if one.until is None or life.first < one.until), None
        )
        if earlier is None:
            by_key[_key(life.last)].append(life)
            continue
        merged = replace(earlier, printings=tuple(sorted((*earlier.printings, *life.printings), key=_begun)))
        by_key[_key(life.last)][by_key[_key(life.last)].index(earlier)] = merged
    for group in by_key.values():
        yield from group


def _begun(printing: Printing) -> tuple[str, str]:
    return printing.since, printing.until or "~"


def _key(agreement: Agreement) -> Key:
    return agreement.state or "", name_key(agreement.agency), agreement.support_type or ""


def _day(place: str) -> date:
    return date.fromisoformat(place[:10])
