"""What people ask for, by an address or on the command line: understood, or refused with what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from changelog.wording import STATES, end_of, moment
from pipelines.history.changes import ChangeFilter
from pipelines.places.index import county_named
from pipelines.registers import Registers, registers
from pipelines.values import KINDS, LEVELS
from scraper.errors import UsageError
from scraper.lists import PublishedList

_FIPS = re.compile(r"[0-9]{5}")


def several(texts: Iterable[str]) -> list[str]:
    """Words that stand apart by commas or were said one by one."""
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def state_code(text: str) -> str:
    """`TX` of tx, Texas or texas. Raises UsageError for what is no state or territory."""
    wanted = " ".join(text.split()).casefold()
    for code, name in STATES.items():
        if wanted in (code.casefold(), name.casefold()):
            return code
    raise UsageError(f"There is no state {text[:40]!r}. Write two letters or the name: TX, Texas.")


def kinds_of(texts: Iterable[str]) -> list[str]:
    kinds = several(texts)
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise UsageError(f"There is no kind {unknown[0][:40]!r}. Kinds are: {', '.join(KINDS)}.")
    return kinds


def levels_of(texts: Iterable[str]) -> list[str]:
    levels = several(texts)
    if unknown := [level for level in levels if level not in LEVELS]:
        raise UsageError(f"There is no level {unknown[0][:40]!r}. Levels are: {', '.join(LEVELS)}.")
    return levels


def counties_of(texts: Iterable[str], known: Registers | None = None) -> list[str]:
    """FIPS codes, of codes or of names with their state: 12005, FL:Bay, "FL:Bay County"."""
    found = []
    for text in several(texts):
        if _FIPS.fullmatch(text):
            found.append(text)
            continue
        state, colon, name = text.partition(":")
        counties = county_named(known or registers(), state_code(state), name) if colon else []
        if len(counties) != 1:
            raise UsageError(
                f"{text[:40]!r} is no county. Write its FIPS code, or its state and name: FL:Bay."
            )
        found.append(counties[0].fips)
    return found


def day_of(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not 1900 < found.year < 3000:
        raise UsageError(f"{text[:40]!r} is not a day. Write 2025-04-08.")
    return found


def change_filter(
    lists: Mapping[str, PublishedList],
    names: Sequence[str] = (),
    *,
    since: str | None = None,
    until: str | None = None,
    through: str | None = None,
    kinds: Iterable[str] = (),
    states: Iterable[str] = (),
    models: Iterable[str] = (),
    words: str | None = None,
    agency_id: str | None = None,
    sha256: str | None = None,
    reviewed: bool | None = None,
    counties: Iterable[str] = (),
    levels: Iterable[str] = (),
    registers: Registers | None = None,
    recorded_since: str | None = None,
) -> ChangeFilter:
    """Which changes. `names` are of `lists`; days are in the time zone of the one list that is named, else UTC.

    `until` ends before its day begins; `through` is a day that is seen whole. Raises UsageError.
    """
    zone = lists[names[0]].time_zone if len(names) == 1 else "UTC"
    first = moment(since, zone) if since else None
    last = end_of(through, zone) if through else moment(until, zone) if until else None
    if first and last and first >= last:
        raise UsageError(
            f"Nothing lies from {since} on and before {through or until}. Write the earlier day first."
        )
    return ChangeFilter(
        lists=names,
        since=first,
        until=last,
        kinds=kinds_of(kinds),
        states=[state_code(state) for state in several(states)],
        support_types=several(models),
        agency=(words or "").strip() or None,
        agency_id=agency_id or None,
        sha256=sha256 or None,
        recorded_since=moment(recorded_since, zone) if recorded_since else None,
        reviewed=reviewed,
        counties=counties_of(counties, registers),
        levels=levels_of(levels),
    )
