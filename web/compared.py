"""Two dates of one list, side by side."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from changelog.wording import end_of
from pipelines.history.compared import differing
from pipelines.history.figures import first_totals, totals_before
from web.context import room_of
from web.rendering import page

router = APIRouter(include_in_schema=False)
SHOWN = 2_000


@router.get("/compare")
def compare(request: Request) -> HTMLResponse:
    room, asked = room_of(request), request.query_params
    name = asked.get("list") or next(iter(room.house.lists))
    [item] = room.house.chosen([name])
    one, other = asked.get("from") or None, asked.get("to") or None
    if one and other and end_of(one, item.time_zone) > end_of(other, item.time_zone):
        one, other = other, one
    with room.house.engine.connect() as connection:
        first = first_totals(connection, name)
        earlier = totals_before(connection, name, end_of(one, item.time_zone)) if one else None
        later = totals_before(connection, name, end_of(other, item.time_zone) if other else None)
        pairs = (
            differing(connection, name, earlier.place, later.place)
            if earlier and later and earlier.place < later.place
            else []
        )
    return page(
        request, "compare.html", item=item, first=first, earlier=earlier, later=later, one=one, other=other,
        pairs=pairs[:SHOWN], left_out=max(len(pairs) - SHOWN, 0), counts=Counter(pair.kind for pair in pairs),
    )  # fmt: skip
