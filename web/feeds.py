"""Feeds, for whoever follows without visiting; and the page that offers them."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from changelog.feeds import Feed, as_atom, as_json_feed, change_feed, weekly_feed
from changelog.wording import state_name
from pipelines.history.figures import totals_before
from pipelines.values import KINDS
from web.context import context_of
from web.query import ListName, LogFilter
from web.rendering import base_of, page, stamp

router = APIRouter(include_in_schema=False)
SHAPES: dict[str, tuple[str, Callable[[Feed, str], bytes]]] = {
    "atom": ("application/atom+xml; charset=utf-8", as_atom),
    "json": ("application/feed+json", as_json_feed),
}


@router.get("/feeds")
def feeds(request: Request) -> HTMLResponse:
    context = context_of(request)
    with context.installation.engine.connect() as connection:
        newest = [totals_before(connection, name) for name in context.installation.lists]
    states = sorted(
        {state for totals in newest if totals for state in totals.by_state if state}, key=state_name
    )
    return page(request, "feeds.html", states=states, kinds=KINDS)


@router.get("/feeds/changes.{shape}")
def changes(request: Request, shape: str, wanted: LogFilter) -> Response:
    """The newest changes; of one list, state or kind when the address names it."""
    context = context_of(request)
    with context.installation.engine.connect() as connection:
        feed = change_feed(connection, context.installation.lists, base_of(request), wanted)
    return _given(request, shape, feed)


@router.get("/feeds/weeks.{shape}")
def weeks(request: Request, shape: str, name: ListName = None) -> Response:
    """The batch of each week of a list."""
    context = context_of(request)
    item = context.installation.chosen([name] if name else [])[0]
    base = base_of(request)
    with context.installation.engine.connect() as connection:
        feed = weekly_feed(connection, context.installation.lists, base, item.name)
    return _given(request, shape, feed)


def _given(request: Request, shape: str, feed: Feed) -> Response:
    if shape not in SHAPES:
        raise HTTPException(404, f"A feed comes as {' or '.join(SHAPES)}.")
    media, write = SHAPES[shape]
    answer = Response(write(feed, str(request.url)), media_type=media)
    stamp(request, answer)
    return answer
