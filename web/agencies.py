"""Agencies: search, and the life of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from pipelines.history.agencies import FOUND, Held, Life, agency_life, find_agencies, places_of
from pipelines.history.changes import ChangeFilter, read_changes
from web.context import room_of
from web.filters import is_web_address
from web.rendering import page

router = APIRouter(include_in_schema=False)
CHANGES = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One agreement on the time line: its bars as (from, width) in hundredths of the whole."""

    list: str
    agreement_id: str
    newest: Held
    bars: Sequence[tuple[float, float]]
    first: str
    until: str | None
    periods: Sequence[Held]


@dataclass(frozen=True, slots=True)
class TimeLine:
    """Places on it are per cent of the time from `first` to `last`; `years` are where each begins."""

    first: date
    last: date
    lines: Sequence[Line]
    years: Sequence[tuple[int, float]]


@router.get("/agencies")
def search(request: Request) -> HTMLResponse:
    text = request.query_params.get("q", "")[:200].strip()
    found = []
    if text:
        with room_of(request).house.engine.connect() as connection:
            found = find_agencies(connection, text)
    return page(request, "agencies.html", text=text, found=found, limit=FOUND)


@router.get("/agencies/{agency_id}")
def agency(request: Request, agency_id: str) -> HTMLResponse:
    room = room_of(request)
    with room.house.engine.connect() as connection:
        life = agency_life(connection, agency_id)
        if life is None:
            raise HTTPException(404, f"No agency is called {agency_id[:40]}.")
        changes = [
            change
            for identifier in life.ids
            for change in read_changes(
                connection, ChangeFilter(agency_id=identifier), pending_of=room.pending_of, limit=CHANGES,
                newest_first=True,
            )
        ]  # fmt: skip
        files = places_of(connection, {(item.list, item.stored.since) for item in life.held})
    changes.sort(key=lambda change: change.cursor, reverse=True)
    newest = max(life.held, key=lambda item: (item.until is None, item.stored.since)).stored.agreement
    return page(
        request,
        "agency.html",
        agency_id=agency_id,
        newest=newest,
        life=life,
        time_line=time_line(life, room.house.now()),
        changes=changes,
        files=files,
        documents=_documents(life),
    )


def time_line(life: Life, now: datetime) -> TimeLine:
    first = min(date.fromisoformat(item.stored.since[:10]) for item in life.held)
    ends = [date.fromisoformat(item.until[:10]) if item.until else now.date() for item in life.held]
    last = max(*ends, first) if ends else first
    span = max((last - first).days, 1)

    def at(place: str | None) -> float:
        return (
            100.0 if place is None else round(100 * (date.fromisoformat(place[:10]) - first).days / span, 2)
        )

    lines = []
    for (name, identifier), group in groupby(life.held, lambda item: (item.list, item.stored.agreement_id)):
        periods = list(group)
        bars = [(at(begin), max(at(end) - at(begin), 0.3)) for begin, end in _unbroken(periods)]
        lines.append(
            Line(name, identifier, periods[-1], bars, periods[0].stored.since, periods[-1].until, periods)
        )
    lines.sort(key=lambda line: (line.until is not None, line.first, line.agreement_id))
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
