"""The words of a change, of times, and of a batch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import us

from pipelines.history.changes import StoredChange
from pipelines.history.conversions import Applied
from pipelines.history.places import NOWHERE
from pipelines.values import NEW_IS_RIGHT, REPEATED
from scraper.cadence import Cron, parse
from scraper.errors import UsageError
from scraper.lists import AGREEMENT_KEY, Cadence, PublishedList

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_YEARS = range(1900, 3000)
LONG_TEXT = 120  # a longer text in a title hides everything else


def moment(text: str, time_zone: str = "UTC") -> datetime:
    """The beginning of a date, or an exact time; a time without a zone is in the list's own."""
    try:
        if _DAY.fullmatch(text):
            parsed = datetime.combine(date.fromisoformat(text), time(), ZoneInfo(time_zone))
        else:
            parsed = datetime.fromisoformat(text)
    except ValueError:
        raise _not_a_date(text) from None
    if parsed.year not in _YEARS:
        raise _not_a_date(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=ZoneInfo(time_zone))).astimezone(UTC)


def _not_a_date(text: str) -> UsageError:
    return UsageError(f"{text[:40]!r} is not a date. Write 2025-04-08 or 2025-04-08T16:00:00Z.")


def end_of(text: str, time_zone: str = "UTC") -> datetime:
    """Until when something holds "as of" a date (its whole day) or an exact time (that second)."""
    if _DAY.fullmatch(text):
        day = moment(text, time_zone).astimezone(ZoneInfo(time_zone)).date() + timedelta(days=1)
        return datetime.combine(day, time(), ZoneInfo(time_zone)).astimezone(UTC)
    return moment(text, time_zone) + timedelta(seconds=1)


def week(text: str) -> tuple[date, date]:
    """Monday of an ISO week and the Monday after it."""
    try:
        first = datetime.strptime(f"{text}-1", "%G-W%V-%u").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise UsageError(f"{text[:40]!r} is not an ISO week. Write 2025-W20.") from None
    return first, first + timedelta(days=7)


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
STATES: dict[str, str] = {
    state.abbr: state.name for state in (*us.states.STATES_AND_TERRITORIES, us.states.DC)
}


_WEEKDAYS = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")


def cadence_text(cadence: Cadence) -> str:
    """When a list is looked at: "every hour from 9 am to 8 pm on weekdays, New York time"."""
    told = " and ".join(_rule_text(parse(rule)) for rule in cadence.crons)
    return f"{told}, {cadence.time_zone.rpartition('/')[2].replace('_', ' ')} time"


def _rule_text(rule: Cron | timedelta) -> str:
    if isinstance(rule, timedelta):
        minutes = int(rule.total_seconds()) // 60
        return f"every {minutes // 60} hours" if not minutes % 60 else f"every {minutes} minutes"
    hours = sorted(rule.hours)
    whole = len(hours) > 2 and hours == [*range(hours[0], hours[-1] + 1)]
    if whole:
        often = "every hour" if len(rule.minutes) == 1 else f"{len(rule.minutes)} times an hour"
        when = often if len(hours) == 24 else f"{often} from {_hour(hours[0])} to {_hour(hours[-1])}"
    else:
        times = [_hour(hour, minute) for hour in hours for minute in sorted(rule.minutes)]
        when = f"at {' and '.join([', '.join(times[:-1]), times[-1]]) if len(times) > 1 else times[0]}"
    days = " or ".join(filter(None, (_dates_text(rule), _weekdays_text(rule))))
    return f"{when} {days or 'every day'}"


def _dates_text(rule: Cron) -> str:
    days = "" if len(rule.days) == 31 else f"on day {', '.join(map(str, sorted(rule.days)))} of the month"
    months = "" if len(rule.months) == 12 else f"in month {', '.join(map(str, sorted(rule.months)))}"
    return " ".join(filter(None, (days, months)))


def _weekdays_text(rule: Cron) -> str:
    named = {frozenset(range(7)): "", frozenset(range(1, 6)): "on weekdays", frozenset({0, 6}): "at weekends"}
    return named.get(rule.weekdays, f"on {', '.join(_WEEKDAYS[day] for day in sorted(rule.weekdays))}")


def _hour(hour: int, minute: int = 0) -> str:
    return f"{hour % 12 or 12}{f':{minute:02}' if minute else ''} {'am' if hour < 12 else 'pm'}"


def state_name(abbreviation: str | None) -> str:
    """The name of a state or territory; "no state" when the list does not say."""
    return STATES.get(abbreviation or "", abbreviation or "no state")


def model_name(support_type: str | None) -> str:
    return MODELS.get(support_type or "", support_type or "no support type")


def iso(moment: datetime | None) -> str | None:
    """As 2025-05-12T17:40:40Z."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None


def title(change: StoredChange, declaration: PublishedList | None = None) -> str:
    """One line for people: which entry, and what became of it."""
    return f"{who(change, declaration)}: {what(change, declaration)}"


def who(change: StoredChange, declaration: PublishedList | None = None) -> str:
    """Which entry: the fields that the declaration names in `title`, the key, the name, place and model."""
    if declaration is None or (declaration.of_agreements and not declaration.title):
        names: list[str] = ["agency"]
    else:
        parts = {part for field in declaration.fields.values() for part in field.combine}
        named = dict.fromkeys((*declaration.title, *declaration.key, "agency"))
        names = [name for name in named if name not in parts or name in declaration.title]
    apart = ("state", "support_type") if declaration is None else carried(declaration)
    shown = [str(value) for name in names if name not in apart and (value := field_of(change, name))]
    line = " · ".join(dict.fromkeys(shown)) or change.agency
    if "state" in apart and (change.state or declaration is None or "state" in declaration.key):
        line += f" ({change.state or '?'})"
    return f"{line}, {change.support_type}" if change.support_type and "support_type" in apart else line


def carried(declaration: PublishedList) -> tuple[str, ...]:
    """Of the fields that lists about agencies of U.S. states have, those that this one has."""
    have = {*declaration.columns.values(), *declaration.fields} if not declaration.mail else {*FIELDS}
    return tuple(name for name in FIELDS if name in have and name != "agency")


def field_of(change: StoredChange, name: str) -> Any:
    """What the entry of a change says in a field, as the change leaves it."""
    if name in ("state", "agency", "support_type", "signed"):
        value = getattr(change, name)
        return value.isoformat() if isinstance(value, date) else value
    side = change.before if change.kind == "removed" else change.after
    return (side or {}).get(name, change.said.get(name))


def what(change: StoredChange, declaration: PublishedList | None) -> str:
    match change.kind:
        case "added" if change.rule == REPEATED:
            return "listed a second time"
        case "removed" if change.rule == REPEATED:
            return "no longer listed twice"
        case "added":
            return _added(change, declaration)
        case "removed" if change.application:
            return _outcome(change.application)
        case "removed":
            gone = declaration.wording.removed if declaration else "no longer listed"
            return f"{gone}{_one_or_two(change)}"
        case "returned":
            return "listed again"
        case "renamed":
            return _renamed(change)
        case _:
            return _differing(change)


def _added(change: StoredChange, declaration: PublishedList | None) -> str:
    verb = declaration.wording.added if declaration else "added"
    if change.signed is None:
        return f"{verb}{_one_or_two(change)}"
    newly = "newly listed, " if change.newly_signed is False else ""
    return f"{newly}{verb} {change.signed.isoformat()}{_one_or_two(change)}"


def _one_or_two(change: StoredChange) -> str:
    """That two changes may be, or were, one agreement under two names."""
    verdict = change.settlement["verdict"] if change.settlement else ""
    other = "listed under another name before" if change.kind == "added" else "listed on under another name"
    return {"open": f" (possibly {other})", "one": f" ({other})"}.get(verdict, "")


def _outcome(application: Applied) -> str:
    """What became of an application that left its list."""
    signed = f"signed {application.signed}" if application.signed else "undated"
    listed = f"{application.listed or ''}"[:10]
    if application.status == "had":
        return f"left the list, and had an agreement already ({signed})"
    if application.converted:
        return f"became an agreement, {signed}, listed {listed}"
    return "left without signing" + ("; " + "; ".join(application.evidence) if application.evidence else "")


def _renamed(change: StoredChange) -> str:
    before, after = change.before or {}, change.after or {}
    if "agency" in before and before["agency"] != after.get("agency"):
        if any(said.startswith(NEW_IS_RIGHT) for said in change.evidence):
            return f"corrected from “{before['agency']}”"
        return f"printed as “{before['agency']}” before"
    return f"moved from {state_name(before.get('state'))} to {state_name(after.get('state'))}"


def _differing(change: StoredChange) -> str:
    names = list(change.after or change.before or {})
    return ", ".join(difference(name, change.before or {}, change.after or {}) for name in names) or "amended"


def difference(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What became of one field, in a few words."""
    field = FIELDS.get(name) or name.replace("_", " ")
    old, new = before.get(name), after.get(name)
    if name not in FIELDS and max(len(str(old or "")), len(str(new or ""))) > LONG_TEXT:
        return f"{field} changed"
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
    listing = declaration.wording.title if declaration else change.list
    day = f"{change.published_at:%-d %B %Y}"
    since = f" It had been pending since {change.pending_since:%-d %B %Y}." if change.pending_since else ""
    told = f"{what(change, declaration)}, {listing} of {day}.{since}"
    if declaration is not None and not {"state", "support_type"} & {*carried(declaration)}:
        return f"{who(change, declaration)}: {told}"
    where = f"in {state_name(change.state)}" if change.state else "of an unnamed state"
    return f"{change.agency} {where} ({model_name(change.support_type)}): {told}"


def _became(application: Applied) -> dict[str, Any] | None:
    if application.became is None:
        return None
    return {
        "agreement_id": application.became,
        "signed": str(application.signed) if application.signed else None,
        "listed": f"{application.listed or ''}"[:20],
    }


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
        "key": {name: field_of(change, name) for name in (declaration.key if declaration else AGREEMENT_KEY)},
        "fields": {name: field_of(change, name) for name in (declaration.title if declaration else ())},
        "before": change.before,
        "after": change.after,
        "rule": change.rule,
        "score": change.score,
        "evidence": list(change.evidence),
        "title": title(change, declaration),
        "review": {**review, "at": iso(review["at"])} if review else None,
    }
    if declaration is not None and declaration.has_places:
        told |= (change.where or NOWHERE).as_json()
    if change.kind == "added":
        told["newly_signed"] = change.newly_signed
        told["new_agency"] = change.new_agency
        told["pending_since"] = change.pending_since.isoformat() if change.pending_since else None
    if change.kind in ("added", "removed"):
        told["pair"] = change.pair
        told["settled"] = dict(change.settlement) if change.settlement else None
    if change.application:
        told["became"] = _became(change.application)
    elif change.kind == "removed":
        told["became"] = None
    if change.baseline:
        told["baseline"] = True
    return told if declaration is None else _only_carried(told, declaration)


OF_SIGNATURES = ("newly_signed", "pending_since")
OF_PLACES = ("level", "fips", "place", "ori", "population", "officers", "place_evidence")


def _only_carried(told: dict[str, Any], declaration: PublishedList) -> dict[str, Any]:
    """Without what only lists about agencies of U.S. states have, where the declaration does not have it."""
    have = carried(declaration)
    missing = {name for name in FIELDS if name not in have} - {"agency"}
    if "signed" in missing:
        missing |= {*OF_SIGNATURES}
    kept = {name: value for name, value in told.items() if name not in missing}
    for side in ("before", "after"):
        if told[side]:
            kept[side] = {name: value for name, value in told[side].items() if name not in missing}
    return kept


Report = Mapping[str, Any]


def headline(told: Report, declaration: PublishedList) -> list[str]:
    """The figures of a report in a few sentences, each of which says what it counts."""
    said = (_standing(told, declaration), batch(told, declaration), _gone(told), _grown(told, declaration))
    return [sentence for sentence in said if sentence]


def period(told: Report) -> str:
    """ "the week of 12 May 2025", or the days from first to last."""
    since, until = _days(told)
    if told["week"]:
        return f"the week of {long_day(since)}"
    if until - since == timedelta(days=1):
        return long_day(since)
    return f"{long_day(since)} to {long_day(until - timedelta(days=1))}"


def time_of(told: Report) -> str:
    """ "in the week of 12 May 2025", "on 12 May 2025", "from 12 May 2025 to 30 May 2025"."""
    since, until = _days(told)
    word = "in" if told["week"] else "on" if until - since == timedelta(days=1) else "from"
    return f"{word} {period(told)}"


def batch(told: Report, declaration: PublishedList) -> str:
    """The period's additions in one sentence, in which agreements and agencies are two counts."""
    nouns = _nouns(told["added"], declaration)
    when = time_of(told)
    if not told["publications"]:
        return f"No list was published {when}; the figures are those of the list before."
    if not told["added"]:
        return f"Nothing was added {when}."
    parts = []
    if told["newly_signed"]:
        parts.append(f"{told['newly_signed']:,} of them newly {declaration.wording.added}")
    if declaration.wording.holder:
        parts.append(
            f"{told['new_agencies']:,} {_holders(told['new_agencies'], declaration)} new to the list"
        )
    if told.get("from_pending"):
        parts.append(f"{told['from_pending']:,} pending before")
    more = f": {', '.join(parts)}" if parts else ""
    return f"{told['added']:,} {nouns} {_were(told['added'])} added {when}{more}."


def _standing(told: Report, declaration: PublishedList) -> str:
    words = declaration.wording
    groups = told["total_states"]
    within = (
        f" in {groups:,} {words.group if groups == 1 else words.groups}"
        if words.group and words.group != words.holder
        else ""
    )
    return (
        f"{counted(told, declaration)}{within}, "
        f"on the list published {long_day(date.fromisoformat(told['published_at'][:10]))}."
    )


def counted(told: Mapping[str, Any], declaration: PublishedList) -> str:
    """ "444 agreements of 344 agencies", as far as the list has somebody whom its entries are about."""
    counted = f"{told['total_agreements']:,} {_nouns(told['total_agreements'], declaration)}"
    if not declaration.wording.holder:
        return counted
    return f"{counted} of {told['total_agencies']:,} {_holders(told['total_agencies'], declaration)}"


def _gone(told: Report) -> str:
    if not told["removed"] and not told["returned"]:
        return ""
    said = f"{told['removed']:,} left the list"
    if told["returned"]:
        said += f", {told['returned']:,} came back"
    said += f"; the net change is {told['net']:+,}."
    passing = []
    if told["lost_and_regained"]:
        passing.append(f"{told['lost_and_regained']:,} lost and regained")
    if told["came_and_went"]:
        passing.append(f"{told['came_and_went']:,} added and gone again")
    if passing:
        said += f" Within the period, {' and '.join(passing)}: counted above, without effect on the total."
    return said


def _grown(told: Report, declaration: PublishedList) -> str:
    base = told["baseline"]
    if base is None:
        return ""
    then = long_day(date.fromisoformat(base["date"]))
    of = f"{counted(base, declaration)} on {then}"
    if base["percent"] is None:
        return f"The baseline was {of}."
    if base["percent"] == 0:
        return f"As many as the {of}."
    return f"{'Up' if base['percent'] > 0 else 'Down'} {abs(base['percent']):,.1f} % from {of}."


def long_day(day: date) -> str:
    return f"{day:%-d %B %Y}"


def _days(told: Report) -> tuple[date, date]:
    return date.fromisoformat(told["since"]), date.fromisoformat(told["until"])


def _nouns(count: int, declaration: PublishedList) -> str:
    return declaration.wording.noun if count == 1 else declaration.wording.nouns


def _holders(count: int, declaration: PublishedList) -> str:
    return declaration.wording.holder if count == 1 else declaration.wording.holders


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
