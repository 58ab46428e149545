"""What an address asks for: parameters that several pages and the API share, places in long answers, and no others.

A parameter that an address does not know is refused: ignored, it would answer another question than was asked.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Path, Query, Request
from fastapi.dependencies.models import Dependant
from starlette.exceptions import HTTPException

from changelog.query import change_filter, day_of, several
from changelog.reports import report_period
from pipelines.history.agreements import Mark
from pipelines.history.changes import ChangeFilter, Cursor
from pipelines.values import KINDS, LEVELS
from scraper.errors import UsageError
from scraper.lists import PublishedList
from web.context import Context, context_of

ListName = Annotated[str | None, Query(alias="list", max_length=64, description="Only this list.")]
Lists = Annotated[list[str] | None, Query(alias="list", description="Only these lists.")]
Identifier = Annotated[str, Path(max_length=64)]
Day = Annotated[str | None, Query(max_length=40, description="A date (2025-04-08) or a time (ISO 8601).")]
Kinds = Annotated[list[str] | None, Query(description=f"Some of {', '.join(KINDS)}.")]
States = Annotated[list[str] | None, Query(description="Two letters, or the name.")]
Counties = Annotated[list[str] | None, Query(description="FIPS codes of counties, or FL:Bay.")]
Levels = Annotated[list[str] | None, Query(description=f"Some of {', '.join(LEVELS)}.")]
Words = Annotated[str | None, Query(max_length=200, description="Words of the agency's name.")]
After = Annotated[str | None, Query(max_length=400, description="The `next` of the page before.")]


def refuse_unknown(request: Request) -> None:
    """Refuse parameters that the route of this request does not declare."""
    known = list(dict.fromkeys(_declared(request.scope["route"].dependant)))
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        knows = f"It knows {', '.join(known)}." if known else "It knows none."
        raise HTTPException(422, f"This address has no parameter {unknown[0][:40]!r}. {knows}")


def _declared(dependant: Dependant) -> Iterator[str]:
    for inner in dependant.dependencies:
        yield from _declared(inner)
    for field in dependant.query_params:
        yield field.alias


def names_of(context: Context, texts: Sequence[str] | None) -> list[str]:
    """Names of declared lists. Raises ListError for one that nobody declared."""
    names = several(texts or ())
    return [item.name for item in context.installation.chosen(names)] if names else []


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """The change log as its address asks for it. `older` and `newer` are cursors, at most one is set."""

    wanted: ChangeFilter
    group: str
    older: Cursor | None
    newer: Cursor | None
    from_the_end: bool
    fresh_since: datetime | None


def log_filter(
    request: Request,
    list_name: Lists = None,
    kind: Kinds = None,
    state: States = None,
    model: Annotated[list[str] | None, Query()] = None,
    q: Words = None,
    agency: Annotated[str | None, Query(max_length=64)] = None,
    county: Counties = None,
    level: Levels = None,
) -> ChangeFilter:
    """What the log, its feeds and its files have in common."""
    context = context_of(request)
    return change_filter(
        context.installation.lists, names_of(context, list_name), kinds=kind or (), states=state or (),
        models=model or (), words=q, agency_id=agency,
        counties=county or (), levels=level or (), registers=context.installation.registers,
    )  # fmt: skip


LogFilter = Annotated[ChangeFilter, Depends(log_filter)]


def dated_filter(
    request: Request,
    chosen: LogFilter,
    since: Day = None,
    until: Day = None,
    through: Day = None,
    sha256: Annotated[str | None, Query(max_length=64)] = None,
    reviewed: Literal["", "yes", "no"] = "",
    fresh: Day = None,
) -> ChangeFilter:
    """The same within days, of one file, reviewed or not, or recorded since."""
    dated = change_filter(
        context_of(request).installation.lists, chosen.lists, since=since, until=until, through=through, sha256=sha256,
        reviewed=reviewed == "yes" if reviewed else None, recorded_since=fresh,
    )  # fmt: skip
    return replace(
        chosen, since=dated.since, until=dated.until, sha256=dated.sha256, reviewed=dated.reviewed,
        recorded_since=dated.recorded_since,
    )  # fmt: skip


DatedFilter = Annotated[ChangeFilter, Depends(dated_filter)]


def log_question(
    wanted: DatedFilter,
    group: Literal["", "publication", "week"] = "publication",
    older: After = None,
    newer: After = None,
    start: Annotated[Literal["", "end"], Query(alias="from")] = "",
) -> LogQuestion:
    return LogQuestion(
        wanted, group or "publication", cursor(older), cursor(newer), start == "end", wanted.recorded_since
    )


@dataclass(frozen=True, slots=True)
class ReportQuestion:
    """Which report: of which list, from the day `since` on and before the day `until`."""

    declaration: PublishedList
    since: date
    until: date
    baseline: date | None


def report_question(
    request: Request,
    list_name: ListName = None,
    week: Annotated[str | None, Query(max_length=8, description="2025-W20")] = None,
    since: Day = None,
    until: Day = None,
    baseline: Day = None,
) -> ReportQuestion:
    """The list and period that an address asks for; the newest week when it names none."""
    installation = context_of(request).installation
    declaration = installation.chosen([list_name] if list_name else [])[0]
    with installation.engine.connect() as connection:
        first, last = report_period(connection, declaration, installation.now(), week, since, until)
    return ReportQuestion(declaration, first, last, day_of(baseline) if baseline else None)


Report = Annotated[ReportQuestion, Depends(report_question)]


def coded(mark: Sequence[Any] | None) -> str | None:
    """A place in a long answer, fit for an address."""
    if mark is None:
        return None
    return base64.urlsafe_b64encode(json.dumps(list(mark)).encode()).decode().rstrip("=")


def _decoded(text: str, kinds: tuple[type, ...]) -> tuple[Any, ...]:
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    fits = isinstance(found, list) and [type(part) for part in found] == list(kinds)
    if not fits or any(isinstance(part, int) and abs(part) >= 2**63 for part in found):
        raise UsageError("This is not the address of a page. Begin again with the first one.")
    return tuple(found)


def cursor(text: str | None) -> Cursor | None:
    """Of a page's `before` or `after`; None without one. Raises UsageError for what is none."""
    return _decoded(text, (str, str, int)) if text else None


def mark(text: str | None) -> Mark | None:
    return _decoded(text, (str, str, str, int)) if text else None


def since_recorded(wanted: ChangeFilter, earliest: datetime | None) -> ChangeFilter:
    """What was recorded lately was published no earlier than `earliest`: so much less to look through."""
    if earliest is None:
        return wanted
    return replace(wanted, since=max(earliest, wanted.since or datetime.min.replace(tzinfo=UTC)))
