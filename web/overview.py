"""The first page: what is watched, how it is doing, and what is new; and the page about counting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from changelog.charts.places import step_names
from changelog.coverage import coverage_json, coverage_sentences
from changelog.status import clock_text, queue_text
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.history.figures import Batch, Totals, agreements_over_time, batch, totals_before
from pipelines.history.operations import ListStatus, clock_status, list_statuses, queue_state
from pipelines.history.publications import held_publications
from pipelines.registers import Registers
from scraper.lists import PublishedList
from web.agencies import map_steps, tiles
from web.context import context_of, keep
from web.rendering import Curve, curve, page

router = APIRouter(include_in_schema=False)
SHOWN = 12
NEWEST = 8


@dataclass(frozen=True, slots=True)
class Week:
    """The ISO week of the newest list, Monday to Sunday in the list's own time zone."""

    since: datetime
    until: datetime
    batch: Batch


@dataclass(frozen=True, slots=True)
class Watched:
    """One list as the overview shows it. `mix` are (support type, count, share of a hundred)."""

    declaration: PublishedList
    newest: Totals
    before: Totals | None
    week: Week
    curve: Curve | None
    mix: Sequence[tuple[str, int, float]]
    coverage: Sequence[str]
    groups: Sequence[tuple[str, int, float]]
    status: ListStatus


@router.get("/")
def overview(request: Request) -> HTMLResponse:
    context = context_of(request)
    with context.installation.engine.connect() as connection:
        statuses = {
            item.list: item
            for item in list_statuses(connection, context.installation.lists, context.installation.now())
        }
        clock = clock_status(connection, context.installation.now())
        lists = [
            found
            for item in context.installation.lists.values()
            if (found := _watched(connection, item, statuses[item.name], context.installation.registers))
            is not None
        ]
        newest = list(read_changes(connection, ChangeFilter(), limit=NEWEST, newest_first=True))
        held = held_publications(connection)
        queue = queue_state(connection)
    keep(request, "live")
    steps = map_steps(found.newest for found in lists)
    return page(
        request, "overview.html", live=True, watched=lists,
        maps={found.declaration.name: tiles(found.newest.by_state, steps) for found in lists},
        legend=step_names(steps), newest=newest, held=held,
        statuses=statuses.values(),
        clock_text=clock_text(clock),
        queue_text=queue_text(queue) if queue else "",
    )  # fmt: skip


def _watched(
    connection: Connection, item: PublishedList, status: ListStatus, known: Registers
) -> Watched | None:
    newest = totals_before(connection, item.name)
    if newest is None:
        return None
    week = _week(connection, item, newest.published_at)
    course = agreements_over_time(connection, item.name)
    total = newest.agreements or 1
    mix = sorted(newest.by_support_type.items(), key=lambda pair: (-pair[1], pair[0]))
    return Watched(
        item,
        newest,
        totals_before(connection, item.name, week.since),
        week,
        curve(course, f"{item.wording.nouns.capitalize()} on the list", newest.place),
        [(model, count, round(100 * count / total, 1)) for model, count in mix[:SHOWN]],
        coverage_sentences(coverage_json(connection, item, newest.place, None, known))[:3],
        _groups(item, newest),
        status,
    )


def _groups(item: PublishedList, newest: Totals) -> list[tuple[str, int, float]]:
    """What a list of one's own is grouped by, with bars that are of the longest."""
    if item.mail or not item.group:
        return []
    counted = sorted(newest.by_state.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]
    return [(name, count, round(100 * count / counted[0][1], 1)) for name, count in counted]


def _week(connection: Connection, item: PublishedList, moment: datetime) -> Week:
    zone = ZoneInfo(item.time_zone)
    today = moment.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    since = datetime.combine(monday, time(), zone).astimezone(UTC)
    until = datetime.combine(monday + timedelta(days=7), time(), zone).astimezone(UTC)
    wanted = ChangeFilter(lists=(item.name,), since=since, until=until)
    return Week(since, until, batch(connection, wanted))


@router.get("/method")
def method(request: Request) -> HTMLResponse:
    return page(request, "method.html", declared=context_of(request).installation.lists.values())
