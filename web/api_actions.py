"""The API for acting: with the token as a bearer, or with the cookie from these pages."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse

from changelog.json import held_json
from pipelines.run import review
from web import api_shapes as shapes
from web.api import WRONG
from web.context import room_of
from web.crawls import BusyError
from web.decisions import decide
from web.runs import BUSY
from web.sign_in import Acting, RefusedActionError

REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"model": shapes.Trouble, "description": text}
    for status, text in (
        (401, "The token is missing or wrong."),
        (403, "Actions are off, or another site asks."),
        (409, "A look is going on."),
        (429, "Too many wrong tokens."),
    )
}
router = APIRouter(prefix="/api/v1", responses=WRONG | REFUSED)
Identifier = Annotated[str, Path(max_length=64)]


@router.post("/crawl", status_code=202, response_model=shapes.Progress)
async def crawl(request: Request, person: Acting, order: shapes.CrawlOrder | None = None) -> JSONResponse:
    """Look at lists now. Refused (409) while a look goes on; follow it at /api/v1/crawl."""
    room = room_of(request)
    chosen = room.house.chosen(order.lists if order else [])
    try:
        room.crawls.begin(chosen, person.name)
    except BusyError:
        raise RefusedActionError(409, BUSY) from None
    return JSONResponse(room.crawls.progress(), 202)


@router.get("/crawl", response_model=shapes.Progress)
def progress(request: Request) -> JSONResponse:
    """How far the look that was started last from here has come."""
    return JSONResponse(room_of(request).crawls.progress())


@router.post("/held/{identifier}/accept", response_model=shapes.Held)
def accept(
    request: Request, person: Acting, identifier: Identifier, verdict: shapes.Verdict | None = None
) -> JSONResponse:
    """Believe a held list."""
    note = verdict.note if verdict else ""
    return JSONResponse(held_json(decide(room_of(request).house, identifier, "accept", person.name, note)))


@router.post("/held/{identifier}/reject", response_model=shapes.Held)
def reject(request: Request, person: Acting, identifier: Identifier, verdict: shapes.Verdict) -> JSONResponse:
    """Put a held list aside for good; the note says why."""
    return JSONResponse(
        held_json(decide(room_of(request).house, identifier, "reject", person.name, verdict.note))
    )


@router.post("/reviews", response_model=list[str])
def reviews(request: Request, person: Acting, order: shapes.ReviewOrder) -> JSONResponse:
    """A person's verdict on changes; "undone" takes it back. Answers with the ids."""
    review(room_of(request).house, order.changes, order.status, person.name, order.note)
    return JSONResponse(order.changes)
