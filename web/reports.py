"""The report on a week or any period, as a page and in every form that it can be taken away in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from changelog import charts
from changelog.card import card
from changelog.claims import check_claim
from changelog.reports import (
    as_html,
    as_markdown,
    beginning,
    content_policy,
    conversion_sentences,
    default_period,
    report,
)
from changelog.wording import headline, period, week
from pipelines.history.figures import Totals, totals_between
from scraper.errors import UsageError
from scraper.lists import PublishedList
from web.context import Context, context_of
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


@dataclass(frozen=True, slots=True)
class Question:
    """Which report: of which list, from the day `since` on and before the day `until`."""

    declaration: PublishedList
    since: date
    until: date
    baseline: date | None


def question(context: Context, asked: QueryParams) -> Question:
    """The list and period that an address asks for; the newest week when it names none."""
    name = asked.get("list") or next(iter(context.house.lists))
    [declaration] = context.house.chosen([name])
    baseline = day_of(asked["baseline"]) if asked.get("baseline") else None
    if asked.get("week"):
        return Question(declaration, *week(asked["week"]), baseline)
    with context.house.engine.connect() as connection:
        newest = default_period(connection, declaration)
    if not asked.get("since"):
        return Question(declaration, *newest, baseline)
    since = day_of(asked["since"])
    return Question(declaration, since, day_of(asked["until"]) if asked.get("until") else newest[1], baseline)


def day_of(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not 1900 < found.year < 3000:
        raise UsageError(f"{text[:40]!r} is not a day. Write 2025-04-08.")
    return found


def told(context: Context, asked: Question) -> dict[str, Any]:
    with context.house.engine.connect() as connection:
        return report(
            connection, context.house.lists, asked.declaration.name, asked.since, asked.until, asked.baseline
        )


def _series(context: Context, asked: Question) -> list[Totals]:
    end = beginning(asked.until, asked.declaration.time_zone)
    with context.house.engine.connect() as connection:
        return totals_between(connection, asked.declaration.name, until=end)


@router.get("/report")
def report_page(request: Request) -> HTMLResponse:
    context = context_of(request)
    asked = question(context, request.query_params)
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
def chart(request: Request, name: str) -> Response:
    if name not in CHARTS:
        raise HTTPException(404, f"There is no chart {name[:40]}.")
    context = context_of(request)
    asked = question(context, request.query_params)
    series = _series(context, asked)
    if not series:
        raise HTTPException(404, "Nothing of this list was recorded by then.")
    # Drawn as a picture, so its own styles may apply; nothing else may be fetched by it.
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
    answer = Response(CHARTS[name](series, asked.declaration), media_type="image/svg+xml", headers=policy)
    stamp(request, answer)
    return answer


@router.get("/report.{shape}")
def report_file(request: Request, shape: str) -> Response:
    """The report to take away: Markdown, JSON, one self-contained page, or a card to share."""
    if shape not in MEDIA:
        raise HTTPException(404, f"A report comes as {', '.join(MEDIA)}.")
    context = context_of(request)
    asked = question(context, request.query_params)
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
def claim(request: Request) -> HTMLResponse:
    asked = request.query_params
    text, as_of = asked.get("text", "").strip(), asked.get("as_of") or None
    found = checked(context_of(request), text, day_of(as_of) if as_of else None) if text else None
    return page(request, "claim.html", text=text[:LONGEST], as_of=as_of, found=found, longest=LONGEST)
