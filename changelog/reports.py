"""What became of applications in a period: how many turned into agreements, how quickly, and who waits longest."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sqlalchemy import Connection

from changelog import charts
from changelog.cells import markdown
from changelog.coverage import coverage_json, coverage_sentences, percent
from changelog.query import day_of
from changelog.wording import (
    FIELDS,
    change_json,
    headline,
    iso,
    long_day,
    model_name,
    period,
    state_name,
    week,
)
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.history.conversions import conversions
from pipelines.history.figures import (
    Batch,
    Totals,
    batch,
    first_totals,
    passing,
    publications_between,
    totals_before,
    totals_between,
)
from pipelines.registers import Registers
from pipelines.values import KINDS
from scraper.errors import UsageError
from scraper.lists import PublishedList


def conversions_json(
    connection: Connection, pending: str, since: datetime, until: datetime, last_day: date
) -> dict[str, Any]:
    """The figures of a period; days are whole days, those of who still waits are counted until `last_day`."""
    found = conversions(connection, pending, since, until)
    return {
        "applied": found.applied,
        "converted": len(found.converted),
        "median_days": found.median_days,
        "left": found.left,
        "waiting": found.waiting,
        "oldest": [
            {
                "state": one.state,
                "agency": one.agency,
                "support_type": one.support_type,
                "agreement_id": one.agreement_id,
                "applied": one.applied.isoformat(),
                "at_least": one.at_least,
                "days": (last_day - one.applied).days,
            }
            for one in found.oldest
        ],
    }


def conversion_sentences(told: Mapping[str, Any] | None) -> list[str]:
    """The same for people; nothing when no application is recorded at all."""
    if told is None:
        return []
    verb = "became an agreement" if told["converted"] == 1 else "became agreements"
    became = f"{_many(told['converted'])} {verb} in this period"
    if told["median_days"] is not None:
        became += (
            f", at the median {told['median_days']:g} days after the list of applications first had them"
        )
    return [
        f"{became}.",
        f"{_many(told['left'])} left the list without one; {told['waiting']:,} waited at its end.",
    ]


def _many(count: int) -> str:
    return "1 application" if count == 1 else f"{count:,} applications"


WEEK = timedelta(days=7)
ACCEPTED = ("recorded", "unchanged")


def default_period(connection: Connection, declaration: PublishedList) -> tuple[date, date]:
    """The ISO week of the newest accepted publication. Raises UsageError when nothing is recorded."""
    newest = totals_before(connection, declaration.name)
    if newest is None:
        raise UsageError(f"Nothing of the list {declaration.name} is recorded.")
    day = newest.published_at.astimezone(ZoneInfo(declaration.time_zone)).date()
    monday = day - timedelta(days=day.weekday())
    return monday, monday + WEEK


def report_period(
    connection: Connection,
    declaration: PublishedList,
    now: datetime,
    week_name: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> tuple[date, date]:
    """From the first day on and before the second: a week, or days, or the week of the newest list."""
    if week_name and (since or until):
        raise UsageError("Name a week, or its first and last days, not both.")
    if until and not since:
        raise UsageError("Name the first day (since) as well.")
    if week_name:
        first, last = week(week_name)
    elif since:
        first = day_of(since)
        last = day_of(until) if until else default_period(connection, declaration)[1]
    else:
        return default_period(connection, declaration)
    today = now.astimezone(ZoneInfo(declaration.time_zone)).date()
    if first > today:
        raise UsageError(f"{long_day(first)} is yet to come. Write a day until {today}.")
    return first, last


def report(
    connection: Connection,
    lists: Mapping[str, PublishedList],
    list_name: str,
    since: date,
    until: date,
    baseline: date | None = None,
    *,
    with_changes: bool = True,
    known: Registers | None = None,
) -> dict[str, Any]:
    """The promise: a period of a list, from the day `since` on and before the day `until`, as JSON.

    Totals are those of the last accepted publication before `until`. Raises UsageError when there is none.
    """
    declaration = lists[list_name]
    if since >= until:
        raise UsageError(f"A period ends after it begins; {until} is not after {since}.")
    told = _figures(connection, declaration, since, until, baseline)
    if told is None:
        raise UsageError(f"Nothing of the list {list_name} is recorded before {until}.")
    pending = lists.get(declaration.pending_list or "")
    told["pending"] = _figures(connection, pending, since, until, baseline) if pending else None
    wanted = _period(declaration, since, until)
    if with_changes:
        found = list(read_changes(connection, wanted))
        told["conversions"] = _conversions(connection, declaration, told, wanted, until) if pending else None
        told["from_pending"] = sum(1 for change in found if change.pending_since) if pending else None
        told["changes"] = [change_json(change, declaration) for change in found]
        last, before = (
            totals_before(connection, list_name, moment) for moment in (wanted.until, wanted.since)
        )
        told["coverage"] = coverage_json(
            connection, declaration, last.place if last else "", before.place if before else None, known
        )
    return told


def _conversions(
    connection: Connection,
    declaration: PublishedList,
    told: Mapping[str, Any],
    wanted: ChangeFilter,
    until: date,
) -> dict[str, Any] | None:
    """None while no list of applications is recorded. A period that goes on is counted until its newest list."""
    if told["pending"] is None or not (declaration.pending_list and wanted.since and wanted.until):
        return None
    newest = max(told["published_at"], told["pending"]["published_at"])
    last_day = min(until - timedelta(days=1), datetime.fromisoformat(newest).date())
    return conversions_json(connection, declaration.pending_list, wanted.since, wanted.until, last_day)


def beginning(day: date, time_zone: str) -> datetime:
    """The first moment of a day in a time zone."""
    return datetime.combine(day, time(), ZoneInfo(time_zone)).astimezone(UTC)


def week_of(since: date, until: date) -> str | None:
    """The name of the ISO week that the period is, if it is one ("2025-W20")."""
    if until - since != WEEK or since.weekday():
        return None
    year, week, _ = since.isocalendar()
    return f"{year}-W{week:02d}"


def _period(declaration: PublishedList, since: date, until: date) -> ChangeFilter:
    zone = declaration.time_zone
    return ChangeFilter((declaration.name,), beginning(since, zone), beginning(until, zone))


def _figures(
    connection: Connection, declaration: PublishedList, since: date, until: date, baseline: date | None
) -> dict[str, Any] | None:
    """What there is to count, without the changes themselves; None before the list's first publication."""
    wanted = _period(declaration, since, until)
    last = totals_before(connection, declaration.name, wanted.until)
    if last is None:
        return None
    before = totals_before(connection, declaration.name, wanted.since)
    start = before or totals_between(connection, declaration.name, wanted.since, wanted.until)[0]
    counted = batch(connection, wanted)
    return {
        "list": declaration.name,
        "title": declaration.wording.title,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "week": week_of(since, until),
        **_totals(last),
        **{kind: counted.counts.get(kind, 0) for kind in KINDS},
        "net": last.agreements - start.agreements,
        **_batch(counted),
        **_passing(connection, wanted),
        "baseline": _baseline(connection, declaration, baseline, last),
        "publications": _publications(connection, wanted),
    }


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "published_at": iso(totals.published_at),
        "published_name": totals.published_name,
        "sha256": totals.sha256,
        "total_agreements": totals.agreements,
        "total_agencies": totals.agencies,
        "total_states": totals.states,
        "by_support_type": dict(totals.by_support_type),
        "by_state": dict(totals.by_state),
    }


def _batch(counted: Batch) -> dict[str, Any]:
    return {
        "new_agencies": counted.new_agencies,
        "new_agency_agreements": counted.new_agency_agreements,
        "newly_signed": counted.newly_signed,
        "possibly_corrected": counted.possibly_corrected,
        "settled_later": counted.settled_later,
        "added_by_state": dict(counted.by_state),
        "added_by_support_type": dict(counted.by_support_type),
    }


def _passing(connection: Connection, wanted: ChangeFilter) -> dict[str, int]:
    regained, came_and_went = passing(connection, wanted)
    return {"lost_and_regained": regained, "came_and_went": came_and_went}


def _baseline(
    connection: Connection, declaration: PublishedList, asked: date | None, last: Totals
) -> dict[str, Any] | None:
    """The list as of the day asked for, else of the declared day, else the list's first publication.

    None when a day is asked for at which no list was recorded.
    """
    day = asked or declaration.baseline
    totals = None
    if day is not None:
        end = beginning(day + timedelta(days=1), declaration.time_zone)
        totals = totals_before(connection, declaration.name, end)
    if totals is None and asked is None:
        totals, day = first_totals(connection, declaration.name), None
    if totals is None:
        return None
    then = day or totals.published_at.astimezone(ZoneInfo(declaration.time_zone)).date()
    return {
        "date": then.isoformat(),
        **_totals(totals),
        "percent": growth(totals.agreements, last.agreements),
    }


def growth(base: int, total: int) -> float | None:
    """By how many per cent `total` is above `base`, to one decimal; None when the base is nothing."""
    return round((total - base) * 100 / base, 1) if base else None


def _publications(connection: Connection, wanted: ChangeFilter) -> list[dict[str, Any]]:
    """Every publication of the period, with its hash, its rows, and what became of it."""
    if wanted.since is None or wanted.until is None:
        return []
    return [
        {
            "key": row.key,
            "published_at": iso(row.published_at),
            "basis": row.basis,
            "captured_at": iso(row.captured_at),
            "published_name": row.published_name,
            "sha256": row.sha256,
            "state": row.state,
            "agreements": row.agreements,
            "agencies": row.agencies,
            "counts": dict(row.counts or {}),
            "reasons": [reason["text"] for reason in row.reasons or ()],
            "verdict": row.verdict,
            "decided_by": row.decided_by,
            "note": row.note,
        }
        for row in publications_between(connection, wanted.lists[0], wanted.since, wanted.until)
    ]


TEMPLATES = Path(__file__).parent / "report_templates"
SHOWN = 300  # amended agreements listed one by one; the JSON has them all
FATES = {
    "held": "held for a person",
    "cleared": "held, and put right by a later list",
    "rejected": "set aside",
    "retracted": "taken out again",
    "failed": "met a bug of ours",
    "unreadable": "not readable",
}
MOST_GROUPS = 30  # more are no table that anybody reads
BASES = {
    "workbook": "the file's own time",
    "last-modified": "the server's Last-Modified",
    "name": "its name",
    "capture": "when it was fetched",
}


def as_markdown(told: Mapping[str, Any], lists: Mapping[str, PublishedList]) -> str:
    """The report for people who read text; every text of the lists is escaped."""
    return _markdown_pages().get_template("report.md.j2").render(_context(told, lists))


def as_html(
    told: Mapping[str, Any],
    lists: Mapping[str, PublishedList],
    series: Sequence[Totals],
    *,
    drawn: bool = True,
) -> str:
    """The report as one file: style and charts are inside, and its own policy allows nothing else.

    `series` are the list's accepted publications from the first one until the end of the period.
    """
    context = _context(told, lists)
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    return (
        _html_pages()
        .get_template("report.html.j2")
        .render(
            context,
            style=Markup(style),  # noqa: S704 - our own file
            policy=content_policy(),
            charts=_charts(told, context["declaration"], series) if drawn else {},
        )
    )


@cache
def content_policy() -> str:
    """The page's own Content-Security-Policy: its one style block, named by its hash, and nothing else."""
    digest = sha256((TEMPLATES / "report.css").read_bytes()).digest()
    return f"default-src 'none'; style-src 'sha256-{b64encode(digest).decode()}'"


def _charts(
    told: Mapping[str, Any], declaration: PublishedList, series: Sequence[Totals]
) -> dict[str, Markup]:
    nouns = declaration.wording.nouns
    until = date.fromisoformat(told["until"])
    drawn = {
        "growth": charts.growth(series, nouns, holders=declaration.wording.holders),
        "weekly": charts.weekly_additions(series, until, nouns, time_zone=declaration.time_zone),
    }
    if declaration.split:
        by = "support type" if declaration.split == "support_type" else declaration.wording.split
        drawn["models"] = charts.model_mix(series, nouns, by=by)
    if declaration.group == "state":
        drawn["map"] = charts.state_map(told["by_state"], nouns)
    elif declaration.group:
        most = sorted(told["by_state"].items(), key=lambda item: (-item[1], item[0]))[:MOST_GROUPS]
        drawn["map"] = charts.by_group(
            {name or "none given": count for name, count in most}, nouns, declaration.wording.group
        )
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704 - texts were escaped as it was drawn


def _context(told: Mapping[str, Any], lists: Mapping[str, PublishedList]) -> dict[str, Any]:
    declaration = lists[told["list"]]
    of_kind: dict[str, list[Mapping[str, Any]]] = {
        kind: [change for change in told["changes"] if change["kind"] == kind]
        for kind in ("added", "removed", "returned", "renamed", "amended")
    }
    pending = lists.get(declaration.pending_list or "")
    return {
        "told": told,
        "declaration": declaration,
        "wording": declaration.wording,
        "period": period(told),
        "headline": headline(told, declaration),
        "map": "",
        "coverage": coverage_sentences(told["coverage"]),
        "crossed": crossed(of_kind["added"], declaration),
        "plain": [] if declaration.wording.holder else of_kind["added"][:SHOWN],
        "new": [one for one in of_kind["added"] if one["new_agency"]] if declaration.wording.holder else [],
        "further": [one for one in of_kind["added"] if not one["new_agency"]]
        if declaration.wording.holder
        else [],
        "models_have_names": declaration.split == "support_type",
        **{kind: of_kind[kind] for kind in ("removed", "returned", "renamed")},
        "amended": of_kind["amended"][:SHOWN],
        "amended_fields": _fields(of_kind["amended"]),
        "accepted": [p for p in told["publications"] if p["state"] not in FATES],
        "held": [p for p in told["publications"] if p["state"] in FATES],
        "pending_wording": pending.wording if pending else None,
        "conversions": conversion_sentences(told["conversions"]),
        "oldest": (told["conversions"] or {}).get("oldest", []),
        "pending_headline": headline(told["pending"], pending) if pending and told["pending"] else [],
    }


def crossed(added: Sequence[Mapping[str, Any]], declaration: PublishedList) -> dict[str, Any]:
    """The batch by group and split (state and support type): column names, rows of (group, counts, total), totals."""
    counted: dict[str, Counter[str]] = {}
    for change in added:
        group, split = (_said(change, field) for field in (declaration.group, declaration.split))
        counted.setdefault(group, Counter())[split] += 1
    totals: Counter[str] = sum(counted.values(), Counter())
    models = sorted(totals, key=lambda model: (-totals[model], model))
    of_states = declaration.group == "state"
    rows = sorted(counted.items(), key=lambda item: (-item[1].total(), state_name(item[0] or None)))
    return {
        "models": models,
        "rows": [
            (
                state_name(name or None) if of_states else name or "none given",
                [row[model] for model in models],
                row.total(),
            )
            for name, row in (rows if of_states else rows[:MOST_GROUPS] if declaration.group else ())
        ],
        "totals": [totals[model] for model in models],
        "total": totals.total(),
    }


def _said(change: Mapping[str, Any], field: str) -> str:
    """What an added entry says in a field; "" for no field."""
    return str((change["after"] or {}).get(field) or change.get(field) or "") if field else ""


def _fields(amended: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Which fields were amended, and how often."""
    counted = Counter(
        FIELDS.get(name) or name.replace("_", " ")
        for change in amended
        for name in change["after"] or change["before"] or {}
    )
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))


@cache
def _markdown_pages() -> Environment:
    # Markdown has no markup of its own to escape to, so every value is escaped as it is printed.
    return _equipped(_literal_or_escaped, autoescape=False)


def _literal_or_escaped(value: object) -> str:
    return str(value) if isinstance(value, Markup) else markdown(value)


@cache
def _html_pages() -> Environment:
    return _equipped(None, autoescape=True)


def _equipped(finalize: Callable[[object], str] | None, *, autoescape: bool) -> Environment:
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
        autoescape=autoescape,  # noqa: S701 - off for what is not HTML; see `finalize`
    )
    pages.filters["state"] = lambda value: state_name(value or None)
    pages.filters["model"] = lambda value: model_name(value or None)
    pages.filters["day"] = _day
    pages.filters["percent"] = percent
    pages.filters["number"] = lambda value: "–" if value is None else f"{value:,}"
    pages.filters["signed_number"] = lambda value: f"{value:+,}"
    pages.filters["fate"] = lambda state: FATES.get(state, state)
    pages.filters["basis"] = lambda basis: BASES.get(basis, basis)
    pages.filters["counts"] = lambda counts: (
        ", ".join(f"{n:,} {kind}" for kind, n in counts.items()) or "no change"
    )
    pages.filters["literal"] = Markup  # Markdown of our own making
    return pages


def _day(value: str | None) -> str:
    return long_day(date.fromisoformat(value[:10])) if value else "–"
