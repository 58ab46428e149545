"""The change log: filtered, grouped, page by page; and one change by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from changelog.wording import MODELS, long_day
from pipelines.history.agencies import places_of
from pipelines.history.agreements import first_recorded_since
from pipelines.history.changes import ChangeFilter, StoredChange, read_change, read_changes
from pipelines.run import review
from pipelines.values import KINDS, LEVELS
from scraper.errors import UsageError
from web.context import Context, Visit, context_of
from web.query import LogQuestion, coded, log_question, since_recorded
from web.rendering import local, page
from web.security import Text
from web.sign_in import Acting

router = APIRouter(include_in_schema=False)
PAGE = 60
NEW_SHOWN = 500  # "more than 500 new" is as good as the number


@dataclass(frozen=True, slots=True)
class LogPage:
    """`older` and `newer` are the cursors of the pages beside it; None at either end."""

    changes: Sequence[StoredChange]
    older: str | None
    newer: str | None


def log_page(connection: Connection, asked: LogQuestion, size: int = PAGE) -> LogPage:
    """One page, newest first. One more than is shown is read, to know whether the log goes on."""
    wanted = asked.wanted
    if asked.fresh_since:
        wanted = since_recorded(wanted, first_recorded_since(connection, asked.fresh_since))
    upwards = asked.newer is not None or asked.from_the_end
    found = list(
        read_changes(
            connection,
            wanted,
            after=asked.newer if upwards else asked.older,
            limit=size + 1,
            newest_first=not upwards,
        )
    )
    more, found = len(found) > size, found[:size]
    if upwards:
        found.reverse()
    goes_on = {"newer": more, "older": asked.newer is not None} if upwards else {
        "newer": asked.older is not None, "older": more
    }  # fmt: skip
    return LogPage(
        found,
        coded(found[-1].cursor) if found and goes_on["older"] else None,
        coded(found[0].cursor) if found and goes_on["newer"] else None,
    )


@dataclass(frozen=True, slots=True)
class Group:
    """Changes that belong together: of one publication, or of one week."""

    heading: str
    list: str | None
    first: datetime
    changes: Sequence[StoredChange]
    publication: Any = None


@router.get("/changes")
def change_log(request: Request, asked: Annotated[LogQuestion, Depends(log_question)]) -> HTMLResponse:
    context = context_of(request)
    visit = Visit.of(request)
    with context.installation.engine.connect() as connection:
        found = log_page(connection, asked, context.rows(PAGE) if asked.wanted.since else PAGE)
        groups = list(_grouped(connection, context, asked.group, found.changes))
        fresh = _count_new(connection, visit.before) if visit.before else 0
    return page(
        request,
        "changes.html",
        groups=groups,
        older=found.older,
        newer=found.newer,
        asked=asked,
        kinds=KINDS,
        levels=LEVELS,
        all_models=MODELS,
        fresh=fresh,
        fresh_limit=NEW_SHOWN,
        last_visit=visit.before,
    )


@router.get("/changes/{identifier}")
def one_change(request: Request, identifier: str) -> HTMLResponse:
    context = context_of(request)
    with context.installation.engine.connect() as connection:
        change = read_change(connection, identifier)
        if change is None:
            raise HTTPException(404, f"No change is called {identifier[:40]}.")
        publication = places_of(connection, {(change.list, change.place)}).get((change.list, change.place))
        others = list(
            read_changes(
                connection, ChangeFilter(lists=(change.list,), agreement_id=change.agreement_id), limit=50
            )
        )
    return page(request, "change.html", change=change, publication=publication, others=others)


def _grouped(
    connection: Connection, context: Context, by: str, changes: Sequence[StoredChange]
) -> Iterator[Group]:
    if by == "week":
        for (year, week), members in groupby(changes, lambda change: _week(context, change)):
            held = list(members)
            monday = date.fromisocalendar(year, week, 1)
            yield Group(long_day(monday), None, held[0].published_at, held)
        return
    files = places_of(connection, {(change.list, change.place) for change in changes})
    for (name, place), members in groupby(changes, lambda change: (change.list, change.place)):
        held = list(members)
        yield Group("", name, held[0].published_at, held, files.get((name, place)))


def _week(context: Context, change: StoredChange) -> tuple[int, int]:
    declared = context.installation.lists.get(change.list)
    local = change.published_at.astimezone(ZoneInfo(declared.time_zone if declared else "UTC"))
    return local.isocalendar()[:2]


def _count_new(connection: Connection, since: datetime) -> int:
    earliest = first_recorded_since(connection, since)
    if earliest is None:
        return 0
    wanted = since_recorded(ChangeFilter(recorded_since=since), earliest)
    return sum(1 for _ in read_changes(connection, wanted, limit=NEW_SHOWN + 1, newest_first=True))


STATUSES = ("confirmed", "disputed", "ignored", "undone")


@router.post("/changes/review")
def review_changes(
    request: Request,
    person: Acting,
    status: Annotated[Text, Form(max_length=20)],
    change: Annotated[list[Text] | None, Form(max_length=1000)] = None,
    note: Annotated[Text, Form(max_length=2000)] = "",
    target: Annotated[Text, Form(alias="next", max_length=4000)] = "/changes",
) -> Response:
    if status not in STATUSES:
        raise UsageError(f"There is no status {status}. Choose one of: {', '.join(STATUSES)}.")
    if not change:
        raise UsageError("No change was chosen. Tick at least one, then say what you found.")
    review(context_of(request).installation, change, status, person.name, note.strip())
    return RedirectResponse(local(target, "/changes"), 303)
