"""Held lists: why, what they would change, and a person's verdict."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from pipelines.history.figures import totals_before
from pipelines.history.publications import held_publications, publication_by_key
from pipelines.house import House
from pipelines.rehearsal import would_be
from pipelines.run import release
from scraper.errors import UsageError
from web.context import room_of
from web.rendering import page
from web.sign_in import Acting, RefusedActionError

router = APIRouter(include_in_schema=False)
SHOWN = 1_000


@router.get("/held")
def held(request: Request) -> HTMLResponse:
    with room_of(request).house.engine.connect() as connection:
        rows = held_publications(connection)
    return page(request, "held.html", rows=rows)


@router.get("/held/{key}")
def one_held(request: Request, key: str) -> HTMLResponse:
    room = room_of(request)
    with room.house.engine.connect() as connection:
        row = publication_by_key(connection, key)
        if row is None:
            raise HTTPException(404, f"No publication is called {key[:40]}.")
        stands = totals_before(connection, row.list, row.published_at)
    derived = would_be(room.house, key) if row.state == "held" else None
    changes = derived.changes if derived else ()
    return page(
        request, "held_one.html", row=row, stands=stands, changes=changes[:SHOWN],
        left_out=max(len(changes) - SHOWN, 0), counts=derived.counts() if derived else {},
        figures=derived.figures if derived else None, findings=derived.findings if derived else (),
    )  # fmt: skip


@router.post("/held/{key}/accept")
def accept(
    request: Request, person: Acting, key: str, note: Annotated[str, Form(max_length=2000)] = ""
) -> Response:
    return _released(request, key, "accept", person.name, note)


@router.post("/held/{key}/reject")
def reject(
    request: Request, person: Acting, key: str, note: Annotated[str, Form(max_length=2000)] = ""
) -> Response:
    if not note.strip():
        raise UsageError("Say why it is rejected: the note is kept with your name.")
    return _released(request, key, "reject", person.name, note)


def _released(request: Request, key: str, verdict: str, by: str, note: str) -> Response:
    decide(room_of(request).house, key, verdict, by, note)
    return RedirectResponse(f"/publications/{key}", 303)


def decide(house: House, key: str, verdict: str, by: str, note: str) -> Any:
    """A verdict on a list that is held now; one that somebody has decided already stays as it is."""
    with house.engine.connect() as connection:
        row = publication_by_key(connection, key)
    if row is None:
        raise HTTPException(404, f"No publication is called {key[:40]}.")
    if row.state != "held":
        raise RefusedActionError(409, f"This list is not held any more: it was found to be {row.state}.")
    return release(house, key, verdict, by, note.strip())
