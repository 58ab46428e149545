"""Made lists for the demo and the tests: eight publications in six weeks, and all that happens to real ones.

A batch of 55 agreements in one week; agencies that were pending before, and some that sign once more; a
misspelt name and a misspelt state that are put right later; a signing date that is corrected; an agreement
that leaves and comes back; a document that is promised first and linked later; a workbook merely saved again.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from demo.agencies import Agency, agencies
from demo.workbooks import Line, workbook
from scraper.lists import PENDING

_FIRST = datetime(2025, 9, 10, 21, 4, 30, tzinfo=UTC)
_SEED = 2025
BATCH = 55


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened on one list, as names of agencies by the kind of change."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    amended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Week:
    """Both lists as published at one time. `statement` is what the page says of them."""

    published_at: datetime
    participating: bytes
    participating_name: str
    pending: bytes
    pending_name: str
    statement: str
    truth: Mapping[str, Truth] = field(default_factory=dict)


_Key = tuple[str, str]


class _Story:
    """Both lists as they stand, and what happened to them since the last publication."""

    def __init__(self) -> None:
        self._chance = random.Random(_SEED)  # noqa: S311 - the same demo for everyone, not a secret
        self._unused = iter(agencies())
        self.at = _FIRST
        self.signed: dict[_Key, Line] = {}
        self.pending: dict[_Key, Line] = {}
        self._happened: dict[tuple[str, str], list[str]] = {}

    def apply(self, count: int) -> None:
        """New applications."""
        for agency in self._next(count):
            line = Line(agency, self._model())
            self.pending[line.key] = line
            self._note("pending", "added", agency.name)

    def sign(self, count: int, *, from_pending: int = 0, second: int = 0) -> list[Line]:
        """New agreements; of them so many by agencies that were pending, and so many second ones."""
        waiting = [self.pending.pop(key) for key in self._chance.sample(sorted(self.pending), from_pending)]
        for line in waiting:
            self._note("pending", "removed", line.agency.name)
        new = [Line(agency, self._model()) for agency in self._next(count - from_pending - second)]
        added = [self._put(line) for line in [*waiting, *new]]
        for key in self._chance.sample(sorted(self._single()), second):
            agency, model = self.signed[key].agency, self.signed[key].model
            added.append(self._put(Line(agency, "WSO" if model == "TFM" else "TFM")))
        return added

    def change(self, before: Line, after: Line, kind: str) -> None:
        """A row is printed otherwise; `kind` is "" while nobody could know."""
        self.signed.pop(before.key)
        self.signed[after.key] = after
        if kind:
            self._note("participating", kind, after.agency.name)

    def leave(self, key: _Key) -> Line:
        line = self.signed.pop(key)
        self._note("participating", "removed", line.agency.name)
        return line

    def come_back(self, line: Line) -> None:
        self.signed[line.key] = line
        self._note("participating", "returned", line.agency.name)

    def publish(self, *, after: timedelta, half: str = "pm") -> Week:
        """Both lists as they stand now; the clock of the story goes on by `after`."""
        stamp = f"{self.at:%m%d%Y}{half}.xlsx"
        week = Week(
            self.at,
            workbook(list(self.signed.values()), self.at, signed=True),
            f"participatingAgencies{stamp}",
            workbook(list(self.pending.values()), self.at, signed=False),
            f"pendingAgencies{stamp}",
            _statement(self.at, self.signed.values()),
            {"participating": self._truth("participating"), PENDING.name: self._truth(PENDING.name)},
        )
        self._happened.clear()
        self.at += after
        return week

    def _put(self, line: Line) -> Line:
        day = self.at.date() - timedelta(days=self._chance.randint(0, 2))
        line = replace(line, signed=day, moa=self._document(line, day))
        self.signed[line.key] = line
        self._note("participating", "added", line.agency.name)
        return line

    def _single(self) -> list[_Key]:
        """Agreements of agencies that have no other."""
        held = Counter(name for name, _ in self.signed)
        return [key for key in self.signed if held[key[0]] == 1]

    def _next(self, count: int) -> list[Agency]:
        return [next(self._unused) for _ in range(count)]

    def _model(self) -> str:
        return self._chance.choices(["TFM", "WSO", "JEM"], [5, 3, 2])[0]

    def _document(self, line: Line, day: date) -> str:
        """Most links are plain; some were copied out of somebody's mail."""
        slug = re.sub(r"[^a-z]+", "-", f"{line.agency.name} {line.agency.state}".lower())
        url = f"https://agreements.example.gov/moa/{slug}{line.model.lower()}-{day:%m%d%Y}.pdf"
        if self._chance.random() < 0.05:
            return (
                f"https://gcc02.safelinks.protection.outlook.com/?url={quote(url, safe='')}"
                "&data=05%7C02%7Cclerk%40agency.example.gov%7C0&reserved=0"
            )
        return url

    def _note(self, published: str, kind: str, name: str) -> None:
        self._happened.setdefault((published, kind), []).append(name)

    def _truth(self, published: str) -> Truth:
        kinds = ("added", "removed", "returned", "renamed", "amended")
        return Truth(*(tuple(sorted(self._happened.get((published, kind), ()))) for kind in kinds))


def weeks() -> list[Week]:
    """The publications in their order. Always the same bytes."""
    story, week = _Story(), timedelta(days=7)
    story.apply(34)
    story.sign(134, second=14)
    published = [story.publish(after=week)]

    # Who applies and signs between two publications is never printed as pending, so applications come last.
    new = story.sign(12, from_pending=5)
    story.apply(9)
    right, moved, dated, promised = [line for line in new if line.agency.type == "County"][:4]
    misspelt, misplaced = right.renamed(_typo(right.agency.name)), moved.moved(_typo(moved.agency.state))
    misdated, unlinked = replace(dated, signed=_later(dated)), replace(promised, moa="")
    for before, after in ((right, misspelt), (moved, misplaced), (dated, misdated), (promised, unlinked)):
        story.change(before, after, "")
    published.append(_as_printed(story.publish(after=week), right, misspelt))

    story.sign(9, from_pending=4)
    story.apply(22)
    story.change(misspelt, right, "renamed")
    story.change(misdated, dated, "amended")
    published.append(story.publish(after=week))

    story.sign(BATCH, from_pending=21, second=6)
    story.apply(11)
    story.change(unlinked, promised, "amended")
    published.append(story.publish(after=timedelta(hours=14)))

    # Saved again the next morning: other bytes, nothing new.
    published.append(story.publish(after=timedelta(days=6, hours=10), half="am"))

    story.apply(6)
    story.change(misplaced, moved, "")
    left = story.leave(min(story.signed))
    published.append(story.publish(after=week))

    story.sign(7, from_pending=3)
    story.come_back(left)
    published.append(story.publish(after=week))

    story.sign(5, from_pending=2)
    story.apply(4)
    published.append(story.publish(after=week))
    return published


def _typo(text: str) -> str:
    """A letter left out, where nobody looks twice."""
    at = len(text) // 2
    while not text[at].isalpha():
        at += 1
    return text[:at] + text[at + 1 :]


def _later(line: Line) -> date:
    assert line.signed is not None  # noqa: S101 - only signed lines are misdated
    return line.signed + timedelta(days=1)


def _as_printed(week: Week, right: Line, misspelt: Line) -> Week:
    """A new agreement under a misspelt name is known by that name at first."""
    truth = week.truth["participating"]
    printed = {right.agency.name: misspelt.agency.name}
    added = tuple(sorted(printed.get(name, name) for name in truth.added))
    return replace(week, truth={**week.truth, "participating": replace(truth, added=added)})


def _statement(at: datetime, lines: Iterable[Line]) -> str:
    held = list(lines)
    states = len({line.agency.state for line in held})
    local = at.astimezone(ZoneInfo("America/New_York"))
    hour = f"{local.hour % 12 or 12} {'a.m.' if local.hour < 12 else 'p.m.'}"
    return (
        f"As of {local:%B} {local.day}, {local.year}, at {hour}, {len(held)} Memorandums of Agreement "
        f"for 287(g) programs covering {states} states have been signed."
    )
