"""What later lists say of earlier changes: dates that could not be, and two changes that may be one agreement.

A pure function of everything a list ever said, so it does not matter what was learned when. A change stays as it was
printed; what is said here stands beside it, and is worked out again whenever the list says something new.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain
from typing import Literal, NamedTuple

from pipelines.applications import Life, Printing
from pipelines.identify.surroundings import Place, address, place_of
from pipelines.names.gazetteer import squeeze
from pipelines.names.likeness import Name, likeness, read_name, reality, same_kind, same_level
from pipelines.publication_time import days_named
from pipelines.values import REPEATED, Agreement

Verdict = Literal["open", "one", "two", "dated"]
# A signing date is a year too early when, so many years later, it lies this short before the list.
SLIP_DAYS = 2
EARLY = timedelta(days=-1)  # lists are dated in UTC, agreements where they are signed
# How long two names of one agreement stood side by side at most.
BESIDE = timedelta(days=120)
# Names less alike than this, at one level, are two; those more alike were left to identity, which did not believe it.
ALIKE = 0.5
_WORD = 4  # letters of a word that says something in a file's name, which is run together


class Event(NamedTuple):
    """An added or removed change as it was judged when it was published."""

    id: str
    kind: str
    place: str
    agreement_id: str
    rule: str
    newly_signed: bool | None
    new_agency: bool | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is held of a change by now. `pair` is the other change, while the two may be one agreement.

    `verdict`: "open", "one" or "two" agreements, or "dated" (a date that could not be was put right).
    """

    change_id: str
    verdict: Verdict
    reason: str
    settled_at: str | None = None
    pair: str | None = None
    newly_signed: bool | None = None
    new_agency: bool | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """Pairs of names that people have called the same agency, or two."""

    same: frozenset[frozenset[Place]] = frozenset()
    distinct: frozenset[frozenset[Place]] = frozenset()


_NOBODY = Judged()


def date_cannot_be(signed: date, published: date) -> bool:
    """Whether the year is probably a slip: some years later, the list would have had it at once; or it is to come."""
    if signed > published - EARLY:
        return True
    years = published.year - signed.year
    return any(
        0 <= (published - _years_later(signed, n)).days <= SLIP_DAYS for n in (years - 1, years) if n > 0
    )


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year + years, day=28)


def newly_signed(
    signed: date | None, published: date, window: timedelta, document: str | None = None
) -> bool | None:
    """Whether the date lies within the window before publication; None when it is missing or cannot be right."""
    if signed is None:
        return None
    if date_cannot_be(signed, published):
        signed = _date_in(document, signed)
        if signed is None:
            return None
    return EARLY <= published - signed <= window


def _date_in(document: str | None, like: date) -> date | None:
    """The date in a document's name that has this day and month, of whatever year."""
    days = {day for day in days_named(_file(document)) if (day.month, day.day) == (like.month, like.day)}
    return days.pop() if len(days) == 1 else None


def _file(document: str | None) -> str:
    return address(document).rsplit("/", 1)[-1].rpartition(".")[0]


def settle(
    events: Sequence[Event], lives: Mapping[str, Life], window: timedelta, judged: Judged = _NOBODY
) -> list[Settlement]:
    """Everything there is to say by now of the changes of one list, in the order of their ids."""
    known = [event for event in events if event.agreement_id in lives and event.rule != REPEATED]
    found: dict[str, Settlement] = {}
    for pair in chain(_replaced(known, lives), _beside(known, lives)):
        if pair.gone.id not in found and pair.came.id not in found:
            found |= {one.change_id: one for one in _judged(pair, judged)}
    for event in known:
        undated = event.kind == "added" and event.newly_signed is None and event.id not in found
        if undated and (dated := _dated(event, lives[event.agreement_id], window)):
            found[event.id] = dated
    return [found[identifier] for identifier in sorted(found)]


def _dated(event: Event, life: Life, window: timedelta) -> Settlement | None:
    published, first = _day(event.place), None
    for printing in life.printings:
        if printing.since < event.place:
            continue
        signed = printing.agreement.signed
        first = first or signed
        if signed and not date_cannot_be(signed, published):
            how = f"the list of {printing.since[:10]} dates it {signed}"
        elif first and (named := _date_in(printing.agreement.moa, first)):
            signed, how = named, f"its document's name bears the date {named}"
        else:
            continue
        new = EARLY <= published - signed <= window
        return Settlement(event.id, "dated", how, printing.since, None, new, event.new_agency)
    return None


@dataclass(frozen=True, slots=True)
class _Pair:
    """A removed change and an added one that may be one agreement; `stays` is the life that is still listed."""

    gone: Event
    came: Event
    left: Life
    stays: Life
    evidence: tuple[str, ...]
    together: bool


def _replaced(events: Sequence[Event], lives: Mapping[str, Life]) -> Iterator[_Pair]:
    """An agreement without a document was replaced, in one list, by the only one with its state, model and date."""
    by_key: dict[tuple[object, ...], list[tuple[Event, Agreement]]] = defaultdict(list)
    for event in events:
        said = _said(event, lives)
        if said and said.signed:
            by_key[event.place, said.state, said.support_type, said.signed].append((event, said))
    for group in by_key.values():
        gone = [one for one in group if one[0].kind == "removed"]
        came = [one for one in group if one[0].kind == "added"]
        if len(gone) == len(came) == 1:
            (removed, before), (added, after) = gone[0], came[0]
            left = lives[removed.agreement_id]
            county = _county(before), _county(after)
            unlinked = not any(address(printing.agreement.moa) for printing in left.printings)
            if unlinked and (not all(county) or county[0] == county[1]) and _another_body(before, after):
                evidence = (
                    "the only one that left and the only one that came with this state, support type and date",
                    "no document yet",
                    *(["same county"] if all(county) else []),
                )
                yield _Pair(removed, added, left, lives[added.agreement_id], evidence, together=False)


def _another_body(before: Agreement, after: Agreement) -> bool:
    """Of another level or kind; or too alike for two agencies, and not enough for one."""
    one, other = _name(before), _name(after)
    if not same_level(one, other) or not same_kind(one, other):
        return True
    return likeness(one, other) >= ALIKE and not all(reality(one, other, after.state))


def _beside(events: Sequence[Event], lives: Mapping[str, Life]) -> Iterator[_Pair]:
    """Two names stood side by side with one document, or one in other words than the other; then one went."""
    by_state: dict[tuple[str | None, str | None], list[Life]] = defaultdict(list)
    for life in lives.values():
        for key in {(one.agreement.state, one.agreement.support_type) for one in life.printings}:
            by_state[key].append(life)
    added = {event.agreement_id: event for event in events if event.kind == "added"}
    for event in events:
        if event.kind != "removed" or not (before := _said(event, lives)):
            continue
        others = [
            (life, why)
            for life in by_state[before.state, before.support_type]
            if life.agreement_id != event.agreement_id
            and (there := _at(life, event.place))
            and (why := _one_of_two(before, there.agreement))
        ]
        if len(others) != 1:
            continue
        [(stays, why)] = others
        begun = [one for life in (event.agreement_id, stays.agreement_id) if (one := added.get(life))]
        second = max(begun, key=lambda one: one.place, default=None)
        left = lives[event.agreement_id]
        if second and _day(event.place) - _day(second.place) <= BESIDE and stays.first < event.place:
            yield _Pair(event, second, left, stays, (why, "both names stood side by side"), together=True)


def _one_of_two(before: Agreement, other: Agreement) -> str | None:
    documents = address(before.moa), address(other.moa)
    if all(documents):
        return "one document" if documents[0] == documents[1] else None
    one, two = _name(before), _name(other)
    same_words = (
        bool(one.words) and one.essence == two.essence and same_kind(one, two) and same_level(one, two)
    )
    dates = {before.signed, other.signed} - {None}
    return "one name in other words" if same_words and len(dates) < 2 else None


def _judged(pair: _Pair, judged: Judged) -> tuple[Settlement, Settlement]:
    told = _told(pair, judged)
    reason = "; ".join(pair.evidence)
    if told is None:
        return (
            Settlement(pair.gone.id, "open", reason, None, pair.came.id),
            Settlement(pair.came.id, "open", reason, None, pair.gone.id, None, new_agency=False),
        )
    verdict, why, at = told
    gone = Settlement(pair.gone.id, verdict, f"{why} ({reason})", at)
    came = replace(gone, change_id=pair.came.id)
    if verdict == "two":
        return gone, replace(came, newly_signed=pair.came.newly_signed, new_agency=pair.came.new_agency)
    return gone, replace(came, newly_signed=False, new_agency=False)


def _told(pair: _Pair, judged: Judged) -> tuple[Verdict, str, str] | None:
    """What settles it: a person, the one that went coming back, or the name of a document."""
    one, other = pair.left.last, pair.stays.last
    names = frozenset({place_of(one), place_of(other)})
    if names in judged.distinct or names in judged.same:
        return ("two" if names in judged.distinct else "one"), "a person said so", pair.gone.place
    for printing in pair.left.printings:
        if printing.since > pair.gone.place and _at(pair.stays, printing.since):
            return "two", f"“{one.agency}” came back beside it", printing.since
    for printing in pair.stays.printings:
        if told := _by_document(pair, printing, one, other):
            return (*told, max(printing.since, pair.gone.place))
    return None


def _by_document(
    pair: _Pair, printing: Printing, gone: Agreement, stays: Agreement
) -> tuple[Verdict, str] | None:
    """The one that stays has a document: whose name is in its file's name?"""
    file = squeeze(_file(printing.agreement.moa))
    if not file or (not pair.together and printing.until is not None and printing.until <= pair.gone.place):
        return None
    of_gone, of_stays = (_named(_name(side), file) for side in (gone, stays))
    if pair.together and of_gone and not of_stays:
        return None  # whose document the other one has by mistake cannot be told
    if of_gone or of_stays:
        named = stays if of_stays else gone
        return "one", f"the document is named after “{named.agency}”"
    return None


def _named(name: Name, file: str) -> bool:
    return bool(name.squeezed) and (
        name.squeezed in file or any(len(word) >= _WORD and word in file for word in name.words)
    )


def _said(event: Event, lives: Mapping[str, Life]) -> Agreement | None:
    """What the list says of an agreement that it adds, or said last of one that it does not have any more."""
    for printing in lives[event.agreement_id].printings:
        if event.place == (printing.since if event.kind == "added" else printing.until):
            return printing.agreement
    return None


def _at(life: Life, place: str) -> Printing | None:
    """What the list at `place` says of an agreement, if it has it."""
    return next(
        (p for p in life.printings if p.since <= place and (p.until is None or p.until > place)), None
    )


def _name(agreement: Agreement) -> Name:
    return read_name(agreement.agency, agreement.state)


def _county(agreement: Agreement) -> str:
    return squeeze(re.sub(r" (county|parish)$", "", (agreement.county or "").casefold()))


def _day(place: str) -> date:
    return date.fromisoformat(place[:10])
