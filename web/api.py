"""The API for reading: the same JSON as the command line prints, page by page."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Security
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.exceptions import HTTPException

from changelog.json import held_json, life_json, listed
from changelog.query import change_filter, day_of, state_code
from changelog.wording import change_json, iso, state_name
from pipelines.history.agencies import agency_count, agency_life, find_agencies
from pipelines.history.agreements import publications_page
from pipelines.history.changes import read_change, read_changes
from pipelines.history.figures import totals_before
from pipelines.history.operations import recent_runs
from pipelines.history.publications import held_publications
from pipelines.run import review
from web import api_shapes as shapes
from web.context import context_of, keep
from web.keys import COOKIE
from web.lists import decide
from web.query import (
    After,
    Counties,
    Day,
    Identifier,
    Kinds,
    Levels,
    ListName,
    Lists,
    Report,
    States,
    Words,
    coded,
    cursor,
    names_of,
)
from web.rendering import page, stamp
from web.reports import checked, told
from web.runs import BUSY, BusyError
from web.sign_in import Acting, RefusedActionError

WRONG: dict[int | str, dict[str, Any]] = {
    status: {"model": shapes.Trouble, "description": text}
    for status, text in (
        (404, "There is no such thing."),
        (422, "A date, a name or another word of the question makes no sense, or is not known here."),
        (503, "Archive or database is not available."),
    )
}
router = APIRouter(prefix="/api/v1", responses=WRONG)
RUN_FIELDS = (
    "id", "run_id", "list", "trigger", "by", "outcome", "reason", "error", "requests", "bytes", "sha256",
)  # fmt: skip
Limit = Annotated[int, Query(ge=1, le=500)]


def answer(request: Request, told: Any, *, live: bool = False) -> JSONResponse:
    """`live` answers tell of more than the record and carry no Last-Modified."""
    whole = JSONResponse(told)
    if live:
        keep(request, "live")
    else:
        stamp(request, whole)
    return whole


@router.get("/lists", response_model=list[shapes.ListShape], tags=["lists"])
def lists(request: Request) -> JSONResponse:
    """The lists that are watched."""
    context = context_of(request)
    return answer(request, [list_json(item) for item in context.installation.lists.values()], live=True)


def list_json(item: Any) -> dict[str, Any]:
    return {
        "name": item.name,
        "title": item.wording.title,
        "format": item.format,
        "address": item.page or item.file,
        "cadence": list(item.cadence.crons),
        "time_zone": item.time_zone,
        "cadence_time_zone": item.cadence.time_zone,
    }


@router.get("/publications", response_model=shapes.Publications, tags=["lists"])
def publications(
    request: Request,
    name: ListName = None,
    before: Annotated[str | None, Query(max_length=64, description="The `next` of the page before.")] = None,
    limit: Limit = 100,
) -> JSONResponse:
    """Every publication that was seen, whatever it was found to be, newest first."""
    context = context_of(request)
    context.installation.chosen([name] if name else [])
    with context.installation.engine.connect() as connection:
        found = publications_page(connection, name, before, limit + 1)
    following = found[limit - 1].place if len(found) > limit else None
    return answer(
        request, {"publications": [_publication_json(row) for row in found[:limit]], "next": following}
    )


def _publication_json(row: Any) -> dict[str, Any]:
    return {
        "id": row.key,
        "list": row.list,
        "state": row.state,
        "published_at": iso(row.published_at),
        "basis": row.basis,
        "captured_at": iso(row.captured_at),
        "recorded_at": iso(row.recorded_at),
        "published_name": row.published_name,
        "sha256": row.sha256,
        "previous_sha256": row.previous_sha256,
        "total_agreements": row.agreements,
        "total_agencies": row.agencies,
        "counts": row.counts or {},
    }


@router.get("/changes", response_model=shapes.Changes, tags=["changes"])
def changes(
    request: Request,
    name: Lists = None,
    since: Day = None,
    until: Day = None,
    kind: Kinds = None,
    state: States = None,
    support_type: Annotated[list[str] | None, Query(description="JEM, TFM or WSO.")] = None,
    agency: Words = None,
    agency_id: Annotated[str | None, Query(max_length=32)] = None,
    county: Counties = None,
    level: Levels = None,
    reviewed: bool | None = None,
    recorded_since: Day = None,
    order: Literal["oldest", "newest"] = "oldest",
    after: After = None,
    limit: Limit = 100,
) -> JSONResponse:
    """The change log: from `since` on, before `until`, both of publication."""
    context = context_of(request)
    wanted = change_filter(
        context.installation.lists, names_of(context, name), since=since, until=until, kinds=kind or (),
        states=state or (), models=support_type or (), words=agency, agency_id=agency_id, reviewed=reviewed,
        recorded_since=recorded_since, counties=county or (), levels=level or (),
        registers=context.installation.registers,
    )  # fmt: skip
    with context.installation.engine.connect() as connection:
        found = list(
            read_changes(
                connection, wanted, after=cursor(after), limit=limit + 1,
                newest_first=order == "newest",
            )
        )  # fmt: skip
    following = coded(found[limit - 1].cursor) if len(found) > limit else None
    told = [change_json(change, context.installation.lists.get(change.list)) for change in found[:limit]]
    return answer(request, {"changes": told, "next": following})


@router.get("/changes/{identifier}", response_model=shapes.Change, tags=["changes"])
def change(request: Request, identifier: Identifier) -> JSONResponse:
    """One change."""
    context = context_of(request)
    with context.installation.engine.connect() as connection:
        found = read_change(connection, identifier)
    if found is None:
        raise HTTPException(404, f"No change is called {identifier}.")
    return answer(request, change_json(found, context.installation.lists.get(found.list)))


@router.get("/agencies", response_model=shapes.Agencies, tags=["agencies"])
def agencies(request: Request, q: Annotated[str, Query(min_length=1, max_length=200)]) -> JSONResponse:
    """Agencies of which some name holds every word of `q`; at most 200."""
    context = context_of(request)
    with context.installation.engine.connect() as connection:
        found = find_agencies(connection, q)
    told = [
        {
            "agency_id": agency.agency_id,
            "state": agency.state,
            "agency": agency.agency,
            "lists": list(agency.lists),
            "active_agreements": agency.active,
        }
        for agency in found
    ]
    return answer(request, {"agencies": told})


@router.get("/agencies/{agency_id}", response_model=shapes.Agency, tags=["agencies"])
def agency(request: Request, agency_id: Identifier) -> JSONResponse:
    """The life of an agency: every agreement, spelling, document, change and source row."""
    context = context_of(request)
    with context.installation.engine.connect() as connection:
        life = agency_life(connection, agency_id)
        if life is None:
            raise HTTPException(404, f"No agency is called {agency_id}.")
        told = life_json(connection, context.installation, agency_id, life)
    return answer(request, told)


@router.get("/states/{state}", response_model=shapes.State, tags=["agencies"])
def state(request: Request, state: Identifier) -> JSONResponse:
    """A state on every list now."""
    context, state = context_of(request), state_code(state)
    told = {}
    with context.installation.engine.connect() as connection:
        for name in context.installation.lists:
            newest = totals_before(connection, name)
            if newest is not None and newest.by_state.get(state):
                told[name] = {
                    "published_at": iso(newest.published_at),
                    "total_agreements": newest.by_state[state],
                    "total_agencies": agency_count(connection, name, state),
                }
    if not told:
        raise HTTPException(404, f"No list names the state {state} now.")
    return answer(request, {"state": state, "name": state_name(state), "lists": told})


@router.get("/agreements", response_model=shapes.Agreements, tags=["lists"])
def agreements(
    request: Request,
    name: Annotated[str, Query(alias="list", max_length=64)],
    as_of: Day = None,
    known_at: Day = None,
    county: Counties = None,
    level: Levels = None,
) -> JSONResponse:
    """A list as published on a date, and as we knew it on another."""
    context = context_of(request)
    found = listed(
        context.installation, name, as_of or None, known_at or None, counties=county or (), levels=level or ()
    )
    return answer(request, found)


@router.get("/runs", response_model=shapes.Runs, tags=["operations"])
def runs(
    request: Request,
    name: ListName = None,
    before: Annotated[int | None, Query(ge=0, lt=2**62)] = None,
    limit: Limit = 100,
) -> JSONResponse:
    """Every look, newest first."""
    context = context_of(request)
    context.installation.chosen([name] if name else [])
    with context.installation.engine.connect() as connection:
        found = recent_runs(connection, name, limit + 1, before)
    following = found[limit - 1].id if len(found) > limit else None
    return answer(request, {"runs": [_run_json(row) for row in found[:limit]], "next": following}, live=True)


def _run_json(row: Any) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in RUN_FIELDS},
        "started_at": iso(row.started_at),
        "ended_at": iso(row.ended_at),
        "counts": row.counts or {},
        "stages": row.stages or {},
    }


@router.get("/held", response_model=list[shapes.Held], tags=["operations"])
def held(request: Request) -> JSONResponse:
    """Lists that wait for a person, with the reasons."""
    context = context_of(request)
    with context.installation.engine.connect() as connection:
        rows = held_publications(connection)
    return answer(request, [held_json(row) for row in rows])


@router.get("/report", response_model=shapes.Report, tags=["reports"])
def report(request: Request, asked: Report) -> JSONResponse:
    """The batch of a week or of any days, and the headline figures against a baseline."""
    return answer(request, told(context_of(request), asked))


@router.get("/claim", response_model=shapes.Claim, tags=["reports"])
def claim(
    request: Request,
    text: Annotated[str, Query(min_length=1, max_length=2000)],
    as_of: Day = None,
    name: ListName = None,
) -> JSONResponse:
    """A public statement's figures, each held against what was published."""
    context = context_of(request)
    return answer(request, checked(context, text, day_of(as_of) if as_of else None, name))


REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"model": shapes.Trouble, "description": text}
    for status, text in (
        (401, "The token is missing or wrong."),
        (403, "Actions are off, or another site asks."),
        (409, "A look is going on."),
        (429, "Too many wrong tokens."),
    )
}
# Either will do; `acting` looks at both. Named here so that the description says so.
SHOWN = [Security(HTTPBearer(auto_error=False)), Security(APIKeyCookie(name=COOKIE, auto_error=False))]
actions = APIRouter(prefix="/api/v1", responses=WRONG | REFUSED, tags=["actions"], dependencies=SHOWN)


@actions.post("/crawl", status_code=202, response_model=shapes.Progress)
async def crawl(request: Request, person: Acting, order: shapes.CrawlOrder | None = None) -> JSONResponse:
    """Look at lists now. Refused (409) while a look goes on; follow it at /api/v1/crawl."""
    context = context_of(request)
    chosen = context.installation.chosen(order.lists if order else [])
    try:
        context.crawls.begin(chosen, person.name)
    except BusyError:
        raise RefusedActionError(409, BUSY) from None
    return JSONResponse(context.crawls.progress(), 202)


@router.get("/crawl", response_model=shapes.Progress, tags=["operations"])
def progress(request: Request) -> JSONResponse:
    """How far the look that was started last from here has come."""
    return JSONResponse(context_of(request).crawls.progress())


@actions.post("/held/{identifier}/accept", response_model=shapes.Held)
def accept(
    request: Request, person: Acting, identifier: Identifier, verdict: shapes.Verdict | None = None
) -> JSONResponse:
    """Believe a held list."""
    note = verdict.note if verdict else ""
    return JSONResponse(
        held_json(decide(context_of(request).installation, identifier, "accept", person.name, note))
    )


@actions.post("/held/{identifier}/reject", response_model=shapes.Held)
def reject(request: Request, person: Acting, identifier: Identifier, verdict: shapes.Verdict) -> JSONResponse:
    """Put a held list aside for good; the note says why."""
    return JSONResponse(
        held_json(decide(context_of(request).installation, identifier, "reject", person.name, verdict.note))
    )


@actions.post("/reviews", response_model=list[str])
def reviews(request: Request, person: Acting, order: shapes.ReviewOrder) -> JSONResponse:
    """A person's verdict on changes; "undone" takes it back. Answers with the ids."""
    review(context_of(request).installation, order.changes, order.status, person.name, order.note)
    return JSONResponse(order.changes)


about = APIRouter(include_in_schema=False)


@about.get("/api")
def api(request: Request) -> HTMLResponse:
    described = request.app.openapi()["paths"]
    addresses = [
        (method.upper(), address, told.get("description", ""), _names(told))
        for address, methods in described.items()
        for method, told in methods.items()
    ]
    return page(request, "api.html", live=True, addresses=addresses)


def _names(told: dict[str, Any]) -> list[str]:
    return [parameter["name"] for parameter in told.get("parameters", ())]
