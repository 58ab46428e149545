"""What the guard may know of a list besides its figures, and what follows from it by counting."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

import us

from pipelines.values import Agreement, Change, Figures, Kind, Older, Turnover
from scraper.lists import PublishedList

# Seven real lists were emptied, and each time nine of ten rows stood in the sister list under the very same key.
EXPLAINED_SHARE = 0.8
# An old copy of this list, whose rows are in the sister list by now, and not that list itself.
OLDER_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one list and its comparison with the last accepted one.

    `fields` have a column in this list; `missing_columns` are declared and have none. `other_fields` and `other_rows`
    are those of the last accepted publication of the sister list, and `in_other` the ids of the agreements among
    `changes` that stand in it (of a list without rows: or in one of the two days after). `unreadable` counts, by
    field, the rows whose text could not be read.
    `repeated` counts the rows that say exactly what another row said. `page_total` is how many agreements
    the publisher's page states for this list, as of `page_dated`. `older` tells a file off the live page that was
    changed last before the last accepted list. `same_as` is when the same content was
    published before (not by the last accepted list), `same_file` whether in the very same bytes, and
    `served_for` how long it has been served since it came back.
    `history` holds (rows before, rows removed) of the accepted publications of the past; `turnovers` what each
    publication of a list with a key of its own would have changed, whether it was believed or not.
    """

    changes: Sequence[Change] = ()
    fields: frozenset[str] = frozenset()
    missing_columns: tuple[str, ...] = ()
    other_fields: frozenset[str] = frozenset()
    other_rows: int = 0
    in_other: frozenset[str] = frozenset()
    unreadable: Mapping[str, int] = field(default_factory=dict)
    repeated: int = 0
    page_total: int | None = None
    page_dated: datetime | None = None
    published_at: datetime | None = None
    last_published_at: datetime | None = None
    older: Older | None = None
    same_as: datetime | None = None
    same_file: bool = False
    served_for: timedelta = timedelta()
    history: Sequence[tuple[int, int]] = ()
    turnovers: Sequence[Turnover] = ()


@dataclass(frozen=True)
class Case:
    """A list before the guard. What is counted here is counted once, and only when a check asks for it."""

    figures: Figures
    previous: Figures | None
    declaration: PublishedList
    facts: Facts

    def of_kind(self, kind: Kind) -> list[Change]:
        return [change for change in self.facts.changes if change.kind == kind]

    @cached_property
    def in_sister(self) -> list[Change]:
        """What was removed and stands in the sister list."""
        gone = self.of_kind("removed")
        return [change for change in gone if change.agreement_id in self.facts.in_other]

    @property
    def emptied(self) -> bool:
        """Whether a list without rows is one whose rows went over to the sister list."""
        before = self.previous.rows if self.previous else 0
        explained = len(self.in_sister) >= EXPLAINED_SHARE * before > 0
        return self.figures.rows == 0 and explained

    @cached_property
    def lost(self) -> list[Agreement]:
        """Removed, and not simply gone to the sister list."""
        gone = (
            change for change in self.of_kind("removed") if change.agreement_id not in self.facts.in_other
        )
        return [change.before for change in gone if change.before]

    @cached_property
    def lost_by_state(self) -> Counter[str]:
        return Counter(agreement.state or "" for agreement in self.lost)

    @cached_property
    def kept(self) -> int:
        """How many rows of the last accepted list are in this one."""
        return (self.previous.rows if self.previous else 0) - len(self.of_kind("removed"))

    @cached_property
    def came_from_other(self) -> int:
        """An application that comes back from among the agreements is the same sign as one that is new."""
        came = self.of_kind("added") + self.of_kind("returned")
        return sum(change.agreement_id in self.facts.in_other for change in came)

    @cached_property
    def came_back(self) -> int:
        """Of those, the ones that had been in this list and left it."""
        return sum(change.agreement_id in self.facts.in_other for change in self.of_kind("returned"))

    @property
    def is_older_copy(self) -> bool:
        """Whether what looks like rows of the sister list had mostly stood on this one, and is far from all of hers."""
        own_columns = self.previous is None or ("signed" in self.facts.fields) == (
            "signed" in self.previous.filled
        )
        mostly = self.came_back >= OLDER_SHARE * self.came_from_other
        return own_columns and mostly and self.figures.rows < OLDER_SHARE * self.facts.other_rows

    @cached_property
    def states_gone(self) -> list[str]:
        """States of the last list that have no row left, in the order in which a list prints them."""
        before = self.previous.by_state if self.previous else {}
        return sorted((state for state in before if not self.figures.by_state.get(state)), key=state_name)

    @cached_property
    def edited(self) -> Counter[str]:
        """Field -> on how many agreements it says something else now."""
        return Counter(name for change in self.facts.changes if change.before for name in change.fields)

    @cached_property
    def moves(self) -> Counter[tuple[str, str, str]]:
        """(field, value before, value after) -> on how many agreements; for state, support type and date."""
        return Counter(_moves(self.facts.changes))


def state_name(state: str) -> str:
    """Texas for TX; what is no state's abbreviation stays as it is."""
    return _STATE_NAMES.get(state, state)


_STATE_NAMES: Mapping[str, str] = us.states.mapping("abbr", "name")
_MOVING = ("support_type", "state", "signed")


def _moves(changes: Sequence[Change]) -> Iterator[tuple[str, str, str]]:
    """Of agreements that were recognised, and of pairs that went and came with nothing else different."""
    for change in changes:
        if change.before and change.after:
            for name in _MOVING:
                if name in change.fields:
                    yield name, _said(change.before, name), _said(change.after, name)
    gone = [change.before for change in changes if change.kind == "removed" and change.before]
    come = [change.after for change in changes if change.kind == "added" and change.after]
    for name in _MOVING:
        if not gone or not come:
            return
        waiting: defaultdict[Hashable, list[Agreement]] = defaultdict(list)
        for agreement in gone:
            waiting[_without(agreement, name)].append(agreement)
        paired = set()
        for agreement in come:
            if partners := waiting[_without(agreement, name)]:
                yield name, _said(partners[-1], name), _said(agreement, name)
                paired |= {id(agreement), id(partners.pop())}
        gone = [agreement for agreement in gone if id(agreement) not in paired]
        come = [agreement for agreement in come if id(agreement) not in paired]


def _said(agreement: Agreement, name: str) -> str:
    return str(getattr(agreement, name) or "")


def _without(agreement: Agreement, name: str) -> Hashable:
    whole = {"agency": agreement.agency.casefold()} | {one: _said(agreement, one) for one in _MOVING}
    return tuple(value for key, value in whole.items() if key != name)
