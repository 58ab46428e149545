"""Every look, and one more now: started from here, followed while it goes on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from pipelines.history.looks import recent_runs
from scraper.errors import UsageError
from web.context import room_of
from web.crawls import BusyError
from web.rendering import page
from web.sign_in import Acting, RefusedActionError

router = APIRouter(include_in_schema=False)
RUNS = 100
BUSY = "A look is going on. It is shown below; start another one when it has ended."


@router.get("/runs")
def runs(request: Request) -> HTMLResponse:
    room, asked = room_of(request), request.query_params
    name = asked.get("list") or None
    if name:
        room.house.chosen([name])
    before = asked.get("before", "")
    if before and not (before.isascii() and before.isdigit() and len(before) < 18):
        raise UsageError("This is not the address of a page. Begin again with the first one.")
    with room.house.engine.connect() as connection:
        found = recent_runs(connection, name, RUNS + 1, int(before) if before else None)
    progress = room.crawls.progress()
    older = found[RUNS - 1].id if len(found) > RUNS else None
    return page(
        request, "runs.html", live=True, found=found[:RUNS], older=older,
        chosen=name, progress=progress, running=room.crawls.running,
    )  # fmt: skip


@router.post("/crawl")
async def crawl(
    request: Request, person: Acting, name: Annotated[str, Form(alias="list", max_length=64)] = ""
) -> Response:
    room = room_of(request)
    try:
        room.crawls.begin(room.house.chosen([name] if name else []), person.name)
    except BusyError:
        raise RefusedActionError(409, BUSY) from None
    return RedirectResponse("/runs", 303)


@router.get("/runs/progress")
async def progress(request: Request) -> StreamingResponse:
    crawls = room_of(request).crawls

    async def events() -> AsyncIterator[str]:
        async for told in crawls.followed():
            yield f"data: {json.dumps(told)}\n\n"
        yield "event: end\ndata: {}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})
