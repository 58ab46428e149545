"""Rendering: one environment, one function that answers with a page, one that answers with an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.history.publications import held_count
from scraper.lists import PublishedList
from web import filters
from web.context import keep, person_of, room_of
from web.keys import COOKIE

FOLDER = Path(__file__).parent
NAVIGATION = (
    ("/", "Overview"),
    ("/changes", "Changes"),
    ("/lists", "Lists"),
    ("/compare", "Compare"),
    ("/agencies", "Agencies"),
    ("/held", "Held"),
    ("/runs", "Runs"),
    ("/report", "Report"),
    ("/claim", "Claims"),
)


def templates(lists: Mapping[str, PublishedList]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=filters.plain,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters.add_to(environment, lists)
    return environment


def page(
    request: Request, template: str, status: int = 200, *, live: bool = False, **context: Any
) -> HTMLResponse:
    """Answer with a page. `live` pages show more than the record and carry no Last-Modified."""
    room = room_of(request)
    person = person_of(request)
    with room.house.engine.connect() as connection:
        held = held_count(connection)
    html = room.templates.get_template(template).render(
        navigation=NAVIGATION,
        path=request.url.path,
        query=request.query_params,
        asked_query=_asked(request),
        here=_here(request),
        person=person,
        may_act=room.keys.token is not None,
        held_count=held,
        **context,
    )
    answer = HTMLResponse(html, status)
    answer.headers["Vary"] = "Cookie"
    answer.headers["Cache-Control"] = "private, no-cache"
    if status == 200 and not live and COOKIE not in request.cookies:
        stamp(request, answer)
    return answer


def stamp(request: Request, answer: Response) -> None:
    """This answer is made from the record alone: tell a browser since when it is as it is."""
    keep(request)
    changed = room_of(request).last_modified()
    if changed is not None:
        answer.headers["Last-Modified"] = format_datetime(changed.astimezone(UTC), usegmt=True)


def _asked(request: Request) -> dict[str, list[str]]:
    query = request.query_params
    return {name: [value for value in query.getlist(name) if value] for name in query}


def _here(request: Request) -> str:
    """This page's own address, to come back to after an action."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def sorry(request: Request, status: int, text: str) -> HTMLResponse:
    return page(request, "sorry.html", status, live=True, status_code=status, text=text)


def local(target: str | None, otherwise: str = "/") -> str:
    """A place to go on to, only within these pages."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return otherwise
    return otherwise if any(ord(sign) < 32 for sign in target) else target
