"""The report on a week or any period, as a page and in every form that it can be taken away in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from changelog import charts
from changelog.card import card
from changelog.claims import check_claim
from changelog.query import day_of
from changelog.reports import (
    as_html,
    as_markdown,
    beginning,
    content_policy,
    conversion_sentences,
    report,
)
from changelog.wording import headline, period
from pipelines.history.figures import Totals, totals_between
from scraper.lists import PublishedList
from web.context import Context, context_of
from web.query import Day, Report, ReportQuestion
from web.rendering import page, stamp

router = APIRouter(include_in_schema=False)
CHARTS: dict[str, Callable[[Sequence[Totals], PublishedList], str]] = {
    "growth": lambda series, item: charts.growth(series, item.wording.nouns),
    "models": lambda series, item: charts.model_mix(series, item.wording.nouns),
    "states": lambda series, item: charts.by_state(series[-1].by_state, item.wording.nouns),
    "map": lambda series, item: charts.state_map(series[-1].by_state, item.wording.nouns),
}
MEDIA = {
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "png": "image/png",
}


def told(context: Context, asked: ReportQuestion) -> dict[str, Any]:
    with context.house.engine.connect() as connection:
        return report(
            connection, context.house.lists, asked.declaration.name, asked.since, asked.until, asked.baseline
        )


def _series(context: Context, asked: ReportQuestion) -> list[Totals]:
    end = beginning(asked.until, asked.declaration.time_zone)
    with context.house.engine.connect() as connection:
        return totals_between(connection, asked.declaration.name, until=end)


@router.get("/report")
def report_page(request: Request, asked: Report) -> HTMLResponse:
    context = context_of(request)
    found = told(context, asked)
    return page(
        request,
        "report.html",
        item=asked.declaration,
        told=found,
        said=headline(found, asked.declaration),
        became=conversion_sentences(found["conversions"]),
        period=period(found),
        where={
            "list": asked.declaration.name,
            "since": asked.since.isoformat(),
            "until": asked.until.isoformat(),
            "baseline": asked.baseline.isoformat() if asked.baseline else None,
        },
        charts=("growth", "models", "states"),
    )


@router.get("/report/charts/{name}.svg")
def chart(request: Request, name: str, asked: Report) -> Response:
    if name not in CHARTS:
        raise HTTPException(404, f"There is no chart {name[:40]}.")
    context = context_of(request)
    series = _series(context, asked)
    if not series:
        raise HTTPException(404, "Nothing of this list was recorded by then.")
    # Drawn as a picture, so its own styles may apply; nothing else may be fetched by it.
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
    answer = Response(CHARTS[name](series, asked.declaration), media_type="image/svg+xml", headers=policy)
    stamp(request, answer)
    return answer


@router.get("/report.{shape}")
def report_file(request: Request, shape: str, asked: Report) -> Response:
    """The report to take away: Markdown, JSON, one self-contained page, or a card to share."""
    if shape not in MEDIA:
        raise HTTPException(404, f"A report comes as {', '.join(MEDIA)}.")
    context = context_of(request)
    found = told(context, asked)
    body: str | bytes
    match shape:
        case "json":
            body = json.dumps(found, ensure_ascii=False, indent=2) + "\n"
        case "md":
            body = as_markdown(found, context.house.lists)
        case "html":
            body = as_html(found, context.house.lists, _series(context, asked))
        case _:
            body = card(found, asked.declaration, _series(context, asked))
    answer = Response(body, media_type=MEDIA[shape])
    shown = "inline" if shape in ("html", "png") else "attachment"
    name = f"countersign-{asked.declaration.name}-{asked.since}.{shape}"
    answer.headers["Content-Disposition"] = f'{shown}; filename="{name}"'
    if shape == "html":
        answer.headers["Content-Security-Policy"] = f"{content_policy()}; frame-ancestors 'none'"
    stamp(request, answer)
    return answer


LONGEST = 2_000


def checked(context: Context, text: str, as_of: date | None, list_name: str | None = None) -> dict[str, Any]:
    context.house.chosen([list_name] if list_name else [])
    with context.house.engine.connect() as connection:
        return check_claim(connection, context.house.lists, text[:LONGEST], as_of, list_name)


@router.get("/claim")
def claim(
    request: Request, text: Annotated[str, Query(max_length=LONGEST)] = "", as_of: Day = None
) -> HTMLResponse:
    text = text.strip()
    found = checked(context_of(request), text, day_of(as_of) if as_of else None) if text else None
    return page(request, "claim.html", text=text[:LONGEST], as_of=as_of, found=found, longest=LONGEST)
