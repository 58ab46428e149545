"""Large lists for the benchmarks, as CSV: a list, and the one after it with the changes of a busy day."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from pipelines.names.gazetteer import counties
from pipelines.normalise.terms import STATE_NAMES
from scraper.lists import PARTICIPATING, Plausible, PublishedList

HEADER = ("STATE", "LAW ENFORCEMENT AGENCY", "TYPE", "COUNTY", "SUPPORT TYPE", "SIGNED", "MOA", "ADDENDUM")
MODELS = ("Jail Enforcement Model", "Task Force Model", "Warrant Service Officer")
ADDED, REMOVED, CHANGED = 0.001, 0.001, 0.005
Line = tuple[str, ...]


def declared(name: str = "made") -> PublishedList:
    """A list like the real one, of any size, published as CSV."""
    return replace(
        PARTICIPATING, name=name, format="csv", link=None, page=None, file="http://127.0.0.1/list.csv",
        plausible=Plausible(rows=(1, 10_000_000)), other=None, pending_list=None, stated_on_page=False,
        documents=False, earlier=(), private_addresses=True, delay_seconds=0.0, max_bytes=1_000_000_000,
    )  # fmt: skip


def agencies(size: int, seed: int) -> Iterator[tuple[str, str, str, int, date]]:
    """State, county, name, which of three support types, and signing date: of each real county first the sheriff,
    then numbered precincts."""
    chance = random.Random(seed)
    homes = [(state, county.title()) for state in sorted(STATE_NAMES) for county in sorted(counties(state))]
    for number in range(size):
        state, county = homes[number // len(MODELS) % len(homes)]
        turn = number // (len(MODELS) * len(homes))
        body = "Sheriff's Office" if turn == 0 else f"Constable's Office Precinct {turn}"
        signed = date(2025, 1, 20) + timedelta(days=chance.randrange(400))
        yield state, f"{county} County", f"{county} County {body}", number % len(MODELS), signed


def lines(size: int, seed: int = 287) -> Iterator[Line]:
    """The rows of a list of them."""
    for number, (state, county, name, model, signed) in enumerate(agencies(size, seed)):
        link = f"https://www.example.gov/doclib/{state.lower()}/{number:07}.pdf"
        yield (
            STATE_NAMES[state].upper(), name, "County", county,
            MODELS[model], f"{signed:%m/%d/%Y}", link, "",
        )  # fmt: skip


def next_day(old: list[Line], seed: int = 9) -> list[Line]:
    """One row in a thousand is new, one is gone, five say something else (a date, or a name with a slip)."""
    chance = random.Random(seed)
    size = len(old)
    picked = chance.sample(range(size), round(size * (REMOVED + CHANGED)))
    gone, changed = set(picked[: round(size * REMOVED)]), set(picked[round(size * REMOVED) :])
    new = [
        _changed(line, chance) if index in changed else line
        for index, line in enumerate(old)
        if index not in gone
    ]
    count = round(size * ADDED)
    return new + [_fresh(chance.choice(old), number) for number in range(count)]


def _changed(line: Line, chance: random.Random) -> Line:
    state, agency, kind, county, model, _signed, link, addendum = line
    if chance.random() < 0.5:
        at = chance.randrange(1, len(agency.split(" County ")[0]))
        return (state, agency[:at] + chance.choice("aeioulnrst") + agency[at:], *line[2:])
    day = date(2025, 1, 20) + timedelta(days=chance.randrange(400))
    return (state, agency, kind, county, model, f"{day:%m/%d/%Y}", link, addendum)


def _fresh(line: Line, number: int) -> Line:
    state, _agency, _kind, county, model, signed, _link, _addendum = line
    place = county.removesuffix(" County")
    return (
        state, f"{place} Township {number} Police Department", "Municipality", county, model, signed,
        f"https://www.example.gov/doclib/{state.lower()}/new-{number:07}.pdf", "",
    )  # fmt: skip


def write_csv(path: Path, rows: Iterator[Line] | list[Line]) -> None:
    with path.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(HEADER)
        writer.writerows(rows)


def write_pair(folder: Path, size: int) -> tuple[Path, Path]:
    """Two files of a list of `size` rows; made once for a folder."""
    old, new = folder / f"{size}-old.csv", folder / f"{size}-new.csv"
    if not new.exists():
        rows = list(lines(size))
        write_csv(old, rows)
        write_csv(new, next_day(rows))
    return old, new
