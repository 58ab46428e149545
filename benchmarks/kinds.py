"""How true each kind of later judgement is: `python -m benchmarks.kinds [CASES]`, also run by benchmarks.truth.

Cases are made from the register's real counties and towns and from the slips that publishers make, both ways for each
kind: one agreement that looks like two, and two that look like one. Every case goes through identity or through what
judges changes again, as in the pipeline. Precision is of what was called one agreement (or judged so far as to be
counted), recall of what truly was.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from pipelines.applications import Life, Printing, join
from pipelines.hindsight import Event, date_cannot_be, newly_signed, settle
from pipelines.identify import Context, identify
from pipelines.names.likeness import STATE_NAMES
from pipelines.registers import registers
from pipelines.values import Agreement, Known

CASES = 2_000
GOAL = 0.98
SIGNED = date(2025, 4, 2)
WINDOW = timedelta(days=45)
LISTS = [f"2025-04-{day:02d}T12:00:00Z list" for day in range(1, 29)]


class Case(NamedTuple):
    """`one`: what is true; `found`: what was said; None where nothing was said for certain."""

    one: bool
    found: bool | None


def slip(name: str, chance: random.Random) -> str:
    """A letter too many, too few, another one, or two exchanged, never the first one."""
    at = chance.randrange(1, len(name) - 1)
    letter = chance.choice("aeioulnrst")
    return chance.choice(
        (
            name[:at] + letter + name[at:],
            name[:at] + name[at + 1 :],
            name[:at] + letter + name[at + 1 :],
            name[:at] + name[at + 1] + name[at] + name[at + 2 :],
        )
    )


class Places:
    """Towns with the name of their county, and counties, of one state at a time."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        county = {one.fips: one.name for one in registers().counties()}
        self.towns: dict[str, list[tuple[str, str]]] = {}
        for town in registers().towns():
            if len(town.name) > 5 and town.fips in county:
                self.towns.setdefault(town.state, []).append((town.name, county[town.fips]))
        self.states = sorted(
            state for state in self.towns if state in STATE_NAMES and len(self.towns[state]) > 50
        )

    def some(self, count: int) -> tuple[str, list[tuple[str, str]]]:
        state = self.chance.choice(self.states)
        return state, self.chance.sample(self.towns[state], count)


def police(state: str, town: str, county: str, row: int = 9, **more: object) -> Agreement:
    made = Agreement(state, f"{town} Police Department", "TFM", SIGNED, county=county, moa="pending", row=row)
    return replace(made, **more)  # type: ignore[arg-type]


def sheriff(state: str, county: str, **more: object) -> Agreement:
    made = Agreement(state, f"{county} Sheriff's Office", "TFM", SIGNED, county=county, moa="pending", row=9)
    return replace(made, **more)  # type: ignore[arg-type]


def misspelt_town(real: Places) -> Iterator[Case]:
    """Half of the towns are in no register. Against it, in the same row: another town of the state, or the real town
    whose name is the most like the misspelt one's, said to be in the same county."""
    while True:
        state, [(town, county), (other, there)] = real.some(2)
        wrong = slip(slip(town, real.chance), real.chance)
        right = slip(wrong, real.chance) if real.chance.random() < 0.5 else town
        yield Case(True, _same(police(state, wrong, county), police(state, right, county)))
        yield Case(False, _same(police(state, slip(town, real.chance), county), police(state, other, there)))
        names = [name for name, _ in real.towns[state] if name != town]
        near, _, _ = process.extractOne(town, names, scorer=OSA.normalized_similarity)
        yield Case(False, _same(police(state, slip(town, real.chance), county), police(state, near, county)))


def _same(before: Agreement, after: Agreement) -> bool:
    [match] = identify([after], [Known("g", "a", before)], Context())
    return match.known is not None


def _life(identifier: str, *printings: tuple[Agreement, int, int | None]) -> Life:
    return Life(
        identifier,
        f"a{identifier}",
        tuple(
            Printing(said, LISTS[since], None if until is None else LISTS[until])
            for said, since, until in printings
        ),
    )


def _settled(left: Life, stays: Life) -> tuple[str, str | None]:
    """The verdict on a pair, and the other change while it is open."""
    events = [
        Event("gone", "removed", left.printings[0].until or "", left.agreement_id, "absent", None, None),
        Event("came", "added", stays.first, stays.agreement_id, "new", True, True),
    ]
    found = {
        one.change_id: one
        for one in settle(events, {left.agreement_id: left, stays.agreement_id: stays}, WINDOW)
    }
    came = found.get("came")
    return (came.verdict, came.pair) if came else ("", None)


def _file(name: str) -> str:
    return f"https://www.ice.gov/doclib/287g/{''.join(ch for ch in name if ch.isalnum())}_MOA.pdf"


def another_body(real: Places) -> Iterator[Case]:
    """A town's police replaced by its county's sheriff, settled by the sheriff's document. Against it: the police had a
    document of its own, was of another county, or came back."""
    while True:
        state, [(town, county), (_, there)] = real.some(2)
        body, after = police(state, town, county), sheriff(state, county)
        linked = replace(after, moa=_file(after.agency))
        verdict, _ = _settled(_life("1", (body, 2, 5)), _life("2", (after, 5, 9), (linked, 9, None)))
        yield Case(True, verdict == "one")
        own = replace(body, moa=_file(body.agency))
        yield Case(False, _settled(_life("1", (own, 2, 5)), _life("2", (linked, 5, None)))[0] == "one")
        if there != county:
            far = replace(linked, county=there, agency=f"{there} Sheriff's Office")
            yield Case(False, _settled(_life("1", (body, 2, 5)), _life("2", (far, 5, None)))[0] == "one")
        back = _life("1", (body, 2, 5), (body, 7, None))
        yield Case(False, _settled(back, _life("2", (after, 5, 9), (linked, 9, None)))[0] == "one")


def printed_twice(real: Places) -> Iterator[Case]:
    """ "City of X" beside "X", with one document. Against it: two towns, and a town's documents of its own."""
    while True:
        state, [(town, county), (other, _)] = real.some(2)
        one, two = police(state, f"City of {town}", county), police(state, town, county)
        linked = replace(two, moa=_file(two.agency))
        verdict, _ = _settled(_life("1", (one, 1, 8)), _life("2", (two, 4, 6), (linked, 6, None)))
        yield Case(True, verdict == "one")
        another = police(state, other, county)
        verdict, pair = _settled(_life("1", (one, 1, 8)), _life("2", (another, 4, None)))
        yield Case(False, verdict == "one" or pair is not None)
        own = replace(one, moa=_file(one.agency) + "?v=1")
        apart = replace(two, moa=_file(two.agency + " Airport"))
        yield Case(False, _settled(_life("1", (own, 1, 8)), _life("2", (apart, 4, None)))[0] == "one")


def slip_of_the_year(real: Places) -> Iterator[Case]:
    """A first date some years too early, so that it lay days before the list. Against it: dates as old agreements of
    the past have that are listed late; how late is drawn evenly over three years."""
    while True:
        published = SIGNED + timedelta(days=real.chance.randrange(0, 3))
        wrong = SIGNED.replace(year=SIGNED.year - real.chance.choice((1, 1, 1, 2, 10)))
        yield Case(True, date_cannot_be(wrong, published) and newly_signed(wrong, published, WINDOW) is None)
        old = SIGNED - timedelta(days=real.chance.randrange(46, 1100))
        yield Case(False, date_cannot_be(old, published))


def became(real: Places) -> Iterator[Case]:
    """An application and its agreement under a misspelt name. Against it: another town's, or one that came late."""
    while True:
        state, [(town, county), (other, there)] = real.some(2)
        applied = _life("1", (police(state, town, county, signed=None, moa=None), 1, 9))
        agreed = _life("2", (police(state, town, county), 8, None))
        yield Case(True, _joined(applied, agreed))
        typo = _life("2", (police(state, slip(town, real.chance), county), 8, None))
        yield Case(True, _joined(applied, typo))
        yield Case(False, _joined(applied, _life("2", (police(state, other, there), 8, None))))
        late = Life("2", "a2", (Printing(police(state, town, county), "2025-07-20T12:00:00Z list", None),))
        yield Case(False, _joined(applied, late))


def _joined(applied: Life, agreed: Life) -> bool:
    [one] = join([applied], [agreed], LISTS[0])
    return one.agreement is not None


KINDS: dict[str, Callable[[Places], Iterator[Case]]] = {
    "misspelt town": misspelt_town,
    "another body": another_body,
    "printed twice": printed_twice,
    "slip of the year": slip_of_the_year,
    "became an agreement": became,
}


def measure(cases: int = CASES, seed: int = 287) -> dict[str, Counter[str]]:
    counts = {}
    for kind, make in KINDS.items():
        counted: Counter[str] = Counter()
        source = make(Places(random.Random(seed)))
        for case, _ in zip(source, range(cases), strict=False):
            counted["true" if case.one else "two"] += 1
            counted["called one"] += bool(case.found)
            counted["right"] += bool(case.one and case.found)
        counts[kind] = counted
    return counts


def report(cases: int = CASES) -> bool:
    """Print the table; whether every kind reached the goal."""
    print("\n| kind | really one | really two | called one | wrongly | precision | recall |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    good = True
    for kind, count in measure(cases).items():
        called, right = count["called one"], count["right"]
        precision, recall = right / called if called else 1.0, right / count["true"]
        good &= precision >= GOAL
        print(
            f"| {kind} | {count['true']} | {count['two']} | {called} | {called - right} | "
            f"{precision:.3f} | {recall:.3f} |"
        )
    return good


if __name__ == "__main__":
    sys.exit(not report(int(sys.argv[1]) if len(sys.argv) > 1 else CASES))
