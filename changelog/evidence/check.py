"""Check an evidence bundle of Countersign. Needs Python 3.9 or later and nothing else.

    python check.py evidence-0123456789abcdef.zip [seal.json ...]

It proves, from the bundle alone: that no byte of it was changed since it was made; that each line of the
journal follows the line before it; that the raw files have the hashes under which the journal says they were
captured; and that the rows of those files say what the change says. With a seal that was published at the
time, it also proves that the journal is the one that was sealed. Exit code 0 when all holds, 1 when anything
does not.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

BEGINNING = "0" * 64
LARGEST = 1_000_000_000
WIDEST = 16_384
SPREADSHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"


class NotProvenError(Exception):
    """Something in the bundle is not what it must be."""


class Cell(NamedTuple):
    """What a cell shows as text, the day it may stand for, and the address behind it."""

    text: str = ""
    day: str = ""
    link: str = ""


Rows = dict[int, list[Cell]]


def check(data: bytes, seals: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """What was proven, one sentence each. Raises NotProvenError at the first thing that does not hold."""
    members = opened(data)
    told = json.loads(members["evidence.json"])
    said = [f"The bundle is whole: {len(members)} members, {len(data)} bytes."]
    lines = chained(members["journal.jsonl"], told["journal"])
    said.append(f"Lines {min(lines)} to {max(lines)} of the journal follow one another.")
    kept = [json.loads(text) for name, text in sorted(members.items()) if name.startswith("seals/")]
    said.extend(sealed(lines, seal) for seal in [*kept, *seals])
    if "standing" in told:
        said.extend(stood(members, lines, told))
        return said
    said.extend(captured(members, lines, side, told) for side in ("before", "after"))
    said.extend(rows_agree(members, told))
    return said


def opened(data: bytes) -> dict[str, bytes]:
    """The members by name. The last 64 bytes of the bundle are the SHA-256 of all bytes before them."""
    if hashlib.sha256(data[:-64]).hexdigest().encode() != data[-64:]:
        raise NotProvenError("The bundle was changed after it was made, or is cut short.")
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        if sum(item.file_size for item in bundle.infolist()) > LARGEST:
            raise NotProvenError("The bundle is larger than any that Countersign makes.")
        return {item.filename: bundle.read(item) for item in bundle.infolist()}


def chained(journal: bytes, told: Mapping[str, Any]) -> dict[int, tuple[str, dict[str, Any]]]:
    """Number -> (hash of the line, the entry), each line proven to be itself and to follow the one before."""
    lines: dict[int, tuple[str, dict[str, Any]]] = {}
    expected = None
    for line in journal.splitlines():
        entry = json.loads(line)
        if canonical(entry) != line:
            raise NotProvenError("A line of the journal is not in its one form.")
        claimed = entry.pop("hash")
        if claimed != hashlib.sha256(canonical(entry)).hexdigest():
            raise NotProvenError(f"Line {entry['n']} of the journal does not have its own hash.")
        if expected is not None and (entry["n"], entry["prev"]) != expected:
            raise NotProvenError(f"Line {entry['n']} of the journal does not follow the one before it.")
        if entry["n"] == 1 and entry["prev"] != BEGINNING:
            raise NotProvenError("The first line of the journal claims to follow another.")
        digest = hashlib.sha256(line).hexdigest()
        lines[entry["n"]] = (digest, entry)
        expected = (entry["n"] + 1, digest)
    if not lines or (min(lines), max(lines)) != (told["first"], told["last"]):
        raise NotProvenError("The journal does not have the lines that the bundle is about.")
    if lines[told["last"]][0] != told["head"]:
        raise NotProvenError("The journal does not end in the head that the bundle names.")
    return lines


def canonical(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def sealed(lines: Mapping[int, tuple[str, Any]], seal: Mapping[str, Any]) -> str:
    number = seal["entries"]
    if number not in lines:
        raise NotProvenError(f"The seal of {seal['sealed_at']} is about line {number}, which is not in here.")
    if lines[number][0] != seal["head"]:
        raise NotProvenError(f"Line {number} is not the one that was sealed at {seal['sealed_at']}.")
    return f"Line {number} is the one that was sealed at {seal['sealed_at']}."


def captured(
    members: Mapping[str, bytes],
    lines: Mapping[int, tuple[str, Mapping[str, Any]]],
    side: str,
    told: Mapping[str, Any],
) -> str:
    file, change = told["files"][side], told["change"]
    digest = hashlib.sha256(members[file["member"]]).hexdigest()
    if digest != file["sha256"] or digest != change["sha256" if side == "after" else "previous_sha256"]:
        raise NotProvenError(f"The file {side} the change does not have the hash of the change.")
    entry = lines[file["entry"]][1]
    if (entry["kind"], entry.get("sha256"), entry.get("list")) != ("capture", digest, change["list"]):
        raise NotProvenError(f"Line {file['entry']} of the journal is not the capture of the file {side}.")
    if side == "after" and entry.get("published_name", "") != change["published_name"]:
        raise NotProvenError(f"Line {file['entry']} of the journal gives the file another name.")
    return (
        f"The file {side} ({entry.get('published_name') or 'no name'}, SHA-256 {digest}) "
        f"was seen at {entry['captured_at']} by {entry.get('by', 'crawl')} and kept as line {file['entry']}."
    )


def stood(
    members: Mapping[str, bytes],
    lines: Mapping[int, tuple[str, Mapping[str, Any]]],
    told: Mapping[str, Any],
) -> Iterator[str]:
    """Whether one of the names is printed in any row of the file, as the bundle says; every row is looked at."""
    file, claim = told["file"], told["standing"]
    digest = hashlib.sha256(members[file["member"]]).hexdigest()
    entry = lines[file["entry"]][1]
    if digest != file["sha256"] or digest != claim["sha256"]:
        raise NotProvenError("The file does not have the hash that the bundle names.")
    if (entry["kind"], entry.get("sha256"), entry.get("list")) != ("capture", digest, claim["list"]):
        raise NotProvenError(f"Line {file['entry']} of the journal is not the capture of the file.")
    yield (
        f"The file ({entry.get('published_name') or 'no name'}, SHA-256 {digest}) was seen at "
        f"{entry['captured_at']} by {entry.get('by', 'crawl')} and kept as line {file['entry']}."
    )
    readings = list(tables(members[file["member"]], file["format"]))
    if not readings:
        yield f"NOT CHECKED: the rows. This script reads no {file['format']} file; open {file['member']}."
        return
    expected = [row["row"] for row in claim["rows"]]
    if claim["stood"] != bool(expected):
        raise NotProvenError("The bundle says one thing of the agency, and names rows of another.")
    found = [printing(reading, claim) for reading in readings]
    if expected not in found or not (expected or not any(found)):
        raise NotProvenError(f"The rows that print the name are {max(found)}, not {expected}.")
    for row in (*claim["rows"], *claim["around"]):
        if not any(
            shows(reading.get(row["row"], []), row["printed"], claim["columns"]) for reading in readings
        ):
            raise NotProvenError(f"Row {row['row']} does not print what the bundle says.")
    names = " | ".join(claim["names"])
    where = f"in row {', '.join(map(str, expected))}" if expected else "in none"
    yield f"Of {max(map(len, readings))} rows of the file, {names} is printed {where}."
    yield claim["sentence"]


def printing(reading: Rows, claim: Mapping[str, Any]) -> list[int]:
    """The rows that print one of the names, and one of the states where any is named."""
    names, states = ({plain(text) for text in claim[one]} for one in ("names", "states"))
    agency, state = claim["columns"]["agency"], claim["columns"].get("state")
    return [
        number
        for number, cells in sorted(reading.items())
        if agency < len(cells)
        and plain(cells[agency].text) in names
        and (not states or state is None or (state < len(cells) and plain(cells[state].text) in states))
    ]


def shows(cells: Sequence[Cell], printed: Mapping[str, str], columns: Mapping[str, int]) -> bool:
    return all(
        columns[name] < len(cells) and plain(cells[columns[name]].text) == plain(text)
        for name, text in printed.items()
    )


def rows_agree(members: Mapping[str, bytes], told: Mapping[str, Any]) -> Iterator[str]:
    readings = {}
    for side in ("before", "after"):
        file = told["files"][side]
        readings[side] = list(tables(members[file["member"]], file["format"]))
        if not readings[side]:
            yield f"NOT CHECKED: the rows. This script reads no {file['format']} file; open {file['member']}."
            return
    for side in ("before", "after"):
        if told["rows"][side]:
            yield from row_agrees(readings[side], told["rows"][side], side)
    values_agree(told)
    alike = told["printed_alike"]
    counted = {
        side: most_alike(readings[side], alike["columns"][side], alike["printed"]) for side in readings
    }
    if counted != {"before": alike["before"], "after": alike["after"]}:
        raise NotProvenError(f"Rows printed like this one: {counted}, not as the bundle says.")
    yield (
        f"Rows printed {' | '.join(alike['printed'])}: {alike['before']} in the file before, "
        f"{alike['after']} in the file after."
    )


def row_agrees(readings: Sequence[Rows], row: Mapping[str, Any], side: str) -> Iterator[str]:
    """In one of the readings (sheets, separators) the row must print every field as the bundle says."""
    wrong = list(row["fields"])
    for reading in readings:
        cells = reading.get(row["row"], [])
        differing = [name for name, field in row["fields"].items() if not prints(cells, field)]
        if len(differing) < len(wrong) or not wrong:
            wrong = differing
        if not differing:
            break
    if wrong:
        raise NotProvenError(f"Row {row['row']} of the file {side} does not print {', '.join(wrong)} so.")
    for name, field in row["fields"].items():
        if "printed" in field and plain(field["printed"]) != plain(str(field["value"] or "")):
            yield f"Row {row['row']} {side}: {name} “{field['printed']}” was read as {field['value']}."
    yield f"Row {row['row']} of the file {side} prints what the bundle says."


def values_agree(told: Mapping[str, Any]) -> None:
    """What was read from the rows must be what the change says."""
    change = told["change"]
    for side in ("before", "after"):
        fields = told["rows"][side]["fields"] if told["rows"][side] else {}
        for name, value in (change[side] or {}).items():
            if name in fields and fields[name]["value"] != value:
                raise NotProvenError(f"The change says {name} {side} was {value}, its row does not.")
    shown = told["rows"]["after"] or told["rows"]["before"]
    for name in ("state", "agency", "support_type", "signed"):
        if name in shown["fields"] and shown["fields"][name]["value"] != change[name]:
            raise NotProvenError(f"The change says {name} {change[name]}, its row does not.")
    if told["rows"]["after"] and change["row"] not in (None, told["rows"]["after"]["row"]):
        raise NotProvenError("The change names another row.")


def prints(cells: Sequence[Cell], field: Mapping[str, Any]) -> bool:
    cell = cells[field["column"]] if field["column"] < len(cells) else Cell()
    if "printed" in field:
        return plain(field["printed"]) in (plain(cell.text), plain(cell.day))
    behind = cell.link or cell.text
    return holds(behind, str(field["value"])) if str(field["value"] or "").startswith("http") else True


def holds(wrapped: str, address: str) -> bool:
    """Is the address in there, whatever it was wrapped in? Hosts have no case, and %20 is a blank."""
    return loose(address) in loose(wrapped) or loose(address) in loose(unquoted(wrapped))


def loose(address: str) -> str:
    for _ in range(4):
        address = unquoted(address)
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^\s*https?:/*", "", address.lower().replace("&amp;", "&")))


def unquoted(text: str) -> str:
    return re.sub(r"%([0-9A-Fa-f]{2})", lambda found: chr(int(found[1], 16)), text)


def plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def most_alike(readings: Sequence[Rows], columns: Sequence[int], printed: Sequence[str]) -> int:
    wanted = [plain(text) for text in printed]
    return max(
        sum(
            [plain(cells[column].text) if column < len(cells) else "" for column in columns] == wanted
            for cells in reading.values()
        )
        for reading in readings
    )


def tables(data: bytes, format_name: str) -> Iterator[Rows]:
    """Every way in which the file can be read as rows by their number."""
    if format_name == "xlsx":
        yield from sheets(data)
    elif format_name == "csv":
        yield from separated(data)


def separated(data: bytes) -> Iterator[Rows]:
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeError:
            continue
        for delimiter in ",;\t|":
            records = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            yield {number: [Cell(cell) for cell in record] for number, record in enumerate(records, 1)}


def sheets(data: bytes) -> Iterator[Rows]:
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        names = {name.lower(): name for name in book.namelist()}
        shared = strings(book, names)
        old = b'date1904="1"' in book.read(names["xl/workbook.xml"])
        for name in sorted(names):
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
                yield sheet(book, names, name, shared, date(1904, 1, 1) if old else date(1899, 12, 30))


def parsed(book: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if book.getinfo(name).file_size > LARGEST:
        raise NotProvenError(f"{name} is larger than this script reads.")
    xml = book.read(name)
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        raise NotProvenError(f"{name} declares entities, which no workbook needs.")
    # Entities are refused above, and nothing else in XML grows by itself.
    return ElementTree.fromstring(xml)  # noqa: S314  # nosec B314


def strings(book: zipfile.ZipFile, names: Mapping[str, str]) -> list[str]:
    if "xl/sharedstrings.xml" not in names:
        return []
    return [shown(item) for item in parsed(book, names["xl/sharedstrings.xml"]).iter(f"{SPREADSHEET}si")]


def shown(item: ElementTree.Element) -> str:
    """The text of a cell, without the hints how to pronounce it."""
    pieces = [
        item.find(f"{SPREADSHEET}t"),
        *(r.find(f"{SPREADSHEET}t") for r in item.iter(f"{SPREADSHEET}r")),
    ]
    return unescaped("".join(piece.text or "" for piece in pieces if piece is not None))


def unescaped(text: str) -> str:
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)


def sheet(
    book: zipfile.ZipFile, names: Mapping[str, str], part: str, shared: Sequence[str], epoch: date
) -> Rows:
    root = parsed(book, names[part])
    links = addresses(book, names, part, root)
    rows: Rows = {}
    number = 0
    for row in root.iter(f"{SPREADSHEET}row"):
        number = int(row.get("r") or number + 1)
        cells = rows.setdefault(number, [])
        for cell in row.iter(f"{SPREADSHEET}c"):
            column = column_of(cell.get("r") or "", len(cells))
            if column >= WIDEST:
                raise NotProvenError(f"{part} has more columns than a sheet can have.")
            cells.extend(Cell() for _ in range(column + 1 - len(cells)))
            text, day = value(cell, shared, epoch)
            cells[column] = Cell(text, day, links.get((number, column), ""))
    return rows


def column_of(reference: str, otherwise: int) -> int:
    letters = re.match(r"[A-Z]+", reference)
    if not letters:
        return otherwise
    number = 0
    for letter in letters[0][:4]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def value(cell: ElementTree.Element, shared: Sequence[str], epoch: date) -> tuple[str, str]:
    kind = cell.get("t") or "n"
    inline = cell.find(f"{SPREADSHEET}is")
    if inline is not None:
        return shown(inline), ""
    stored = (cell.findtext(f"{SPREADSHEET}v") or "") if kind != "s" else ""
    if kind == "s":
        index = (cell.findtext(f"{SPREADSHEET}v") or "").strip()
        return (shared[int(index)] if index else ""), ""
    if kind != "n" or not stored:
        return unescaped(stored).replace("T00:00:00", ""), ""
    try:
        number = float(stored)
        days = int(number)
        text = str(days) if number == days else stored
        return text, (
            epoch + timedelta(days=days + (0 if days > 60 or epoch.year == 1904 else 1))
        ).isoformat()
    except (ValueError, OverflowError):
        return stored, ""


def addresses(
    book: zipfile.ZipFile, names: Mapping[str, str], part: str, root: ElementTree.Element
) -> dict[tuple[int, int], str]:
    """(row, column) -> the address behind the cell."""
    folder, _, name = part.rpartition("/")
    relations = f"{folder}/_rels/{name}.rels"
    targets = {}
    if relations in names:
        for relation in parsed(book, names[relations]).iter(f"{PACKAGE}Relationship"):
            targets[relation.get("Id")] = relation.get("Target") or ""
    found = {}
    for link in root.iter(f"{SPREADSHEET}hyperlink"):
        address = targets.get(link.get(f"{OFFICE}id"), "")
        if link.get("location"):
            address = f"{address}#{link.get('location')}"
        for column, number in area(link.get("ref") or ""):
            found[number, column] = address
    return found


def area(reference: str) -> Iterator[tuple[int, int]]:
    corners = re.fullmatch(r"([A-Z]+)(\d+)(?::([A-Z]+)(\d+))?", reference.replace("$", ""))
    if not corners:
        return
    left, top, right, bottom = corners.groups()
    for column in range(column_of(left, 0), min(column_of(right or left, 0), WIDEST) + 1):
        for number in range(int(top), min(int(bottom or top), int(top) + 100_000) + 1):
            yield column, number


def main(arguments: Sequence[str]) -> int:
    if not arguments:
        sys.stderr.write(f"{__doc__}\n")
        return 1
    try:
        data, *others = (Path(name).read_bytes() for name in arguments)
        said = check(data, [json.loads(text) for text in others])
    except NotProvenError as reason:
        sys.stdout.write(f"NOT PROVEN. {reason}\n")
        return 1
    except (OSError, ValueError, LookupError, TypeError, zipfile.BadZipFile, ElementTree.ParseError) as error:
        sys.stdout.write(f"NOT PROVEN. The bundle or a file in it cannot be read: {error!r}\n")
        return 1
    sys.stdout.write("\n".join([*said, "PROVEN: the files, the journal and the rows bear it out.", ""]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
