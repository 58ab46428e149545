"""Evidence that a stranger can check: one change, its files, its seal, as one zip."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from changelog.evidence.check import most_alike, tables
from changelog.wording import change_json
from pipelines.former_formats import as_published
from pipelines.history.agreements import life_around
from pipelines.history.changes import StoredChange, read_change
from pipelines.installation import Installation
from pipelines.normalise import DOCUMENTS, VERSION, Normaliser, read_header
from pipelines.parse import read
from pipelines.values import Agreement, Row
from pipelines.verify import kept_seals, read_seal
from scraper.capture import Capture
from scraper.errors import ArchiveError, UsageError
from scraper.journal import BEGINNING
from scraper.lists import PublishedList
from scraper.settings import version

_TEXT = """\
Evidence for one change of a published list
===========================================

{title}
({kind}, list "{list}", published {published_at}, change {id})

This bundle was made by Countersign {version}. It holds:

  {before}
      the list as it was published before, exactly the bytes that were captured
  {after}
      the list that shows the change, exactly the bytes that were captured
  journal.jsonl
      the archive's journal from the first of the two captures to its newest line. Each line carries
      the SHA-256 of the line before it, so that none can be changed, taken out or put in between
  seals/
      seals of the journal's head that were made in between, if any were
  evidence.json
      the change; the row of each file that bears it out, as printed and as it was read; its columns
  check.py
      a check that needs Python 3.9 or later and nothing else; it is short enough to be read first

To check it:

  unzip -p {bundle} check.py > check.py
  python check.py {bundle}

What the check proves: no byte of the bundle was changed since it was made; the journal's lines follow
one another; both files have the hashes under which the journal says they were captured; the rows of
the files print what the change says. It fails when any one byte of the bundle is changed.

What it cannot prove by itself: that the bundle was not made up as a whole. For that, compare the
journal's head with a seal that was published at the time (python check.py {bundle} seal.json):

  line {last} of the journal has the SHA-256
  {head}

or fetch the publisher's own file, or one that a third party kept, and compare its SHA-256:

  before  {before_sha256}
  after   {after_sha256}

A note on privacy: the files are as they were published. Links in them may be wrapped by mail software
and may then hold the e-mail addresses of the publisher's staff. Countersign never repeats those
anywhere else. The journal holds who decided what about lists and changes, by user name. Think before
you hand this bundle on.
"""


def readme(told: Mapping[str, Any]) -> str:
    """`told` is what the bundle's evidence.json says."""
    change = told["change"]
    return _TEXT.format(
        title=change["title"],
        kind=change["kind"],
        list=change["list"],
        published_at=change["published_at"],
        id=change["id"],
        version=told["software"]["countersign"],
        before=told["files"]["before"]["member"],
        after=told["files"]["after"]["member"],
        bundle=f"evidence-{change['id']}.zip",
        last=told["journal"]["last"],
        head=told["journal"]["head"],
        before_sha256=change["previous_sha256"],
        after_sha256=change["sha256"],
    )


_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can name
_DIGEST = 64


@dataclass(frozen=True, slots=True)
class Sheet:
    """One raw file of the bundle and the row in it that bears the change out, if it has one."""

    sha256: str
    member: str
    published_name: str
    declaration: PublishedList
    places: Mapping[str, int]
    row: Row | None
    agreement: Agreement | None


def evidence(installation: Installation, identifier: str) -> bytes:
    """The bundle of a change. Raises UsageError when there is no such change, ArchiveError at damage."""
    with installation.engine.connect() as connection:
        change = read_change(connection, identifier)
        if change is None or change.previous_sha256 is None:
            raise UsageError(f"No change is called {identifier}. See `countersign changes`.")
        lives = life_around(connection, change.list, change.agreement_id, change.place)
    lines, captures = journal_lines(installation)
    before = _sheet(installation, change, change.previous_sha256, lives[0], captures)
    after = _sheet(installation, change, change.sha256, lives[1], captures)
    numbers = {
        side: _capture_of(captures, change.list, sheet.sha256, change)
        for side, sheet in (("before", before), ("after", after))
    }
    first = min(numbers.values())
    members = {
        "journal.jsonl": b"".join(lines[first - 1 :]),
        "check.py": files("changelog.evidence").joinpath("check.py").read_bytes(),
        **{sheet.member: installation.archive.read(sheet.sha256) for sheet in (before, after)},
        **seals_between(installation, first, lines),
    }
    told = {
        "change": _without_review(change, installation),
        "files": {
            side: {
                "member": sheet.member,
                "sha256": sheet.sha256,
                "format": "parts" if sheet.declaration.in_parts else sheet.declaration.format,
                "entry": numbers[side],
            }
            for side, sheet in (("before", before), ("after", after))
        },
        "rows": {"before": _row(before), "after": _row(after)},
        "printed_alike": _alike(members, before, after),
        "journal": {"first": first, "last": len(lines), "head": hashlib.sha256(lines[-1][:-1]).hexdigest()},
        "software": {"countersign": version(), "rules": VERSION},
    }
    members["evidence.json"] = as_bytes(told)
    members["README.txt"] = readme(told).encode()
    return zipped(members)


def _without_review(change: StoredChange, installation: Installation) -> dict[str, Any]:
    """What people said of a change is no part of its evidence."""
    told = change_json(change, installation.lists.get(change.list))
    return {name: value for name, value in told.items() if name != "review"}


def journal_lines(installation: Installation) -> tuple[list[bytes], list[tuple[int, Capture]]]:
    """Every whole line with its end, and the captures by the number of their line. Proven on the way."""
    captures = []
    end = 0
    for entry, place in installation.archive.journal.tail(0, 0, BEGINNING):
        end = place.offset
        if entry["kind"] == "capture" and entry.get("sha256"):
            captures.append((place.n, Capture.from_entry(entry)))
    with installation.archive.journal.path.open("rb") as file:
        return file.read(end).splitlines(keepends=True), captures


def _capture_of(
    captures: Sequence[tuple[int, Capture]], list_name: str, sha256: str, change: StoredChange
) -> int:
    """The line of the capture that the record goes by, else the first of these bytes."""
    ours = [(n, capture) for n, capture in captures if (capture.list, capture.sha256) == (list_name, sha256)]
    if not ours:
        raise ArchiveError(f"The journal has no capture of {sha256}. Run `countersign verify`.")
    by_time = [n for n, c in ours if sha256 == change.sha256 and c.captured_at == change.captured_at]
    return min(by_time or [n for n, _ in ours])


def _sheet(
    installation: Installation,
    change: StoredChange,
    sha256: str,
    wanted: Agreement | None,
    captures: Sequence[tuple[int, Capture]],
) -> Sheet:
    declaration = installation.lists.get(change.list)
    if declaration is None:
        raise UsageError(f"The list {change.list} is not declared any more; declare it to prove its changes.")
    name = next((c.published_name for _, c in captures if c.sha256 == sha256 and c.list == change.list), "")
    with installation.archive.local_path(sha256) as path:
        declaration = as_published(path, declaration)
        places, row, agreement = _find(path, declaration, change, wanted)
    member = f"files/{sha256}.{'bin' if declaration.in_parts else declaration.format}"
    return Sheet(sha256, member, name, declaration, places, row, agreement)


def _find(
    path: Path, declaration: PublishedList, change: StoredChange, wanted: Agreement | None
) -> tuple[Mapping[str, int], Row | None, Agreement | None]:
    """The columns of a file, and the row in it that says what the record says."""
    table = read(path, declaration.format, declaration.options)
    normaliser = Normaliser(table.header, declaration.columns, change.published_at.date(), declaration)
    places = read_header(table.header, declaration.columns).places
    if wanted is None:
        return places, None, None
    said = wanted.as_json()
    named: tuple[Row, Agreement] | None = None
    for row in table.rows:
        agreement, _ = normaliser.agreement(row)
        if agreement.as_json() == said:
            named = (row, agreement)
            if row.number == change.row or change.row is None:
                break
    if named is None:
        raise ArchiveError(f"No row of {path.name} says what the record says. Run `countersign verify`.")
    return places, *named


def _row(sheet: Sheet) -> dict[str, Any] | None:
    """The row as printed and as read. Of a link only the address is told, not what it was wrapped in."""
    if sheet.row is None or sheet.agreement is None:
        return None
    said = sheet.agreement.as_json()
    fields = {}
    for name, column in sorted(sheet.places.items()):
        told: dict[str, Any] = {"column": column, "value": said.get(name)}
        if name not in DOCUMENTS and not _has_address(sheet.row, column):
            told["printed"] = sheet.row.cells[column]
        fields[name] = told
    return {"row": sheet.row.number, "fields": fields}


def _has_address(row: Row, column: int) -> bool:
    return "@" in row.cells[column] or "://" in row.cells[column] or bool(row.links and row.links[column])


def _alike(members: Mapping[str, bytes], before: Sheet, after: Sheet) -> dict[str, Any]:
    """How often each file prints the row's key as it is printed, counted by the check's own reader."""
    shown = after if after.row else before
    key = [
        name
        for name in shown.declaration.key
        if all(name in sheet.places for sheet in (before, after)) and name not in DOCUMENTS
    ]
    assert shown.row is not None  # noqa: S101 - every change has a row on one side at least
    printed = [shown.row.cells[shown.places[name]] for name in key]
    columns = {side: [sheet.places[name] for name in key] for side, sheet in _sides(before, after)}
    counts = {}
    for side, sheet in _sides(before, after):
        readings = list(tables(members[sheet.member], sheet.member.rpartition(".")[2]))
        counts[side] = most_alike(readings, columns[side], printed) if readings else None
    return {"printed": printed, "columns": columns, **counts}


def _sides(before: Sheet, after: Sheet) -> tuple[tuple[str, Sheet], tuple[str, Sheet]]:
    return ("before", before), ("after", after)


def seals_between(installation: Installation, first: int, lines: Sequence[bytes]) -> dict[str, bytes]:
    """The seals of this home that lie on the path from the captures to the head."""
    return {
        f"seals/{path.name}": path.read_bytes()
        for path in kept_seals(installation.settings.home)
        if first <= read_seal(path).entries <= len(lines)
    }


def as_bytes(told: Mapping[str, Any]) -> bytes:
    return (json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def zipped(members: Mapping[str, bytes]) -> bytes:
    """Stored, not packed, so that no library decides the bytes; the comment is the hash of all before it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as bundle:
        for name in sorted(members):
            item = zipfile.ZipInfo(name, _FIRST_DAY)
            item.create_system = 3
            item.external_attr = 0o644 << 16
            bundle.writestr(item, members[name])
        bundle.comment = b"0" * _DIGEST
    whole = packed.getvalue()[:-_DIGEST]
    return whole + hashlib.sha256(whole).hexdigest().encode()
