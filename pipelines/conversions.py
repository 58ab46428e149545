"""An application and the agreement that comes of it are one life: which is whose, and how long it took.

Each list is derived by itself, whatever was learned when. This is a pure function of the two results, worked
out whenever it is asked for and kept nowhere, so the order of replays cannot matter to it either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
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
LONG_DAYS = 30  # an agreement signed so long before is no answer to the application


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


def join(applications: Sequence[Life], agreements: Sequence[Life], first_list: str) -> list[Application]:
    """What became of every application, oldest first. `first_list` is the place of the first list of them."""
    waiting = sorted(_without_repeats(applications), key=lambda life: (life.first, life.agreement_id))
    found = _exact(waiting, agreements)
    found |= _alike(waiting, agreements, found)
    return [
        _judged(life, found.get(life.agreement_id), at_least=life.first == first_list) for life in waiting
    ]


@dataclass(frozen=True, slots=True)
class _Found:
    agreement: Life
    rule: str
    score: float
    evidence: tuple[str, ...] = ()


def _judged(life: Life, found: _Found | None, *, at_least: bool) -> Application:
    if found is None:
        return Application(life, None, "left" if life.until else "pending", at_least)
    had = _had(life, found.agreement)
    on_both = life.until is None and found.agreement.until is None
    status: Status = "had" if had else "both" if on_both else "signed"
    return Application(life, found.agreement, status, at_least, found.rule, found.score, found.evidence)


def _had(life: Life, agreement: Life) -> bool:
    """Was the agreement there before the application, by more than the two lists lag behind each other?"""
    applied, listed, signed = _day(life.first), _day(agreement.first), agreement.last.signed
    if listed >= applied:
        return False
    return (applied - listed).days > LAG_DAYS or (signed is not None and (applied - signed).days > LONG_DAYS)


def _exact(waiting: Sequence[Life], agreements: Sequence[Life]) -> dict[str, _Found]:
    """State, name and support type are the same in some printing of each; the agreement that follows."""
    by_key: dict[Key, list[Life]] = defaultdict(list)
    for agreement in sorted(agreements, key=lambda life: (life.first, life.agreement_id)):
        for key in agreement.keys:
            by_key[key].append(agreement)
    found: dict[str, _Found] = {}
    taken: set[str] = set()
    for life in waiting:
        here = {one.agreement_id: one for key in sorted(life.keys) for one in by_key.get(key, ())}
        free = [one for one in here.values() if one.agreement_id not in taken]
        if not free:
            continue
        chosen = min(free, key=lambda one: _preference(life, one))
        taken.add(chosen.agreement_id)
        found[life.agreement_id] = _Found(chosen, "exact", 1.0)
    return found


def _preference(life: Life, agreement: Life) -> tuple[bool, int, str]:
    """Those that follow the application come first, the nearest of them before all."""
    apart = (_day(agreement.first) - _day(life.first)).days
    return apart < -LAG_DAYS, abs(apart), agreement.agreement_id


def _alike(
    waiting: Sequence[Life], agreements: Sequence[Life], exact: dict[str, _Found]
) -> dict[str, _Found]:
    """The others, by the rules of identity: an agency's name is corrected between the two lists too."""
    taken = {found.agreement.agreement_id for found in exact.values()}
    rows = [life for life in waiting if life.agreement_id not in exact]
    free = sorted(
        (one for one in agreements if one.agreement_id not in taken), key=lambda life: life.agreement_id
    )
    known = [Known(one.agreement_id, one.agency_id, replace(one.last, signed=None)) for one in free]
    standing: dict[tuple[str, str], set[str]] = defaultdict(set)
    for found in exact.values():
        for state, name, model in found.agreement.keys:
            standing[state, name].add(model)
    context = Context(
        standing={place: frozenset(models) for place, models in standing.items()},
        together=_Together([*_numbered(waiting, agreements)]),
    )
    matches = identify([replace(life.last, signed=None) for life in rows], known, context)
    return {
        rows[match.row].agreement_id: _Found(free[match.known], match.rule, match.score, match.evidence)
        for match in matches
        if match.known is not None
    }


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
