"""One change, one title, one sentence, one stable id: every channel speaks through this module."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import us

from pipelines.history.changes import StoredChange
from pipelines.values import REPEATED
from scraper.lists import PublishedList

MODELS = {
    "JEM": "Jail Enforcement Model",
    "TFM": "Task Force Model",
    "WSO": "Warrant Service Officer",
}
FIELDS = {
    "state": "state",
    "agency": "agency",
    "type": "type",
    "county": "county",
    "support_type": "support type",
    "signed": "signing date",
    "moa": "agreement document",
    "addendum": "addendum",
}
_STATES: dict[str, str] = {
    state.abbr: state.name for state in (*us.states.STATES_AND_TERRITORIES, us.states.DC)
}


def state_name(abbreviation: str | None) -> str:
    """The name of a state or territory; "no state" when the list does not say."""
    return _STATES.get(abbreviation or "", abbreviation or "no state")


def model_name(support_type: str | None) -> str:
    return MODELS.get(support_type or "", support_type or "no support type")


def iso(moment: datetime | None) -> str | None:
    """As 2025-05-12T17:40:40Z."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None


def title(change: StoredChange, declaration: PublishedList | None = None) -> str:
    """One line for people: who did what, where, under which model."""
    who = f"{change.agency} ({change.state or '?'})"
    model = f", {change.support_type}" if change.support_type else ""
    match change.kind:
        case "added" if change.rule == REPEATED:
            return f"{who}{model}: listed a second time"
        case "removed" if change.rule == REPEATED:
            return f"{who}{model}: no longer listed twice"
        case "added":
            return f"{who}{model}: {_added(change, declaration)}"
        case "removed":
            return f"{who}{model}: {declaration.wording.removed if declaration else 'no longer listed'}"
        case "returned":
            return f"{who}{model}: listed again"
        case "renamed":
            return f"{who}{model}: {_renamed(change)}"
        case _:
            return f"{who}{model}: {_differing(change)}"


def _added(change: StoredChange, declaration: PublishedList | None) -> str:
    verb = declaration.wording.added if declaration else "added"
    if change.signed is None:
        return verb
    if change.newly_signed is False:
        return f"newly listed, {verb} {change.signed.isoformat()}"
    return f"{verb} {change.signed.isoformat()}"


def _renamed(change: StoredChange) -> str:
    before, after = change.before or {}, change.after or {}
    if "agency" in before and before["agency"] != after.get("agency"):
        return f"corrected from “{before['agency']}”"
    return f"moved from {state_name(before.get('state'))} to {state_name(after.get('state'))}"


def _differing(change: StoredChange) -> str:
    names = list(change.after or change.before or {})
    return ", ".join(difference(name, change.before or {}, change.after or {}) for name in names) or "amended"


def difference(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What became of one field, in a few words."""
    field = FIELDS.get(name, name)
    old, new = before.get(name), after.get(name)
    if name in ("moa", "addendum"):
        return f"{field} {_document(old, new)}"
    if not old:
        return f"{field} given as {new}"
    if not new:
        return f"{field} {old} taken away"
    return f"{field} {old} became {new}"


def _document(old: Any, new: Any) -> str:
    if str(new or "").startswith("http"):
        return "replaced" if str(old or "").startswith("http") else "posted"
    if str(old or "").startswith("http"):
        return "link taken away"
    return "announced" if new else "no longer announced"


def sentence(change: StoredChange, declaration: PublishedList | None = None) -> str:
    """A whole sentence, for readers who see nothing else."""
    where = f"in {state_name(change.state)}" if change.state else "of an unnamed state"
    listing = declaration.wording.title if declaration else change.list
    day = f"{change.published_at:%-d %B %Y}"
    what = title(change, declaration).split(": ", 1)[1]
    since = f" It had been pending since {change.pending_since:%-d %B %Y}." if change.pending_since else ""
    return f"{change.agency} {where} ({model_name(change.support_type)}): {what}, {listing} of {day}.{since}"


def change_json(change: StoredChange, declaration: PublishedList | None = None) -> dict[str, Any]:
    """The promise: one change as JSON, the same on every channel."""
    review = change.review
    told: dict[str, Any] = {
        "id": change.id,
        "list": change.list,
        "kind": change.kind,
        "published_at": iso(change.published_at),
        "captured_at": iso(change.captured_at),
        "recorded_at": iso(change.recorded_at),
        "published_name": change.published_name,
        "sha256": change.sha256,
        "previous_sha256": change.previous_sha256,
        "row": change.row,
        "state": change.state,
        "agency": change.agency,
        "agency_id": change.agency_id,
        "agreement_id": change.agreement_id,
        "support_type": change.support_type,
        "signed": change.signed.isoformat() if change.signed else None,
        "before": change.before,
        "after": change.after,
        "rule": change.rule,
        "score": change.score,
        "evidence": list(change.evidence),
        "title": title(change, declaration),
        "review": {**review, "at": iso(review["at"])} if review else None,
    }
    if change.kind == "added":
        told["newly_signed"] = change.newly_signed
        told["new_agency"] = change.new_agency
        told["pending_since"] = change.pending_since.isoformat() if change.pending_since else None
    if change.baseline:
        told["baseline"] = True
    return told
