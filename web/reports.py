"""The report on a week or any period, as a page and in every form that it can be taken away in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from changelog import charts
from changelog.card import card
from changelog.claims import check_claim
from changelog.query import day_of
from changelog.report_pages import as_html, as_markdown, content_policy
from changelog.reports import beginning, conversion_sentences, report
from changelog.wording import headline, period
from pipelines.history.figures import Totals, first_totals, totals_between
from web.context import Context, context_of
from web.query import Day, Report, ReportQuestion
from web.rendering import page, stamp

router = APIRouter(include_in_schema=False)
Span = Literal["year", "all"]
Draw = Callable[[Sequence[Totals], ReportQuestion, int], str]
CHARTS: dict[str, Draw] = {
    "growth": lambda series, asked, width: charts.growth(
        series, asked.declaration.wording.nouns, width, asked.declaration.wording.holders
    ),
    "weekly": lambda series, asked, width: charts.weekly_additions(
        series, asked.until, asked.declaration.wording.nouns, 26 if width == charts.WIDTH else 12, width,
        asked.declaration.time_zone,
    ),
    "models": lambda series, asked, width: charts.model_mix(
        series, asked.declaration.wording.nouns, width,
        "support type" if asked.declaration.mail else asked.declaration.wording.split,
    ),
    "map": lambda series, asked, width: charts.state_map(
        series[-1].by_state, asked.declaration.wording.nouns, width
    ),
}  # fmt: skip
YEAR = timedelta(days=365)
FIRST_SHOWN, STATES_SHOWN = 20, 10
MEDIA = {
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
    "html": "text/html; charset=utf-8",
    "png": "image/png",
}


def told(context: Context, asked: ReportQuestion) -> dict[str, Any]:
    with context.installation.engine.connect() as connection:
        return report(
            connection,
            context.installation.lists,
            asked.declaration.name,
            asked.since,
            asked.until,
            asked.baseline,
            known=context.installation.registers,
        )


def _series(context: Context, asked: ReportQuestion, span: Span = "all") -> list[Totals]:
    """Every accepted list until the end of the period: since the first one, or from a year before it on."""
    end = beginning(asked.until, asked.declaration.time_zone)
    with context.installation.engine.connect() as connection:
        return totals_between(connection, asked.declaration.name, end - YEAR if span == "year" else None, end)


@dataclass(frozen=True, slots=True)
class InState:
    """A state at the end of the period; `share` is of a hundred of the one with most."""

    state: str
    total: int
    added: int
    share: float


def _by_state(found: dict[str, Any]) -> list[InState]:
    added = found["added_by_state"]
    most = max(found["by_state"].values(), default=1)
    states = [
        InState(state, total, added.get(state, 0), round(100 * total / most, 1))
        for state, total in found["by_state"].items()
    ]
    return sorted(states, key=lambda one: (-one.added, -one.total, one.state))


@router.get("/report")
def report_page(
    request: Request, asked: Report, span: Span = "year", show: Literal["", "all"] = ""
) -> HTMLResponse:
    context = context_of(request)
    found = told(context, asked)
    where = {
        "list": asked.declaration.name,
        "since": asked.since.isoformat(),
        "until": asked.until.isoformat(),
        "baseline": asked.baseline.isoformat() if asked.baseline else None,
    }
    with context.installation.engine.connect() as connection:
        first = first_totals(connection, asked.declaration.name)
    states = _by_state(found)
    length = asked.until - asked.since
    today = context.installation.now().date()
    return page(
        request,
        "report.html",
        item=asked.declaration,
        told=found,
        said=headline(found, asked.declaration),
        became=conversion_sentences(found["conversions"]),
        period=period(found),
        where=where,
        span=span,
        first=first,
        before=(asked.since - length, asked.since),
        after=(asked.until, asked.until + length) if asked.until <= today else None,
        changes=found["changes"] if show == "all" else found["changes"][: context.rows(FIRST_SHOWN)],
        in_states=states if show == "all" else states[: context.rows(STATES_SHOWN)],
        all_states=len(states),
        show=show,
        charts=("growth", "weekly", *(("models",) if asked.declaration.split else ())),
        card_query=where,
    )


@router.get("/report/charts/{name}.svg")
def chart(
    request: Request,
    name: str,
    asked: Report,
    span: Span = "year",
    size: Literal["wide", "narrow"] = "wide",
) -> Response:
    if name not in CHARTS:
        raise HTTPException(404, f"There is no chart {name[:40]}.")
    series = _series(context_of(request), asked, span) or _series(context_of(request), asked)
    if not series:
        raise HTTPException(404, "Nothing of this list was recorded by then.")
    # Drawn as a picture, so its own styles may apply; nothing else may be fetched by it.
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
    drawn = CHARTS[name](series, asked, charts.WIDTH if size == "wide" else charts.NARROW)
    answer = Response(charts.alone(drawn), media_type="image/svg+xml", headers=policy)
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
            body = as_markdown(found, context.installation.lists)
        case "html":
            body = as_html(found, context.installation.lists, _series(context, asked))
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
    context.installation.chosen([list_name] if list_name else [])
    with context.installation.engine.connect() as connection:
        return check_claim(
            connection,
            context.installation.lists,
            text[:LONGEST],
            as_of,
            list_name,
            context.installation.registers,
        )


@router.get("/claim")
def claim(
    request: Request, text: Annotated[str, Query(max_length=LONGEST)] = "", as_of: Day = None
) -> HTMLResponse:
    text = text.strip()
    found = checked(context_of(request), text, day_of(as_of) if as_of else None) if text else None
    return page(request, "claim.html", text=text[:LONGEST], as_of=as_of, found=found, longest=LONGEST)
