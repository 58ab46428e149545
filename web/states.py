"""States: all of them on a map of tiles, and one with its agreements and changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from changelog.charts.places import TILES
from changelog.wording import state_name
from pipelines.history.agencies import agency_count
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.history.figures import agreements_over_time, totals_before
from pipelines.history.paged import agreements_page
from web.context import room_of
from web.drawing import Curve, curve
from web.query import coded, mark
from web.rendering import page

router = APIRouter(include_in_schema=False)
AGREEMENTS = 300
CHANGES = 30

SHADES = 5


@dataclass(frozen=True, slots=True)
class Tile:
    state: str
    name: str
    column: int
    row: int
    count: int
    shade: int


def tiles(by_state: dict[str, int]) -> list[Tile]:
    """The map: shade 0 is none, 5 the states with most. Each shade reaches twice as far as the one before."""
    most = max(by_state.values(), default=0)
    steps = [most / 2**power for power in range(SHADES - 1, 0, -1)]
    return [
        Tile(state, state_name(state), x + 1, y + 1, count, 1 + sum(count > s for s in steps) if count else 0)
        for state, (x, y) in TILES.items()
        for count in [by_state.get(state, 0)]
    ]


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
    room = room_of(request)
    with room.house.engine.connect() as connection:
        newest = {name: totals_before(connection, name) for name in room.house.lists}
    shown = {name: totals for name, totals in newest.items() if totals}
    names = sorted({state for totals in shown.values() for state in totals.by_state if state}, key=state_name)
    return page(
        request,
        "states.html",
        states=names,
        newest=shown,
        maps={name: tiles(dict(totals.by_state)) for name, totals in shown.items()},
    )


@router.get("/states/{state}")
def one_state(request: Request, state: str) -> HTMLResponse:
    room = room_of(request)
    state = state.upper()
    asked = request.query_params
    after = mark(asked.get("after"))
    with room.house.engine.connect() as connection:
        in_lists = [
            _in_list(connection, name, state, after if asked.get("list") == name else None)
            for name in room.house.lists
        ]
        changes = list(
            read_changes(
                connection,
                ChangeFilter(states=(state,)),
                pending_of=room.pending_of,
                limit=CHANGES,
                newest_first=True,
            )
        )
    if not changes and not any(item.count or item.curve for item in in_lists):
        raise HTTPException(404, f"No list names a state {state[:40]}.")
    return page(request, "state.html", state=state, in_lists=in_lists, changes=changes)


def _in_list(connection: Connection, name: str, state: str, after: Any) -> InList:
    course = agreements_over_time(connection, name, state)
    found, more = agreements_page(connection, name, None, state=state, after=after, limit=AGREEMENTS)
    drawn = (
        curve(course, f"{state_name(state)} on the list {name}")
        if any(count for _, count in course)
        else None
    )
    return InList(
        name, course[-1][1] if course else 0, agency_count(connection, name, state), drawn, found, coded(more)
    )
