"""Whether the process, the database and the clock are well, for machines that ask."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from sqlalchemy.exc import SQLAlchemyError

from changelog.status import CONTENT_TYPE, clock_text, metrics, status_json
from pipelines.history.status import clock_status
from scraper.errors import DatabaseError
from web.context import room_of

router = APIRouter(include_in_schema=False)
_FRESH = {"Cache-Control": "no-store"}


@router.get("/status")
def status(request: Request) -> JSONResponse:
    """As `countersign status --format json` says it; 200 also when lists are overdue."""
    told: dict[str, Any] = status_json(room_of(request).house)
    return JSONResponse(told, headers=_FRESH)


@router.get("/healthz")
def alive() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("ok\n", headers=_FRESH)


@router.get("/readyz")
def ready(request: Request) -> PlainTextResponse:
    """503 when the database does not answer or the clock died. That none runs is no defect: cron may look."""
    house = room_of(request).house
    try:
        with house.engine.connect() as connection:
            clock = clock_status(connection, house.now())
    except (DatabaseError, SQLAlchemyError) as error:
        # What the driver says may name the database's address and user.
        return PlainTextResponse(
            f"The database does not answer ({type(error).__name__}).\n", 503, headers=_FRESH
        )
    return PlainTextResponse(f"{clock_text(clock)}\n", 503 if clock.state == "dead" else 200, headers=_FRESH)


@router.get("/metrics")
def figures(request: Request) -> Response:
    return Response(metrics(room_of(request).house), media_type=CONTENT_TYPE, headers=_FRESH)
