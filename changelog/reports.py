"""What became of applications in a period: how many turned into agreements, how quickly, and who waits longest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from changelog.coverage import coverage_json
from changelog.query import day_of
from changelog.wording import (
    change_json,
    iso,
    long_day,
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
