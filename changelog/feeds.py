"""Feeds: the newest changes of a list, a state or a kind, and the weekly batch, as Atom and as JSON Feed.

Ids are made of what is told and never change; times come from the record, never from a clock, so that the same
record gives the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from markupsafe import Markup
from sqlalchemy import Connection

from changelog.reports import WEEK, beginning, report, week_of
from changelog.wording import batch, difference, headline, long_day, model_name, sentence, state_name, title
from pipelines.history.changes import ChangeFilter, StoredChange, read_changes
from pipelines.history.figures import totals_before, totals_between
from scraper.lists import PublishedList

AUTHORITY = "tag:countersign,2025"
ENTRIES = 100
WEEKS = 12
LISTED = 200  # additions and removals named in one digest
NEVER = datetime(2000, 1, 1, tzinfo=UTC)  # the time of a feed of nothing
_UNPRINTABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing told. `published` is when the list said it, `updated` when the newest file of it was fetched."""

    id: str
    title: str
    address: str
    published: datetime
    updated: datetime
    summary: str
    html: str
    tags: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Feed:
    """`home` is the page that shows the same."""

    id: str
    title: str
    subtitle: str
    home: str
    updated: datetime
    entries: Sequence[Entry]


def change_feed(
    connection: Connection,
    lists: Mapping[str, PublishedList],
    base: str,
    wanted: ChangeFilter,
    limit: int = ENTRIES,
) -> Feed:
    """The newest changes that fit, newest first. `base` is the address of the pages, without a slash at its end."""
    found = list(read_changes(connection, wanted, limit=limit, newest_first=True))
    entries = [_entry(change, lists.get(change.list), base) for change in found]
    first = [",".join(chosen) for chosen in (wanted.lists, wanted.states, wanted.kinds)]
    others = {
        "model": wanted.support_types, "q": wanted.agency, "agency": wanted.agency_id,
        "county": wanted.counties, "level": wanted.levels,
    }  # fmt: skip
    query = urlencode(
        {
            name: value
            for name, value in {
                "list": wanted.lists,
                "state": wanted.states,
                "kind": wanted.kinds,
                **others,
            }.items()
            if value
        },
        doseq=True,
    )
    further = urlencode({name: value for name, value in others.items() if value}, doseq=True)
    of = ", ".join(
        [
            *(lists[name].wording.title for name in wanted.lists),
            *map(state_name, wanted.states),
            *wanted.kinds,
            *map(model_name, wanted.support_types),
            *(f"county {fips}" for fips in wanted.counties),
            *wanted.levels,
            *([f"“{wanted.agency}”"] if wanted.agency else []),
            *([found[0].agency if found else wanted.agency_id] if wanted.agency_id else []),
        ]
    )
    return Feed(
        f"{AUTHORITY}:changes/{'/'.join(text or '-' for text in first)}" + (f"?{further}" if further else ""),
        f"Changes: {of}" if of else "Changes of every list",
        "What each publication says differently from the one before, with its evidence.",
        f"{base}/changes" + (f"?{query}" if query else ""),
        max((entry.updated for entry in entries), default=NEVER),
        entries,
    )


def _entry(change: StoredChange, declaration: PublishedList | None, base: str) -> Entry:
    listing = declaration.wording.title if declaration else change.list
    tags = [change.list, change.kind, *([change.state] if change.state else [])]
    return Entry(
        f"{AUTHORITY}:change/{change.id}",
        f"{listing}: {title(change, declaration)}",
        f"{base}/changes/{change.id}",
        change.published_at,
        max(change.captured_at, change.published_at),
        sentence(change, declaration),
        _change_html(change, declaration),
        [*tags, *([change.support_type] if change.support_type else [])],
    )


def _change_html(change: StoredChange, declaration: PublishedList | None) -> str:
    parts = [Markup("<p>{}</p>").format(sentence(change, declaration))]
    if change.kind in ("renamed", "amended"):
        before, after = change.before or {}, change.after or {}
        items = [Markup("<li>{}</li>").format(difference(name, before, after)) for name in after or before]
        parts.append(Markup("<ul>{}</ul>").format(Markup("").join(items)))
    row = f", row {change.row}" if change.row else ""
    found = Markup("<p>Found in {}{} (SHA-256 <code>{}</code>), by the rule “{}”.</p>")
    parts.append(found.format(change.published_name, row, change.sha256, change.rule))
    return str(Markup("").join(parts))


def weekly_feed(
    connection: Connection, lists: Mapping[str, PublishedList], base: str, list_name: str, weeks: int = WEEKS
) -> Feed:
    """One entry per week in which a list changed something: its batch."""
    declaration = lists[list_name]
    newest = totals_before(connection, list_name)
    entries = []
    if newest is not None:
        entries = [
            _digest(connection, declaration, base, monday, updated)
            for monday, updated in _busy_weeks(connection, declaration, newest.published_at, weeks)
        ]
    return Feed(
        f"{AUTHORITY}:weeks/{list_name}",
        f"{declaration.wording.title}: week by week",
        "The batch of each week: what was added, what left, and what it adds up to.",
        f"{base}/report?{urlencode({'list': list_name})}",
        max((entry.updated for entry in entries), default=NEVER),
        entries,
    )


def _busy_weeks(
    connection: Connection, declaration: PublishedList, newest: datetime, weeks: int
) -> list[tuple[date, datetime]]:
    """The Mondays of the last weeks with changes, newest first, and when their last file was fetched."""
    zone = ZoneInfo(declaration.time_zone)
    found: dict[date, datetime] = {}
    since = newest - (weeks + 52) * WEEK
    for totals in totals_between(connection, declaration.name, since=since):
        if totals.counts:
            day = totals.published_at.astimezone(zone).date()
            monday = day - timedelta(days=day.weekday())
            latest = max(totals.captured_at, totals.published_at)
            found[monday] = max(latest, found.get(monday, latest))
    return sorted(found.items(), reverse=True)[:weeks]


def _digest(
    connection: Connection,
    declaration: PublishedList,
    base: str,
    monday: date,
    updated: datetime,
) -> Entry:
    until = monday + WEEK
    alone = {declaration.name: declaration}  # the digest tells of one list
    told = report(connection, alone, declaration.name, monday, until, with_changes=False)
    week = week_of(monday, until) or ""
    zone = declaration.time_zone
    wanted = ChangeFilter((declaration.name,), beginning(monday, zone), beginning(until, zone))
    parts = [Markup("<p>{}</p>").format(said) for said in headline(told, declaration)]
    for kind, name in (("added", "Added"), ("returned", "Listed again"), ("removed", "Removed")):
        if told[kind]:
            parts.append(_named(connection, declaration, wanted, kind, f"{name}: {told[kind]:,}", told[kind]))
    return Entry(
        f"{AUTHORITY}:week/{declaration.name}/{week}",
        digest_title(told, declaration),
        f"{base}/report?{urlencode({'list': declaration.name, 'week': week})}",
        beginning(monday, zone),
        updated,
        " ".join(headline(told, declaration)),
        str(Markup("").join(parts)),
        (declaration.name, week),
    )


def digest_title(told: Mapping[str, Any], declaration: PublishedList) -> str:
    """The batch in one line; agreements are called so, and agencies are counted as agencies."""
    if not told["added"] or told["newly_signed"] != told["added"]:
        return batch(told, declaration).removesuffix(".")
    wording = declaration.wording
    nouns = wording.noun if told["added"] == 1 else wording.nouns
    agencies = "agency" if told["new_agencies"] == 1 else "agencies"
    when = f"in the week of {long_day(date.fromisoformat(told['since']))}"
    return (
        f"{told['added']:,} {nouns} newly {wording.added} {when}, "
        f"{told['new_agencies']:,} {agencies} new to the list"
    )


def _named(
    connection: Connection,
    declaration: PublishedList,
    wanted: ChangeFilter,
    kind: str,
    heading: str,
    count: int,
) -> Markup:
    of_kind = ChangeFilter(wanted.lists, wanted.since, wanted.until, kinds=(kind,))
    found = [title(change, declaration) for change in read_changes(connection, of_kind, limit=LISTED)]
    items = [Markup("<li>{}</li>").format(said) for said in found]
    if count > len(found):
        items.append(Markup("<li>and {} more</li>").format(f"{count - len(found):,}"))
    return Markup("<h2>{}</h2><ul>{}</ul>").format(heading, Markup("").join(items))


def as_atom(feed: Feed, address: str) -> bytes:
    """Atom (RFC 4287); `address` is the feed's own."""
    from feedgen.feed import FeedGenerator

    made = FeedGenerator()
    made.id(feed.id)
    made.title(_clean(feed.title))
    made.subtitle(_clean(feed.subtitle))
    made.link(
        [
            {"href": address, "rel": "self", "type": "application/atom+xml"},
            {"href": feed.home, "rel": "alternate"},
        ]
    )
    made.author({"name": "countersign"})
    made.generator("countersign")
    made.updated(feed.updated)
    for entry in feed.entries:
        item = made.add_entry(order="append")
        item.id(entry.id)
        item.title(_clean(entry.title))
        item.link({"href": entry.address, "rel": "alternate"})
        item.published(entry.published)
        item.updated(entry.updated)
        item.summary(_clean(entry.summary))
        item.content(_clean(entry.html), type="html")
        item.category([{"term": tag} for tag in entry.tags])
    return bytes(made.atom_str(pretty=True))


def as_json_feed(feed: Feed, address: str) -> bytes:
    """JSON Feed 1.1; `address` is the feed's own."""
    told = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "description": feed.subtitle,
        "home_page_url": feed.home,
        "feed_url": address,
        "language": "en",
        "authors": [{"name": "countersign"}],
        "items": [
            {
                "id": entry.id,
                "url": entry.address,
                "title": entry.title,
                "summary": entry.summary,
                "content_html": entry.html,
                "date_published": _rfc3339(entry.published),
                "date_modified": _rfc3339(entry.updated),
                "tags": list(entry.tags),
            }
            for entry in feed.entries
        ],
    }
    return (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode()


def _rfc3339(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _clean(text: str) -> str:
    """What XML can hold."""
    return _UNPRINTABLE.sub("", text)
