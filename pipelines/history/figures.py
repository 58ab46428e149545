"""Figures over time: what each accepted list counted, and what a period's changes add up to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, case, func, select

from pipelines.history.changes import KIND, NEW_AGENCY, NEWLY_SIGNED, ChangeFilter
from pipelines.history.publications import ACCEPTED, stamp
from pipelines.tables import changes, intervals, publications, runs, settlements

PRESENCE = ("added", "removed", "returned")


@dataclass(frozen=True, slots=True)
class Totals:
    """What one accepted publication counts. `counts` are its changes by kind, none for a list's first one."""

    list: str
    place: str
    published_at: datetime
    captured_at: datetime
    published_name: str
    sha256: str
    agreements: int
    agencies: int
    by_state: Mapping[str, int]
    by_support_type: Mapping[str, int]
    counts: Mapping[str, int]

    @property
    def states(self) -> int:
        """How many states and territories; rows without one are none."""
        return len([state for state, count in self.by_state.items() if state and count])


@dataclass(frozen=True, slots=True)
class Batch:
    """What the changes of a period add up to.

    `new_agencies` are distinct agencies; `new_agency_agreements` are the agreements that they brought. Of the added,
    `possibly_corrected` may be agreements that left under another name, and of `settled_later` a later list said more.
    """

    counts: Mapping[str, int]
    newly_signed: int
    new_agencies: int
    new_agency_agreements: int
    possibly_corrected: int
    settled_later: int
    by_state: Mapping[str, int] = field(default_factory=dict)
    by_support_type: Mapping[str, int] = field(default_factory=dict)


def totals_between(
    connection: Connection, list_name: str, since: datetime | None = None, until: datetime | None = None
) -> list[Totals]:
    """The accepted publications of a list from `since` on and before `until`, oldest first."""
    query = _accepted(list_name).order_by(publications.c.place)
    if since is not None:
        query = query.where(publications.c.place >= stamp(since))
    if until is not None:
        query = query.where(publications.c.place < stamp(until))
    return [_totals(row) for row in connection.execute(query)]


def agreements_over_time(
    connection: Connection, list_name: str, state: str | None = None
) -> list[tuple[str, int]]:
    """(place, agreements) of each accepted publication whose number differs from the one before; of one state's."""
    p = publications.c
    number = p.agreements if state is None else func.coalesce(p.by_state[state].as_integer(), 0)
    rows = connection.execute(_accepted(list_name).with_only_columns(p.place, number).order_by(p.place))
    found: list[tuple[str, int]] = []
    for place, count in rows:
        if not found or found[-1][1] != count:
            found.append((place, count))
    return found


def totals_before(connection: Connection, list_name: str, until: datetime | None = None) -> Totals | None:
    """The accepted publication that stood just before `until` (the newest one when None)."""
    query = _accepted(list_name).order_by(publications.c.place.desc()).limit(1)
    if until is not None:
        query = query.where(publications.c.place < stamp(until))
    row = connection.execute(query).first()
    return _totals(row) if row else None


def first_totals(connection: Connection, list_name: str) -> Totals | None:
    """The first accepted publication of a list."""
    row = connection.execute(_accepted(list_name).order_by(publications.c.place).limit(1)).first()
    return _totals(row) if row else None


def _accepted(list_name: str) -> Select[Any]:
    return select(publications).where(
        publications.c.list == list_name,
        publications.c.state.in_(ACCEPTED),
        publications.c.agreements.is_not(None),
    )


def _totals(row: Row[Any]) -> Totals:
    return Totals(
        row.list,
        row.place,
        row.published_at,
        row.captured_at,
        row.published_name,
        row.sha256,
        row.agreements,
        row.agencies,
        row.by_state or {},
        row.by_support_type or {},
        row.counts or {},
    )


def publications_between(
    connection: Connection, list_name: str, since: datetime, until: datetime
) -> Sequence[Row[Any]]:
    """Every publication of a period, whatever became of it, oldest first."""
    return connection.execute(
        select(publications)
        .where(
            publications.c.list == list_name,
            publications.c.place >= stamp(since),
            publications.c.place < stamp(until),
        )
        .order_by(publications.c.place)
    ).all()


def batch(connection: Connection, wanted: ChangeFilter) -> Batch:
    """Count the changes that `wanted` names; states and support types are those of the added ones."""
    c = changes.c
    counted = connection.execute(select(KIND, func.count()).where(*wanted.where()).group_by(KIND))
    added = (*wanted.where(), c.kind == "added")
    judged = changes.outerjoin(settlements, settlements.c.change_id == c.id)
    newly = connection.scalar(select(func.count()).select_from(judged).where(*added, NEWLY_SIGNED))
    agencies, brought = connection.execute(
        select(func.count(c.agency_id.distinct()), func.count()).select_from(judged).where(*added, NEW_AGENCY)
    ).one()
    open_pairs, settled = connection.execute(
        select(func.count(case((settlements.c.pair.is_not(None), 1))), func.count(settlements.c.settled_at))
        .select_from(judged)
        .where(*added)
    ).one()
    return Batch(
        {row[0]: row[1] for row in counted},
        newly or 0,
        agencies,
        brought,
        open_pairs,
        settled,
        _grouped(connection, c.state, added),
        _grouped(connection, c.support_type, added),
    )


def _grouped(connection: Connection, column: Any, tests: Sequence[Any]) -> dict[str, int]:
    found = Counter(
        {value or "": count for value, count in connection.execute(
            select(column, func.count()).where(*tests).group_by(column)
        )}
    )  # fmt: skip
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def passing(connection: Connection, wanted: ChangeFilter) -> tuple[int, int]:
    """Of a period, how many agreements were lost and regained, and how many came and went again.

    Both are in the counts of the period and make no difference to its totals.
    """
    c = changes.c
    often = (
        select(c.agreement_id)
        .where(*wanted.where(), c.kind.in_(PRESENCE))
        .group_by(c.agreement_id)
        .having(func.count() > 1)
    )
    lives: dict[str, list[str]] = defaultdict(list)
    for identifier, kind in connection.execute(
        select(c.agreement_id, c.kind)
        .where(*wanted.where(), c.kind.in_(PRESENCE), c.agreement_id.in_(often))
        .order_by(c.place, c.seq)
    ):
        lives[identifier].append(kind)
    regained = came_and_went = 0
    for kinds in lives.values():
        lost = kinds.count("removed")
        gained = len(kinds) - lost
        if kinds[0] == "removed":
            regained += min(lost, gained)
        else:
            came_and_went += min(lost, gained)
    return regained, came_and_went


@dataclass(frozen=True, slots=True)
class Addition:
    """An agreement's first appearance on a list, as far as counting it goes."""

    published_at: datetime
    agency_id: str
    newly_signed: bool
    new_agency: bool


def additions(
    connection: Connection, list_name: str, since: datetime | None = None, until: datetime | None = None
) -> list[Addition]:
    """Every addition to a list, in order of publication."""
    wanted = ChangeFilter((list_name,), since, until, kinds=("added",))
    c = changes.c
    rows = connection.execute(
        select(c.place, c.agency_id, NEWLY_SIGNED, NEW_AGENCY)
        .outerjoin(settlements, settlements.c.change_id == c.id)
        .where(*wanted.where())
        .order_by(c.place, c.seq)
    ).all()
    at = cache(lambda place: datetime.fromisoformat(place[:20]))  # once per publication, not per change
    return [Addition(at(row[0]), row[1], bool(row[2]), bool(row[3])) for row in rows]


def agencies_together(connection: Connection, lists: Sequence[str]) -> list[tuple[str, int]]:
    """How many different agencies stand on any of the lists, at every place where that number turns."""
    c = intervals.c
    turns: dict[str, Counter[str]] = defaultdict(Counter)
    rows = connection.execute(select(c.agency_id, c.from_place, c.until_place).where(c.list.in_(lists))).all()
    for agency, first, until in rows:
        turns[first][agency] += 1
        if until is not None:
            turns[until][agency] -= 1
    standing: Counter[str] = Counter()
    count = 0
    counted: list[tuple[str, int]] = []
    for place in sorted(turns):
        for agency, turn in turns[place].items():
            count += (standing[agency] + turn > 0) - (standing[agency] > 0)
            standing[agency] += turn
        if not counted or counted[-1][1] != count:
            counted.append((place, count))
    return counted


def looks_by_outcome(connection: Connection) -> dict[tuple[str, str, str], tuple[int, float]]:
    """How many looks at a list, asked for by a trigger, ended with an outcome; and their seconds in all."""
    rows = connection.execute(
        select(runs.c.list, runs.c.trigger, runs.c.outcome, func.count(), func.sum(runs.c.seconds))
        .where(runs.c.ended_at.is_not(None))
        .group_by(runs.c.list, runs.c.trigger, runs.c.outcome)
    )
    return {
        (name, trigger, outcome): (count, seconds or 0.0) for name, trigger, outcome, count, seconds in rows
    }


def changes_by_kind(connection: Connection) -> dict[tuple[str, str], int]:
    """Counted by publication when it was recorded, so that nobody counts a million changes to show a metric."""
    total: Counter[tuple[str, str]] = Counter()
    accepted = publications.c.state == "recorded"
    for name, counts in connection.execute(
        select(publications.c.list, publications.c.counts).where(accepted)
    ):
        total.update({(name, kind): count for kind, count in (counts or {}).items()})
    return dict(total)
