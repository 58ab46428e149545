"""Every look, and one more now: started from here, followed while it goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from sqlalchemy.exc import SQLAlchemyError

from changelog.notices import report_runs
from changelog.status import CONTENT_TYPE, clock_text, metrics, status_json
from changelog.wording import iso
from pipelines.fetch_runs import RunResult, fetch_lists
from pipelines.history.operations import clock_status, recent_runs
from pipelines.installation import Installation
from scraper.errors import DatabaseError
from scraper.lists import PublishedList
from web.context import context_of
from web.query import ListName
from web.rendering import page
from web.security import Text
from web.sign_in import Acting, RefusedActionError

router = APIRouter(include_in_schema=False)
RUNS = 100
BUSY = "A look is going on. It is shown below; start another one when it has ended."


@router.get("/runs")
def runs(
    request: Request, name: ListName = None, before: Annotated[int | None, Query(ge=0, lt=2**62)] = None
) -> HTMLResponse:
    context = context_of(request)
    if name:
        context.installation.chosen([name])
    with context.installation.engine.connect() as connection:
        found = recent_runs(connection, name, RUNS + 1, before)
    progress = context.crawls.progress()
    older = found[RUNS - 1].id if len(found) > RUNS else None
    return page(
        request, "runs.html", live=True, found=found[:RUNS], older=older,
        chosen=name, progress=progress, running=context.crawls.running,
    )  # fmt: skip


@router.post("/crawl")
async def crawl(
    request: Request, person: Acting, name: Annotated[Text, Form(alias="list", max_length=64)] = ""
) -> Response:
    context = context_of(request)
    try:
        context.crawls.begin(context.installation.chosen([name] if name else []), person.name)
    except BusyError:
        raise RefusedActionError(409, BUSY) from None
    return RedirectResponse("/runs", 303)


@router.get("/runs/progress")
async def progress(request: Request) -> StreamingResponse:
    crawls = context_of(request).crawls

    async def events() -> AsyncIterator[str]:
        async for told in crawls.followed():
            yield f"data: {json.dumps(told)}\n\n"
        yield "event: end\ndata: {}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


TICK_SECONDS = 0.4


class BusyError(Exception):
    """A look is going on; only one at a time is started from here."""


class Crawls:
    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._task: asyncio.Task[None] | None = None
        self._lists: Sequence[PublishedList] = ()
        self._looks: Sequence[RunResult] = ()
        self._failed = ""
        self.began: datetime | None = None

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    def begin(self, lists: Sequence[PublishedList], by: str) -> None:
        """Start to look at `lists`; raises BusyError while another look goes on."""
        if self.running:
            raise BusyError
        self._lists, self._looks, self._failed = lists, (), ""
        self.began = self._installation.now()
        self._task = asyncio.get_running_loop().create_task(self._look(lists, by))

    async def _look(self, lists: Sequence[PublishedList], by: str) -> None:
        try:
            self._looks = await fetch_lists(self._installation, lists, "person", by)
            await report_runs(self._installation, self._looks)
        except Exception as error:
            # Whoever watches the page is told; the log has the rest.
            self._failed = f"The look broke off: {error}"
            raise

    async def end(self) -> None:
        """Break off a look when the page closes; its lease is given back."""
        if self._task is not None and self.running:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def progress(self) -> dict[str, Any]:
        """How far the look has come, list by list."""
        looks = {look.list: look for look in self._looks}
        with self._installation.engine.connect() as connection:
            rows = recent_runs(connection, limit=4 * len(self._lists) or 1)
        runs = {row.list: row for row in reversed(rows) if self.began and row.started_at >= self.began}
        return {
            "running": self.running,
            "began": iso(self.began),
            "failed": self._failed,
            "lists": [_told(item, looks.get(item.name), runs.get(item.name)) for item in self._lists],
        }

    async def followed(self) -> AsyncIterator[dict[str, Any]]:
        """The progress each time that it moves, until the look has ended."""
        last: dict[str, Any] | None = None
        while True:
            running = self.running
            now = await asyncio.to_thread(self.progress)
            if now != last:
                yield now
                last = now
            if not running:
                return
            await asyncio.sleep(TICK_SECONDS)


def _told(item: PublishedList, look: RunResult | None, run: Any) -> dict[str, Any]:
    outcome = look.outcome if look else run.outcome if run else None
    counts = dict(look.counts) if look else (run.counts or {}) if run else {}
    return {
        "list": item.name,
        "title": item.wording.title,
        "step": "ended" if outcome else "asking the publisher" if run else "waiting",
        "outcome": outcome,
        "reason": (look.reason if look else (run.reason or "") if run else ""),
        "counts": counts,
    }


_FRESH = {"Cache-Control": "no-store"}


@router.get("/status")
def status(request: Request) -> JSONResponse:
    """As `countersign status --format json` says it; 200 also when lists are overdue."""
    told: dict[str, Any] = status_json(context_of(request).installation)
    return JSONResponse(told, headers=_FRESH)


@router.get("/healthz")
def alive() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("ok\n", headers=_FRESH)


@router.get("/readyz")
def ready(request: Request) -> PlainTextResponse:
    """503 when the database does not answer or the clock died. That none runs is no defect: cron may look."""
    installation = context_of(request).installation
    try:
        with installation.engine.connect() as connection:
            clock = clock_status(connection, installation.now())
    except (DatabaseError, SQLAlchemyError) as error:
        # What the driver says may name the database's address and user.
        return PlainTextResponse(
            f"The database does not answer ({type(error).__name__}).\n", 503, headers=_FRESH
        )
    return PlainTextResponse(f"{clock_text(clock)}\n", 503 if clock.state == "dead" else 200, headers=_FRESH)


@router.get("/metrics")
def figures(request: Request) -> Response:
    return Response(metrics(context_of(request).installation), media_type=CONTENT_TYPE, headers=_FRESH)
