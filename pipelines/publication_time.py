"""When a list was published, as well as can be known, and which witness said so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from pipelines.values import Older, Publication

# A name's date is typed by hand, and a list stays up for weeks: a name that is older says nothing.
_NAME_AGE = timedelta(days=60)
# A workbook made from an old template carries its time, years before the date in the name. Less is no
# contradiction: a list once stayed unchanged for half a year, and a name can be a year off.
_TEMPLATE_AGE = timedelta(days=400)
# Libraries and archives stamp files with their own epochs (1980, 2000, 2006) when nobody sets a time.
_EPOCH_AGE = timedelta(days=3650)

_STAMP = re.compile(r"(?<!\d)(20\d\d)(\d\d)(\d\d)T?(\d\d)(\d\d)(\d\d)(?!\d)")
_YEAR_FIRST = re.compile(r"(?<!\d)(20\d\d)([-_.]?)(\d\d)\2(\d\d)(?!\d)")
_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})([-_.]?)(\d{1,2})\2(20\d\d|\d\d)(?!\d)")
_MORNING = re.compile(r"\d[-_ ]?am", re.I)


class Dated(NamedTuple):
    """When a file was published, and by what evidence; when it says it was saved, and its server that it changed."""

    published_at: datetime
    basis: str
    saved_at: datetime | None = None
    last_modified: datetime | None = None


def dated(
    modified: datetime | None, last_modified: datetime | None, published_name: str, captured_at: datetime
) -> Dated:
    """What can be known of when a file was published. All times must be aware."""
    at, basis = publication_time(modified, last_modified, published_name, captured_at)
    return Dated(at, basis, _witness(modified, captured_at), _witness(last_modified, captured_at))


def older(new: Publication, last: Publication, unmoved: frozenset[str]) -> Older | None:
    """Whether `new` was changed last before `last`: like is compared with like, and never a date in a name.

    The first witness that says something decides. `unmoved` are those that said the same of every list so far.
    """
    for witness, at, last_at in (
        ("workbook", new.saved_at, last.saved_at),
        ("last-modified", new.last_modified, last.last_modified),
    ):
        if at and last_at and at != last_at and witness not in unmoved:
            return Older(witness, at, last_at) if at < last_at else None
    return None


def _witness(stamp: datetime | None, captured_at: datetime) -> datetime | None:
    """A name may make a stamp look like a template's, but says nothing of which of two files is older."""
    believed = stamp is not None and _believable(_whole(stamp), [], _whole(captured_at))
    return _whole(stamp) if stamp is not None and believed else None


def publication_time(
    modified: datetime | None, last_modified: datetime | None, published_name: str, captured_at: datetime
) -> tuple[datetime, str]:
    """The time (UTC, whole seconds, never later than the capture) and its basis.

    The basis is "workbook", "last-modified", "name" or "capture". All times must be aware.
    """
    captured = _whole(captured_at)
    named = [moment for moment in _named_times(published_name) if _day(moment) <= captured]
    for basis, stamp in (("workbook", modified), ("last-modified", last_modified)):
        if stamp is not None and _believable(_whole(stamp), named, captured):
            return _whole(stamp), basis
    recent = [moment for moment in named if captured - moment <= _NAME_AGE]
    if recent:
        return min(max(recent), captured), "name"
    return captured, "capture"


def _believable(stamp: datetime, named: list[datetime], captured: datetime) -> bool:
    """Not later than the capture, no library's epoch, and no template's time far before the name's date."""
    template = any(moment - stamp > _TEMPLATE_AGE for moment in named)
    return stamp <= captured and captured - stamp <= _EPOCH_AGE and not template


def _named_times(name: str) -> list[datetime]:
    """Every moment that a file's name can mean, in UTC.

    Of a day alone its end is taken, its noon when the name says "am": what was published by then.
    """
    if stamps := [moment for found in _STAMP.finditer(name) if (moment := _moment(*found.groups()))]:
        return stamps
    clock = ("12", "00", "00") if _MORNING.search(name) else ("23", "59", "59")
    return [moment for day in _days(name) if (moment := _moment(*day, *clock))]


def days_named(name: str) -> set[date]:
    """Every day that a file's name can mean."""
    return {moment.date() for day in _days(name) if (moment := _moment(*day, "12", "00", "00"))}


def _days(name: str) -> Iterator[tuple[str, str, str]]:
    for found in _YEAR_FIRST.finditer(name):
        yield found[1], found[3], found[4]
    for found in _YEAR_LAST.finditer(name):
        if found[2] or (len(found[1]) == len(found[3]) == 2):
            yield found[4] if len(found[4]) == 4 else f"20{found[4]}", found[1], found[3]


def _moment(year: str, month: str, day: str, hour: str, minute: str, second: str) -> datetime | None:
    try:
        return datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:  # a name's date can be impossible
        return None


def _day(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(), UTC)


def _whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
