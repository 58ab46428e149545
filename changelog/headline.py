"""What a report says first, in whole sentences: the same on paper, on the card and in the digest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from scraper.lists import PublishedList

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
    parts.append(f"{told['new_agencies']:,} {_agencies(told['new_agencies'])} new to the list")
    if told.get("from_pending"):
        parts.append(f"{told['from_pending']:,} pending before")
    return f"{told['added']:,} {nouns} {_were(told['added'])} added {when}: {', '.join(parts)}."


def _standing(told: Report, declaration: PublishedList) -> str:
    return (
        f"{told['total_agreements']:,} {_nouns(told['total_agreements'], declaration)} of "
        f"{told['total_agencies']:,} {_agencies(told['total_agencies'])} in {told['total_states']:,} "
        f"{'state or territory' if told['total_states'] == 1 else 'states and territories'}, "
        f"on the list published {long_day(date.fromisoformat(told['published_at'][:10]))}."
    )


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
    of = (
        f"{base['total_agreements']:,} {_nouns(base['total_agreements'], declaration)} of "
        f"{base['total_agencies']:,} {_agencies(base['total_agencies'])} on {then}"
    )
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


def _agencies(count: int) -> str:
    return "agency" if count == 1 else "agencies"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
