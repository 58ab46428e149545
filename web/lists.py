"""The lists: what is declared, each list as of any date, and its publications one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from changelog.query import state_code
from changelog.status import clock_text, queue_text
from changelog.wording import end_of
from pipelines.history.agreements import Pair, agreements_page, differing, publications_page
from pipelines.history.changes import ChangeFilter, count_changes
from pipelines.history.figures import Totals, first_totals, totals_before
from pipelines.history.operations import clock_status, list_statuses, queue_state
from pipelines.history.publications import held_publications, publication_at, publication_by_key
from pipelines.installation import Installation
from pipelines.rehearsal import would_be
from pipelines.run import release
from scraper.errors import UsageError
from scraper.lists import PublishedList
from web.context import context_of, keep
from web.query import After, Day, ListName, Words, coded, mark
from web.rendering import page
from web.security import Text
from web.sign_in import Acting, RefusedActionError

router = APIRouter(include_in_schema=False)
FEW_AGREEMENTS, AGREEMENTS = 50, 300
PUBLICATIONS = 100


@router.get("/lists")
def all_lists(request: Request) -> HTMLResponse:
    context = context_of(request)
    with context.installation.engine.connect() as connection:
        statuses = {
            item.list: item
            for item in list_statuses(connection, context.installation.lists, context.installation.now())
        }
        shown = [
            (
                item,
                first_totals(connection, item.name),
                totals_before(connection, item.name),
                statuses[item.name],
            )
            for item in context.installation.lists.values()
        ]
        clock, queue = clock_status(connection, context.installation.now()), queue_state(connection)
    keep(request, "live")
    told = [clock_text(clock), *([queue_text(queue)] if queue else [])]
    return page(request, "lists.html", live=True, shown_lists=shown, told=" ".join(told))


@router.get("/lists/{name}")
def one_list(
    request: Request,
    name: str,
    as_of: Day = None,
    known_at: Day = None,
    state: str = "",
    q: Words = None,
    after: After = None,
    show: Literal["", "all"] = "",
) -> HTMLResponse:
    context = context_of(request)
    [item] = context.installation.chosen([name])
    code, text = state_code(state) if state.strip() else None, (q or "").strip()
    with context.installation.engine.connect() as connection:
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
                state=code,
                text=text,
                after=mark(after),
                limit=context.rows(AGREEMENTS if show else FEW_AGREEMENTS),
            )
            if stood
            else ([], None)
        )
    return page(
        request, "list.html", item=item, stood=stood, first=first, agreements=found, more=coded(more),
        as_of=as_of, known_at=known_at, state=code, text=text, show=show, most=AGREEMENTS,
    )  # fmt: skip


@router.get("/lists/{name}/publications")
def its_publications(
    request: Request, name: str, before: Annotated[str | None, Query(max_length=64)] = None
) -> HTMLResponse:
    context = context_of(request)
    [item] = context.installation.chosen([name])
    with context.installation.engine.connect() as connection:
        size = context.rows(PUBLICATIONS)
        found = publications_page(connection, name, before, size + 1)
    older = found[size - 1].place if len(found) > size else None
    return page(request, "publications.html", item=item, found=found[:size], older=older)


@router.get("/publications/{key}")
def one_publication(request: Request, key: str) -> HTMLResponse:
    context = context_of(request)
    with context.installation.engine.connect() as connection:
        row = publication_by_key(connection, key)
        if row is None:
            raise HTTPException(404, f"No publication is called {key[:40]}.")
        counted = count_changes(connection, ChangeFilter(lists=(row.list,), sha256=row.sha256))
    return page(request, "publication.html", publication=row, counted=counted)


DIFFERENCES = 2_000


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which list, from which day to which; the newest list without the second."""

    declaration: PublishedList
    one: str | None
    other: str | None


def comparison_asked(
    request: Request,
    list_name: ListName = None,
    one: Annotated[str | None, Query(alias="from", max_length=40)] = None,
    other: Annotated[str | None, Query(alias="to", max_length=40)] = None,
) -> Comparison:
    """The dates in their order."""
    item = context_of(request).installation.chosen([list_name] if list_name else [])[0]
    one, other = one or None, other or None
    if one and other and end_of(one, item.time_zone) > end_of(other, item.time_zone):
        one, other = other, one
    return Comparison(item, one, other)


Compared = Annotated[Comparison, Depends(comparison_asked)]


@dataclass(frozen=True, slots=True)
class Differences:
    """What stood then; None where nothing did, or was asked."""

    earlier: Totals | None
    later: Totals | None
    pairs: Sequence[Pair]


def compared(connection: Connection, asked: Comparison) -> Differences:
    name, zone = asked.declaration.name, asked.declaration.time_zone
    earlier = totals_before(connection, name, end_of(asked.one, zone)) if asked.one else None
    later = totals_before(connection, name, end_of(asked.other, zone) if asked.other else None)
    both = earlier and later and earlier.place < later.place
    pairs = differing(connection, name, earlier.place, later.place) if both and earlier and later else []
    return Differences(earlier, later, pairs)


@router.get("/compare")
def compare(request: Request, asked: Compared) -> HTMLResponse:
    with context_of(request).installation.engine.connect() as connection:
        first, found = first_totals(connection, asked.declaration.name), compared(connection, asked)
    return page(
        request, "compare.html", item=asked.declaration, first=first, earlier=found.earlier, later=found.later,
        one=asked.one, other=asked.other, pairs=found.pairs[:DIFFERENCES],
        left_out=max(len(found.pairs) - DIFFERENCES, 0), counts=Counter(pair.kind for pair in found.pairs),
    )  # fmt: skip


CHANGES = 1_000


@router.get("/held")
def held(request: Request) -> HTMLResponse:
    with context_of(request).installation.engine.connect() as connection:
        rows = held_publications(connection)
    return page(request, "held.html", rows=rows)


@router.get("/held/{key}")
def one_held(request: Request, key: str) -> HTMLResponse:
    context = context_of(request)
    with context.installation.engine.connect() as connection:
        row = publication_by_key(connection, key)
        if row is None:
            raise HTTPException(404, f"No publication is called {key[:40]}.")
        stands = totals_before(connection, row.list, row.published_at)
    derived = would_be(context.installation, key) if row.state == "held" else None
    changes = derived.changes if derived else ()
    return page(
        request, "held_one.html", row=row, stands=stands, changes=changes[:CHANGES],
        left_out=max(len(changes) - CHANGES, 0), counts=derived.counts() if derived else {},
        figures=derived.figures if derived else None, findings=derived.findings if derived else (),
    )  # fmt: skip


@router.post("/held/{key}/accept")
def accept(
    request: Request, person: Acting, key: str, note: Annotated[Text, Form(max_length=2000)] = ""
) -> Response:
    return _released(request, key, "accept", person.name, note)


@router.post("/held/{key}/reject")
def reject(
    request: Request, person: Acting, key: str, note: Annotated[Text, Form(max_length=2000)] = ""
) -> Response:
    if not note.strip():
        raise UsageError("Say why it is rejected: the note is kept with your name.")
    return _released(request, key, "reject", person.name, note)


def _released(request: Request, key: str, verdict: str, by: str, note: str) -> Response:
    decide(context_of(request).installation, key, verdict, by, note)
    return RedirectResponse(f"/publications/{key}", 303)


def decide(installation: Installation, key: str, verdict: str, by: str, note: str) -> Any:
    """A verdict on a list that is held now; one that somebody has decided already stays as it is."""
    with installation.engine.connect() as connection:
        row = publication_by_key(connection, key)
    if row is None:
        raise HTTPException(404, f"No publication is called {key[:40]}.")
    if row.state != "held":
        raise RefusedActionError(409, f"This list is not held any more: it was found to be {row.state}.")
    return release(installation, key, verdict, by, note.strip())
