"""Why a notice did not go out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from sqlalchemy import Connection, Row

from changelog.reports import report
from changelog.wording import batch, change_json, iso, title
from pipelines.history.changes import ChangeFilter, StoredChange, read_changes
from pipelines.history.publications import publication_by_key
from pipelines.incidents import duration
from pipelines.installation import Installation
from pipelines.logs import get_log
from scraper.errors import UsageError
from scraper.lists import PublishedList


class NotSentError(Exception):
    """It was not taken, this time; in words without secrets."""


class GoneError(Exception):
    """What it tells of, or its channel, is no more: it can never be delivered."""


FIRST_LINES = 15
MOST_CHANGES = 500  # in a webhook's body; whoever wants more follows the link
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Message:
    """For people: `title` and `text`. For programs: `data`."""

    title: str
    text: str
    data: Mapping[str, Any]


def message(installation: Installation, payload: Mapping[str, Any]) -> Message:
    """Word a notice. Raises GoneError when there is nothing left to tell."""
    facts = {"publication": _publication, "incident": _incident, "digest": _digest}[payload["kind"]]
    data, more = facts(installation, payload)
    name = f"{payload['kind']}.txt"
    told = _rendered(installation, name, {**data, **more})
    head, _, body = told.strip().partition("\n")
    return Message(head.strip(), body.strip(), data)


def _rendered(installation: Installation, name: str, facts: Mapping[str, Any]) -> str:
    own = installation.settings.home / "templates"
    if (own / name).is_file():
        try:
            return _environment(own).get_template(name).render(facts)
        except (
            TemplateError,
            UnicodeError,
            OSError,
            ArithmeticError,
            LookupError,
            TypeError,
            ValueError,
        ) as wrong:
            get_log().error(
                "your template is broken, so the built-in one was used", template=name, error=repr(wrong)
            )
    return _environment(None).get_template(name).render(facts)


def _environment(own: Path | None) -> ImmutableSandboxedEnvironment:
    built_in = PackageLoader("changelog", "notice_templates")
    loader = ChoiceLoader([FileSystemLoader(own), built_in]) if own else built_in
    # Plain text: what is written here is not HTML, and Apprise escapes for the services that are.
    return ImmutableSandboxedEnvironment(
        loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )


def _publication(
    installation: Installation, payload: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    declaration = installation.lists.get(payload["list"])
    with installation.engine.connect() as connection:
        row = publication_by_key(connection, payload["publication"])
        if row is None or declaration is None:
            raise GoneError("This publication, or its list, is known no more.")
        found = _wanted_changes(installation, connection, row)
    if not found:
        raise GoneError("Its changes were corrected away before they were told.")
    counts: dict[str, int] = {}
    for change in found:
        counts[change.kind] = counts.get(change.kind, 0) + 1
    data = {
        "kind": "publication",
        "list": row.list,
        "list_title": declaration.wording.title,
        "publication": row.key,
        "published_at": iso(row.published_at),
        "published_name": row.published_name,
        "sha256": row.sha256,
        "counts": counts,
        "total_agreements": row.agreements,
        "link": _link(installation, declaration, f"/publications/{row.key}"),
        "changes": [change_json(change, declaration) for change in found[:MOST_CHANGES]],
    }
    lines = [title(change, declaration) for change in found]
    more = {"lines": lines[:FIRST_LINES], "left": max(0, len(lines) - FIRST_LINES), "all_lines": lines}
    return data, more


def _wanted_changes(installation: Installation, connection: Connection, row: Row[Any]) -> list[StoredChange]:
    wanted = ChangeFilter(
        lists=(row.list,), kinds=installation.settings.notify_kinds, sha256=row.sha256,
        since=row.published_at, until=row.published_at + timedelta(seconds=1),
    )  # fmt: skip
    states = set(installation.settings.notify_states)
    return [
        change
        for change in read_changes(connection, wanted)
        if change.place == row.place and (not states or states & _states(change))
    ]


def _states(change: StoredChange) -> set[str | None]:
    """A correction that moves an agency concerns the state it leaves, too."""
    return {change.state, *((side or {}).get("state") for side in (change.before, change.after))}


def _incident(
    installation: Installation, payload: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    declaration = installation.lists.get(payload["list"])
    opened = datetime.fromisoformat(payload["opened_at"])
    closed = datetime.fromisoformat(payload["closed_at"]) if payload["closed_at"] else None
    lasted = (closed or installation.now()) - opened
    data = {
        **payload,
        "opened_at": iso(opened),
        "closed_at": iso(closed),
        "list_title": declaration.wording.title if declaration else payload["list"],
        "lasted": duration(lasted),
        "lasted_seconds": int(lasted.total_seconds()),
        "link": _link(installation, declaration, "/held" if payload["incident"] == "held" else "/runs"),
    }
    return data, {"page": declaration.page if declaration else None}


def _digest(installation: Installation, payload: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    since = datetime.strptime(f"{payload['week']}-1", "%G-W%V-%u").replace(tzinfo=UTC).date()
    parts = []
    with installation.engine.connect() as connection:
        for name, declaration in installation.lists.items():
            part = _week_of_list(installation, connection, declaration, since)
            if part and (
                not installation.settings.notify_lists or name in installation.settings.notify_lists
            ):
                parts.append(part)
    if not parts:
        raise GoneError("Nothing was recorded up to that week.")
    data = {
        "kind": "digest",
        "week": payload["week"],
        "since": since.isoformat(),
        "until": (since + WEEK).isoformat(),
        "link": _link(installation, None, f"/changes?since={since}&until={since + WEEK - timedelta(days=1)}"),
        "lists": parts,
    }
    return data, {}


def _week_of_list(
    installation: Installation, connection: Connection, declaration: PublishedList, since: date
) -> dict[str, Any] | None:
    try:
        told = report(connection, installation.lists, declaration.name, since, since + WEEK)
    except UsageError:
        return None
    names = [change["title"] for change in told["changes"]]
    by_kind = {
        kind: told[kind] for kind in ("added", "removed", "returned", "renamed", "amended") if told[kind]
    }
    return {
        "list": declaration.name,
        "title": declaration.wording.title,
        "headline": batch(told, declaration),
        "counts": by_kind,
        "total_agreements": told["total_agreements"],
        "titles": names,
    }


def _link(installation: Installation, declaration: PublishedList | None, path: str) -> str | None:
    """Our own page when it can be reached from outside, otherwise the publisher's."""
    if installation.settings.public_url:
        return installation.settings.public_url.rstrip("/") + path
    return declaration.page if declaration else None
