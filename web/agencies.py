"""Agencies: search, and the life of one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from string import ascii_uppercase
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup
from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from changelog.charts.places import TILES, shade_of, step_names, steps_up_to
from changelog.query import state_code
from changelog.wording import state_name
from pipelines.history.agencies import (
    FOUND,
    FoundAgency,
    Held,
    Life,
    agencies_from,
    agency_count,
    agency_life,
    find_agencies,
    places_of,
)
from pipelines.history.agreements import agreements_page, find_publications
from pipelines.history.changes import ChangeFilter, read_change, read_changes
from pipelines.history.figures import Totals, agreements_over_time, totals_before
from scraper.errors import UsageError
from web.context import context_of
from web.maps import drawn_map, state_coverage
from web.query import After, ListName, Words, coded, mark
from web.rendering import Curve, curve, is_web_address, page

router = APIRouter(include_in_schema=False)
CHANGES = 200
EVERY = 2_000  # agencies of one letter


@dataclass(frozen=True, slots=True)
class Line:
    """One agreement on the time line: its bars as (from, width) in hundredths of the whole.

    Where `until` is None, the list still has it as far as anybody saw: in its last publication, at `seen`.
    """

    list: str
    agreement_id: str
    newest: Held
    bars: Sequence[tuple[float, float]]
    first: str
    until: str | None
    seen: str
    applied: bool
    periods: Sequence[Held]


@dataclass(frozen=True, slots=True)
class TimeLine:
    """Places on it are per cent of the time from `first` to `last`; `years` are where each begins."""

    first: date
    last: date
    lines: Sequence[Line]
    years: Sequence[tuple[int, float]]


@router.get("/search")
def search(request: Request, q: Words = None) -> Response:
    """Whatever is called so. What names one thing alone leads there."""
    context, text = context_of(request), " ".join((q or "").split())
    if context.site:
        return page(request, "site_search.html")
    if not text:
        return page(
            request,
            "search.html",
            text="",
            state=None,
            change=None,
            agencies=(),
            in_counties=(),
            publications=(),
        )
    try:
        state = state_code(text)
    except UsageError:
        state = None
    with context.installation.engine.connect() as connection:
        change = read_change(connection, text)
        named = find_agencies(connection, text)
        in_counties = find_agencies(connection, text, by="county")
        files = find_publications(connection, text)
        by_id = agency_life(connection, text)
    alone = {
        *([f"/changes/{change.id}"] if change else []),
        *([f"/agencies/{text}"] if by_id else []),
        *([f"/states/{state}"] if state else []),
        *(f"/agencies/{agency.agency_id}" for agency in (*named, *in_counties)),
        *(f"/publications/{row.key}" for row in files),
    }
    if len(alone) == 1:
        return RedirectResponse(alone.pop(), 303)
    return page(
        request, "search.html", text=text, state=state, change=change, agencies=named, in_counties=in_counties,
        publications=files,
    )  # fmt: skip


@router.get("/agencies")
def all_agencies(
    request: Request, q: Words = None, letter: Annotated[str, Query(max_length=1)] = ""
) -> HTMLResponse:
    """Found by words of a name or by its letter; before that, the letters and the states."""
    context, text = context_of(request), (q or "").strip()
    found: Sequence[FoundAgency] = ()
    states: Sequence[str] = ()
    with context.installation.engine.connect() as connection:
        if text:
            found = find_agencies(connection, text)
        elif letter:
            found = agencies_from(connection, letter, EVERY)
        else:
            newest = [totals_before(connection, name) for name in context.installation.lists]
            states = sorted({s for totals in newest if totals for s in totals.by_state if s}, key=state_name)
    return page(
        request, "agencies.html", text=text, found=found, limit=EVERY if letter else FOUND, letter=letter.upper(),
        letters=ascii_uppercase, states=states,
    )  # fmt: skip


@router.get("/agencies/{agency_id}")
def agency(request: Request, agency_id: str) -> HTMLResponse:
    context = context_of(request)
    with context.installation.engine.connect() as connection:
        life = agency_life(connection, agency_id)
        if life is None:
            raise HTTPException(404, f"No agency is called {agency_id[:40]}.")
        changes = [
            change
            for identifier in life.ids
            for change in read_changes(
                connection, ChangeFilter(agency_id=identifier), limit=CHANGES,
                newest_first=True,
            )
        ]  # fmt: skip
        seen = {item.list: totals_before(connection, item.list) for item in life.held}
        files = places_of(connection, {(item.list, item.stored.since) for item in life.held})
    changes.sort(key=lambda change: change.cursor, reverse=True)
    newest = max(life.held, key=lambda item: (item.until is None, item.stored.since)).stored.agreement
    return page(
        request,
        "agency.html",
        agency_id=agency_id,
        newest=newest,
        life=life,
        time_line=time_line(
            life, {name: totals.place for name, totals in seen.items() if totals}, context.pending_of.values()
        ),
        newest_seen=max((totals.published_at for totals in seen.values() if totals), default=None),
        changes=changes,
        files=files,
        documents=_documents(life),
    )


def time_line(life: Life, seen: Mapping[str, str], applications: Collection[str]) -> TimeLine:
    """`seen` is the place of the newest publication of each list: what is listed there is known until then."""
    first = min(date.fromisoformat(item.stored.since[:10]) for item in life.held)
    ends = [
        date.fromisoformat((item.until or seen.get(item.list) or item.stored.since)[:10])
        for item in life.held
    ]
    last = max(*ends, first)
    span = max((last - first).days, 1)

    def at(place: str) -> float:
        return round(100 * (date.fromisoformat(place[:10]) - first).days / span, 2)

    lines = []
    for (name, identifier), group in groupby(life.held, lambda item: (item.list, item.stored.agreement_id)):
        periods = list(group)
        until = seen.get(name) or periods[-1].stored.since
        bars = [(at(begin), max(at(end or until) - at(begin), 0.3)) for begin, end in _unbroken(periods)]
        lines.append(
            Line(
                name,
                identifier,
                periods[-1],
                bars,
                periods[0].stored.since,
                periods[-1].until,
                until,
                name in applications,
                periods,
            )
        )
    lines.sort(key=lambda line: (line.applied, line.until is not None, line.first, line.agreement_id))
    years = [(year, at(f"{year}-01-01")) for year in range(first.year + 1, last.year + 1)]
    return TimeLine(first, last, lines, years)


def _unbroken(periods: Sequence[Held]) -> list[tuple[str, str | None]]:
    """From when until when it was listed, whatever was printed of it in between."""
    found: list[tuple[str, str | None]] = []
    for period in periods:
        if found and found[-1][1] == period.stored.since:
            found[-1] = (found[-1][0], period.until)
        else:
            found.append((period.stored.since, period.until))
    return found


def _documents(life: Life) -> list[tuple[str, str, Any]]:
    """Every document that was ever linked: its address, which kind, and the period that first had it."""
    found: dict[str, tuple[str, str, Any]] = {}
    for item in sorted(life.held, key=lambda held: held.stored.since):
        for field in ("moa", "addendum"):
            link = getattr(item.stored.agreement, field)
            if link and is_web_address(link):
                found.setdefault(link, (link, field, item))
    return list(found.values())


AGREEMENTS, FEW_AGREEMENTS = 300, 16
STATE_CHANGES = 5


@dataclass(frozen=True, slots=True)
class Tile:
    state: str
    name: str
    column: int
    row: int
    count: int
    shade: int


def tiles(by_state: Mapping[str, int], steps: Sequence[int]) -> list[Tile]:
    """The map. Shade 0 is none; each step of `steps` begins another."""
    return [
        Tile(state, state_name(state), x + 1, y + 1, count, 1 + shade_of(count, steps) if count else 0)
        for state, (x, y) in TILES.items()
        for count in [by_state.get(state, 0)]
    ]


def map_steps(totals: Iterable[Totals]) -> list[int]:
    """The steps that several maps share, so that the same shade says the same on each."""
    return steps_up_to(max([1, *(count for one in totals for count in one.by_state.values())]))


@dataclass(frozen=True, slots=True)
class InList:
    """A state in one list: how many now, how it came to that, who they are."""

    name: str
    count: int
    agencies: int
    curve: Curve | None
    agreements: Any
    more: str | None


@router.get("/states")
def all_states(request: Request) -> HTMLResponse:
    context = context_of(request)
    with context.installation.engine.connect() as connection:
        newest = {name: totals_before(connection, name) for name in context.installation.lists}
    shown = {name: totals for name, totals in newest.items() if totals}
    steps = map_steps(shown.values())
    names = sorted({state for totals in shown.values() for state in totals.by_state if state}, key=state_name)
    return page(
        request,
        "states.html",
        states=names,
        newest=shown,
        maps={name: tiles(totals.by_state, steps) for name, totals in shown.items()},
        legend=step_names(steps),
    )


@router.get("/states/{state}")
def one_state(
    request: Request, state: str, name: ListName = None, after: After = None, show: Literal["", "all"] = ""
) -> HTMLResponse:
    context = context_of(request)
    code, place = state_code(state), mark(after)
    with context.installation.engine.connect() as connection:
        in_lists = [
            _in_list(
                connection,
                listed,
                code,
                place if listed == name else None,
                context.rows(AGREEMENTS if show else FEW_AGREEMENTS),
            )
            for listed in context.installation.lists
        ]
        seen = [totals_before(connection, listed) for listed in context.installation.lists]
        changes = list(
            read_changes(
                connection,
                ChangeFilter(states=(code,)),
                limit=STATE_CHANGES,
                newest_first=True,
            )
        )
    if not changes and not any(item.count or item.curve for item in in_lists):
        raise HTTPException(404, f"No list names a state {state[:40]}.")
    newest = max((totals.published_at for totals in seen if totals), default=None)
    placed = next((one for one in context.installation.lists.values() if one.has_places), None)
    found = drawn_map(context, placed, "level", code) if placed else None
    return page(
        request, "state.html", state=code, in_lists=in_lists, changes=changes, show=show, newest=newest,
        placed=placed, map=Markup(found[0].svg) if found else "", legend=found[0].legend if found else (),  # noqa: S704
        coverage=state_coverage(context, placed, found[1][-1], code) if found and placed else None,
    )  # fmt: skip


def _in_list(connection: Connection, name: str, state: str, after: Any, size: int) -> InList:
    course = agreements_over_time(connection, name, state)
    found, more = agreements_page(connection, name, None, state=state, after=after, limit=size)
    drawn = (
        curve(course, f"{state_name(state)} on the list {name}")
        if any(count for _, count in course)
        else None
    )
    return InList(
        name, course[-1][1] if course else 0, agency_count(connection, name, state), drawn, found, coded(more)
    )
