"""The lists: what is declared, each list as of any date, and its publications one by one."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from changelog.status import clock_text, queue_text
from changelog.wording import end_of
from pipelines.history.changes import ChangeFilter, count_changes
from pipelines.history.figures import first_totals, totals_before
from pipelines.history.paged import agreements_page, publications_page
from pipelines.history.publications import publication_at, publication_by_key
from pipelines.history.queue import queue_state
from pipelines.history.status import clock_status, list_statuses
from web.context import keep, room_of
from web.query import coded, mark
from web.rendering import page

router = APIRouter(include_in_schema=False)
AGREEMENTS = 300
PUBLICATIONS = 100


@router.get("/lists")
def all_lists(request: Request) -> HTMLResponse:
    room = room_of(request)
    with room.house.engine.connect() as connection:
        statuses = {item.list: item for item in list_statuses(connection, room.house.lists, room.house.now())}
        shown = [
            (
                item,
                first_totals(connection, item.name),
                totals_before(connection, item.name),
                statuses[item.name],
            )
            for item in room.house.lists.values()
        ]
        clock, queue = clock_status(connection, room.house.now()), queue_state(connection)
    keep(request, "live")
    told = [clock_text(clock), *([queue_text(queue)] if queue else [])]
    return page(request, "lists.html", live=True, shown_lists=shown, told=" ".join(told))


@router.get("/lists/{name}")
def one_list(request: Request, name: str) -> HTMLResponse:
    room, asked = room_of(request), request.query_params
    [item] = room.house.chosen([name])
    as_of, known_at = asked.get("as_of") or None, asked.get("known_at") or None
    state, text = asked.get("state", "").upper() or None, asked.get("q", "")[:200].strip()
    with room.house.engine.connect() as connection:
        stood = publication_at(
            connection,
            name,
            end_of(as_of, item.time_zone) if as_of else None,
            end_of(known_at, item.time_zone) if known_at else None,
        )
        first = first_totals(connection, name)
        found, more = (
            agreements_page(
                connection,
                name,
                stood.place,
                state=state,
                text=text,
                after=mark(asked.get("after")),
                limit=AGREEMENTS,
            )
            if stood
            else ([], None)
        )
    return page(
        request, "list.html", item=item, stood=stood, first=first, agreements=found, more=coded(more),
        as_of=as_of, known_at=known_at, state=state, text=text,
    )  # fmt: skip


@router.get("/lists/{name}/publications")
def its_publications(request: Request, name: str) -> HTMLResponse:
    room, before = room_of(request), request.query_params.get("before") or None
    [item] = room.house.chosen([name])
    with room.house.engine.connect() as connection:
        found = publications_page(connection, name, before, PUBLICATIONS + 1)
    older = found[PUBLICATIONS - 1].place if len(found) > PUBLICATIONS else None
    return page(request, "publications.html", item=item, found=found[:PUBLICATIONS], older=older)


@router.get("/publications/{key}")
def one_publication(request: Request, key: str) -> HTMLResponse:
    room = room_of(request)
    with room.house.engine.connect() as connection:
        row = publication_by_key(connection, key)
        if row is None:
            raise HTTPException(404, f"No publication is called {key[:40]}.")
        counted = count_changes(connection, ChangeFilter(lists=(row.list,), sha256=row.sha256))
    return page(request, "publication.html", publication=row, counted=counted)
