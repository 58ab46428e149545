"""Evidence that an agency stood on a list on a day, or that it did not: the file, its rows, the journal, the seals."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from sqlalchemy import Connection

from changelog.evidence.bundle import as_bytes, journal_lines, seals_between, zipped
from changelog.evidence.check import plain
from changelog.wording import end_of, iso
from pipelines.former_formats import as_published
from pipelines.history.agencies import Life, agency_life, find_agencies
from pipelines.history.agreements import agreements_at
from pipelines.history.publications import publication_at
from pipelines.installation import Installation
from pipelines.normalise import VERSION, read_header
from pipelines.parse import read
from pipelines.values import Row
from scraper.errors import ArchiveError, UsageError
from scraper.settings import version

_NAMED = 10  # agencies that are named when more than one is meant

_README = """\
Evidence that an agency {stood} a published list
=================================================

{sentence}

This bundle was made by Countersign {version}. It holds the list as it was published (the bytes that were
captured), the archive's journal from that capture to its newest line, each line with the hash of the one
before it, the seals that were made in between, evidence.json with the rows it rests on, and check.py.

To check it:

  unzip -p {bundle} check.py > check.py
  python check.py {bundle}

The check reads the file by itself and looks through every row for every spelling of the name that was ever
printed on this list: {names}.

What it cannot prove by itself: that the bundle was not made up as a whole, and that no other list was
published that day and never seen. For the first, compare the journal's head with a seal that was published at
the time (python check.py {bundle} seal.json).

The file is as it was published; wrapped links in it may hold e-mail addresses of the publisher's staff.
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is meant: every spelling that was printed on the list, and the states it was printed with (none: any)."""

    name: str
    names: Sequence[str]
    states: Sequence[str]
    life: Life | None


def presence(installation: Installation, name: str, list_name: str, on: str) -> tuple[dict[str, Any], bytes]:
    """What is said ("stood", "sentence", the rows) and the bundle that bears it out.

    `name` is a name as printed, or an agency's id. Raises UsageError when it means several agencies, or when
    nothing of the list is recorded as of the day; ArchiveError at damage.
    """
    [declaration] = installation.chosen([list_name])
    with installation.engine.connect() as connection:
        row = publication_at(connection, list_name, end_of(on, declaration.time_zone))
        if row is None:
            raise UsageError(f"Nothing of the list {list_name} is recorded as of {on}.")
        asked = _asked(connection, name, list_name)
        recorded = {one.agency_id for one in agreements_at(connection, list_name, row.place)}
    lines, captures = journal_lines(installation)
    numbers = [n for n, one in captures if (one.list, one.sha256) == (list_name, row.sha256)]
    if not numbers:
        raise ArchiveError(f"The journal has no capture of {row.sha256}. Run `countersign verify`.")
    with installation.archive.local_path(row.sha256) as path:
        declared = as_published(path, declaration)
        table = read(path, declared.format, declared.options)
        columns = {
            field: column
            for field, column in read_header(table.header, declared.columns).places.items()
            if field in ("agency", "state")
        }
        rows = list(table.rows)
    found = [one for one in rows if _is(one, columns, asked)]
    stood = bool(found)
    if asked.life is not None and stood != bool(recorded.intersection(asked.life.ids)):
        raise ArchiveError(
            f"The file {row.sha256} does not say of {name} what the record says. Run `countersign verify`."
        )
    told = {
        "list": list_name,
        "on": on,
        "name": asked.name,
        "names": list(asked.names),
        "states": list(asked.states),
        "stood": stood,
        "published_at": iso(row.published_at),
        "published_name": row.published_name,
        "sha256": row.sha256,
        "columns": columns,
        "rows": [_printed(one, columns) for one in found],
        "around": [_printed(one, columns) for one in _around(rows, found, columns, asked)],
        "rows_read": len(rows),
    }
    told["sentence"] = _sentence(told)
    first = min(numbers)
    member = f"files/{row.sha256}.{'bin' if declared.in_parts else declared.format}"
    evidence = {
        "standing": told,
        "file": {
            "member": member,
            "sha256": row.sha256,
            "format": "parts" if declared.in_parts else declared.format,
            "entry": first,
        },
        "journal": {"first": first, "last": len(lines), "head": hashlib.sha256(lines[-1][:-1]).hexdigest()},
        "software": {"countersign": version(), "rules": VERSION},
    }
    members = {
        "journal.jsonl": b"".join(lines[first - 1 :]),
        "check.py": files("changelog.evidence").joinpath("check.py").read_bytes(),
        "evidence.json": as_bytes(evidence),
        "README.txt": _readme(told).encode(),
        member: installation.archive.read(row.sha256),
        **seals_between(installation, first, lines),
    }
    return told, zipped(members)


def _asked(connection: Connection, name: str, list_name: str) -> Asked:
    """The agency whose name or id it is; a name that was never printed is looked for as it is."""
    agencies: dict[tuple[str, ...], Life] = {}
    for identifier in [name, *(found.agency_id for found in find_agencies(connection, name))]:
        life = agency_life(connection, identifier)
        if life is not None:
            agencies.setdefault(life.ids, life)
    exact = [one for one in agencies.values() if name in one.ids or plain(name) in _names(one)]
    chosen = exact or list(agencies.values())
    if len(chosen) > 1:
        said = "; ".join(
            f"{newest.agency} ({newest.state or '?'}), {one.ids[0]}"
            for one in chosen[:_NAMED]
            for newest in [one.held[-1].stored.agreement]
        )
        raise UsageError(f"{name!r} may mean {len(chosen)} agencies. Name one by its id: {said}.")
    if not chosen:
        return Asked(name, [name], [], None)
    [life] = chosen
    here = [spelling for spelling in life.spellings if spelling.list == list_name] or life.spellings
    names = sorted({" ".join(spelling.agency.split()) for spelling in here})
    return Asked(name, names, sorted({" ".join(spelling.state.split()) for spelling in here}), life)


def _names(life: Life) -> set[str]:
    return {plain(spelling.agency) for spelling in life.spellings}


def _is(row: Row, columns: Mapping[str, int], asked: Asked) -> bool:
    return plain(row.cells[columns["agency"]]) in {plain(one) for one in asked.names} and (
        not asked.states
        or "state" not in columns
        or plain(row.cells[columns["state"]]) in {plain(one) for one in asked.states}
    )


def _around(
    rows: Sequence[Row], found: Sequence[Row], columns: Mapping[str, int], asked: Asked
) -> Iterator[Row]:
    """The rows beside it; of one that is not there, those between which its name would stand, in its state."""
    if found:
        beside = {one.number + step for one in found for step in (-1, 1)} - {one.number for one in found}
        yield from (one for one in rows if one.number in beside)
        return
    states = {plain(one) for one in asked.states}
    near = [
        one for one in rows
        if not states or "state" not in columns or plain(one.cells[columns["state"]]) in states
    ]  # fmt: skip
    name = plain(asked.names[0])
    ordered = sorted(near, key=lambda one: plain(one.cells[columns["agency"]]))
    at = sum(plain(one.cells[columns["agency"]]) < name for one in ordered)
    yield from ordered[max(0, at - 1) : at + 1]


def _printed(row: Row, columns: Mapping[str, int]) -> dict[str, Any]:
    return {"row": row.number, "printed": {field: row.cells[column] for field, column in columns.items()}}


def _sentence(told: Mapping[str, Any]) -> str:
    file = f"{told['published_name']}, published {told['published_at']}, the newest list seen by then"
    if told["stood"]:
        rows = ", ".join(str(one["row"]) for one in told["rows"])
        return (
            f"On {told['on']} {told['name']} stood on the list {told['list']}: "
            f"{'rows' if len(told['rows']) > 1 else 'row'} {rows} of {told['rows_read']} in {file}."
        )
    return (
        f"On {told['on']} {told['name']} did not stand on the list {told['list']}: "
        f"none of {told['rows_read']} rows prints it in {file}."
    )


def _readme(told: Mapping[str, Any]) -> str:
    return _README.format(
        stood="stood on" if told["stood"] else "did not stand on",
        sentence=told["sentence"],
        version=version(),
        names="; ".join(told["names"]),
        bundle=f"{'presence' if told['stood'] else 'absence'}.zip",
    )
