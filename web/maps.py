"""The county map: of the nation with a year behind it, of one state, and as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from markupsafe import Markup
from starlette.exceptions import HTTPException

from changelog.coverage import coverage_json, coverage_sentences
from changelog.maps import By, Drawn, county_map, framed, png
from changelog.query import state_code
from changelog.wording import long_day, state_name
from pipelines.history.figures import Totals, totals_between
from pipelines.history.places import stretches
from scraper.lists import PublishedList
from web.context import Context, context_of
from web.query import ListName
from web.rendering import page, stamp

router = APIRouter(include_in_schema=False)
YEAR = timedelta(days=365)
Colours = Annotated[By, Query(description="What counties are coloured by.")]
State = Annotated[str | None, Query(max_length=40)]


def placed_list(context: Context, name: str | None) -> PublishedList:
    """The list of this name, or the first one with places."""
    asked = context.installation.chosen([name]) if name else context.installation.lists.values()
    item = next((one for one in asked if one.has_places), None)
    if item is None:
        raise HTTPException(404, "This list does not say where its entries are.")
    return item


def drawn_map(
    context: Context, item: PublishedList, by: By, state: str | None = None, *, moving: bool = False
) -> tuple[Drawn, list[Totals]] | None:
    """The map of the newest list, and with `moving` of each that changed something in the year before it."""
    with context.installation.engine.connect() as connection:
        course = [one for one in totals_between(connection, item.name) if one.counts] or totals_between(
            connection, item.name
        )
        found = stretches(connection, item.name)
    if not course:
        return None
    frames = (
        [one for one in course if one.published_at > course[-1].published_at - YEAR]
        if moving
        else course[-1:]
    )
    of = f" of {state_name(state)}" if state else ""
    title = f"Counties{of} with one of the {item.wording.nouns}, {long_day(course[-1].published_at.date())}"
    spans = framed(found, [one.place for one in frames])
    link = f"/changes?list={item.name}&county="
    return county_map(spans, len(frames), context.installation.registers, by, state, title, link), frames


def state_coverage(
    context: Context, item: PublishedList, newest: Totals, state: str
) -> Mapping[str, Any] | None:
    with context.installation.engine.connect() as connection:
        told = coverage_json(connection, item, newest.place, None, context.installation.registers)
    return told["by_state"].get(state) if told else None


@router.get("/map")
def whole_map(request: Request, name: ListName = None, by: Colours = "level") -> HTMLResponse:
    context = context_of(request)
    item = placed_list(context, name)
    found = drawn_map(context, item, by, moving=True)
    if found is None:
        raise HTTPException(404, f"Nothing of the list {item.name} is recorded.")
    drawn, frames = found
    with context.installation.engine.connect() as connection:
        told = coverage_json(
            connection, item, frames[-1].place, frames[0].place, context.installation.registers
        )
    return page(
        request, "map.html", item=item, by=by, map=Markup(drawn.svg), legend=drawn.legend, counties=drawn.counties,  # noqa: S704
        days=[long_day(one.published_at.date()) for one in frames], newest=frames[-1], coverage=told,
        sentences=coverage_sentences(told), maps=[one for one in context.installation.lists.values() if one.has_places],
    )  # fmt: skip


@router.get("/map.{shape}")
def picture(
    request: Request, shape: str, name: ListName = None, by: Colours = "level", state: State = None
) -> Response:
    context = context_of(request)
    found = drawn_map(context, placed_list(context, name), by, state_code(state) if state else None)
    if found is None or shape not in ("svg", "png"):
        raise HTTPException(404, "A map comes as svg or png.")
    drawn, _ = found
    answer = (
        Response(png(drawn.svg), media_type="image/png")
        if shape == "png"
        else Response(drawn.svg, media_type="image/svg+xml")
    )
    stamp(request, answer)
    return answer
