"""A public statement held against the lists."""

from __future__ import annotations

from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from changelog.claims import check_claim
from web.context import Room, room_of
from web.rendering import page
from web.reports import day_of

router = APIRouter(include_in_schema=False)
LONGEST = 2_000


def checked(room: Room, text: str, as_of: date | None, list_name: str | None = None) -> dict[str, Any]:
    room.house.chosen([list_name] if list_name else [])
    with room.house.engine.connect() as connection:
        return check_claim(connection, room.house.lists, text[:LONGEST], as_of, list_name)


@router.get("/claim")
def claim(request: Request) -> HTMLResponse:
    asked = request.query_params
    text, as_of = asked.get("text", "").strip(), asked.get("as_of") or None
    found = checked(room_of(request), text, day_of(as_of) if as_of else None) if text else None
    return page(request, "claim.html", text=text[:LONGEST], as_of=as_of, found=found, longest=LONGEST)
