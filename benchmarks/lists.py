"""Public lists that are not ICE's, replayed with their history: are the changes those that their own keys tell?

For each list a plain script takes the key of every row of every version that was accepted, and says what came and
went. What Countersign says must be the same, entry by entry.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.table import Line

DECLARED = Path(__file__).with_name("lists.toml")
PACKED = Path(__file__).parents[2] / "shared" / "lists"
# By what a plain script knows an entry of each list: the columns as each version prints them, in any of these ways.
Key = tuple[str, ...]
COLUMNS: dict[str, tuple[tuple[str, ...], ...]] = {
    "kev": (("cveID",),),
    "dotgov": (("domain name",),),
    "fara": (("registration_number", "foreign_principal", "foreign_principal_registration_date"),),
    "rentals": (("operator_registration_number",),),
    "officiants": (("last name", "first name", "municipality", "affiliation"),),
    "runways": (("id",),),
    "pypi": (("project",),),
    "sdn": (("1",),),
}
ACCEPTED = ("recorded", "unchanged")


@dataclass(frozen=True, slots=True)
class Replayed:
    seconds: float
    megabytes: float
    outcomes: dict[str, str]
    changes: list[dict[str, Any]]
    held: list[dict[str, Any]]


def measure() -> list[Line]:
    if not PACKED.is_dir():
        return [
            Line(
                "public lists", "no false removal or addition", "-", None, "they are not beside the checkout"
            )
        ]
    only = os.environ.get("COUNTERSIGN_BENCHMARK_LISTS", "").split()
    lines = []
    with tempfile.TemporaryDirectory(prefix="countersign-lists-") as folder:
        for name in only or tomllib.loads(DECLARED.read_text(encoding="utf-8"))["lists"]:
            subprocess.run(["tar", "xf", str(PACKED / f"{name}.tar.xz"), "-C", folder], check=True)
            lines.append(_line(name, Path(folder) / name))
    return lines


def _line(name: str, folder: Path) -> Line:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        versions = list(csv.DictReader(stream))
    found = replayed(name, folder)
    wrong, note = 0, ""
    kinds = Counter(change["kind"] for change in found.changes)
    if name in COLUMNS:
        wrong, note = compared(name, folder, versions, found)
    elif name == "sbti":
        note = renames(folder, versions, found)
        note += " Without evidence: " + renames(folder, versions, replayed(name, folder, evidence=False))
    held = "; ".join(f"{one['published_at'][:10]} {one['reasons'][0]['text']}" for one in found.held)
    measured = (
        f"{len(versions)} versions; {', '.join(f'{number} {kind}' for kind, number in sorted(kinds.items()))}; "
        f"{len(found.held)} held; {found.seconds:.0f} s, {found.megabytes:.0f} MB"
    )
    outcomes = Counter(found.outcomes.values())
    note = f"{note} {dict(outcomes)} {held}".strip()
    return Line(f"list {name}", "no false removal or addition", measured, not wrong, note)


def replayed(name: str, folder: Path, *, evidence: bool = True) -> Replayed:
    """By the command line, as somebody would."""
    home = folder / f"home-{evidence}"
    home.mkdir()
    declared = DECLARED.read_text(encoding="utf-8")
    declared = declared if evidence else re.sub(r"^evidence = .*$", "", declared, flags=re.MULTILINE)
    (home / "lists.toml").write_text(declared, encoding="utf-8")
    began = time.perf_counter()
    outcomes, memory = _run(home, "replay", str(folder / "manifest.csv"), "--list", name, "--json")
    seconds = time.perf_counter() - began
    changes, _ = _run(home, "changes", "--list", name, "--format", "jsonl")
    held, _ = _run(home, "held", "--format", "json")
    states = {one["sha256"]: one["outcome"] for one in map(json.loads, outcomes.splitlines())}
    return Replayed(
        seconds, memory, states, [json.loads(line) for line in changes.splitlines()], json.loads(held)
    )


def _run(home: Path, *words: str) -> tuple[str, float]:
    """What it printed, and the most memory it took, in megabytes."""
    environment = {**os.environ, "COUNTERSIGN_HOME": str(home), "COUNTERSIGN_LISTS": str(home / "lists.toml")}
    script = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)\n"
        "sys.stderr.write(f'{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000}')\n"
        "sys.stdout.buffer.write(done.stdout)\n"
        "sys.exit(done.returncode if done.returncode not in (0, 3, 5) else 0)\n"
    )
    command = [sys.executable, "-c", script, sys.executable, "-m", "countersign", *words]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode("utf-8", "replace")[-2000:])
    return done.stdout.decode(), float(done.stderr.decode().split()[-1])


def compared(name: str, folder: Path, versions: Sequence[dict[str, str]], found: Replayed) -> tuple[int, str]:
    """How many entries came or went otherwise than their keys tell, and what."""
    said: dict[tuple[str, bool], set[Key]] = {}
    moved: dict[str, list[tuple[Key, Key]]] = {}
    for change in found.changes:
        came = change["kind"] in ("added", "returned")
        if change["rule"] == "repeated row":
            continue
        now = tuple(fold(name, value) for value in change["key"].values())
        before = tuple(
            fold(name, (change["before"] or {}).get(field, value)) for field, value in change["key"].items()
        )
        if came or change["kind"] == "removed":
            said.setdefault((change["sha256"], came), set()).add(now)
        if change["kind"] != "added" and change["before"] and before != now:
            moved.setdefault(change["sha256"], []).append((before, now))
    last: set[Key] | None = None
    wrong, total, corrected = [0, 0], [0, 0], 0
    for version in versions:
        path = folder / version["path"]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if found.outcomes.get(digest) not in ACCEPTED:
            continue
        here = set(keys(name, path))
        if last is not None:
            olds, news = ({pair[side] for pair in moved.get(digest, ())} for side in (0, 1))
            corrected += len(olds)
            for came, true in ((True, here - last), (False, last - here)):
                total[came] += len(true)
                wrong[came] += len((true - (news if came else olds)) ^ said.get((digest, came), set()))
        last = here
    note = f"by key {total[1]} came, {total[0]} went; otherwise {wrong[1]} and {wrong[0]}; {corrected} corrected;"
    return sum(wrong), note


def renames(folder: Path, versions: Sequence[dict[str, str]], found: Replayed) -> str:
    """How many of the renames that the list's own ids prove were found, and how many found ones they deny."""
    said: dict[str, set[tuple[str, str]]] = {}
    for change in found.changes:
        if change["kind"] == "renamed" and "agency" in (change["before"] or {}):
            pair = (_squeezed(change["before"]["agency"]), _squeezed(change["agency"]))
            said.setdefault(change["sha256"], set()).add(pair)
    last: dict[str, dict[str, str]] = {}
    true, found_true, right, wrong = 0, 0, 0, 0
    for version in versions:
        path = folder / version["path"]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if found.outcomes.get(digest) not in ACCEPTED:
            continue
        here = _names_by_id(path)
        if last:
            column = "sbtiid" if last["sbtiid"] and here["sbtiid"] else "lei"
            proven = _proven(last[column], here[column], *(_all_names(side) for side in (last, here)))
            mine = said.get(digest, set())
            true, found_true = true + len(proven), found_true + len(proven & mine)
            olds, news = ({name: one for one, name in side[column].items()} for side in (last, here))
            judged = [olds[one] == news[other] for one, other in mine if one in olds and other in news]
            right, wrong = right + judged.count(True), wrong + judged.count(False)
        last = here
    return (
        f"{true} renames proven, {found_true / max(1, true):.0%} of them found; {right + wrong} found can be judged, "
        f"{right / max(1, right + wrong):.1%} right."
    )


def _proven(
    last: dict[str, str], here: dict[str, str], before: set[str], now: set[str]
) -> set[tuple[str, str]]:
    """One identifier under two names, of which the old one is gone and the new one was not there."""
    pairs = {(name, here.get(identifier, "")) for identifier, name in last.items()}
    return {(old, new) for old, new in pairs if old and new and old not in now and new not in before}


def _all_names(side: dict[str, dict[str, str]]) -> set[str]:
    return {name for names in side.values() for name in names.values()}


def _names_by_id(path: Path) -> dict[str, dict[str, str]]:
    """By each kind of identifier, the company's name; "" where two companies have one identifier."""
    from openpyxl import load_workbook

    rows = load_workbook(path, read_only=True).worksheets[0].iter_rows(values_only=True)
    header = [_squeezed(cell).replace("_", "") for cell in next(rows)]
    found: dict[str, dict[str, str]] = {"sbtiid": {}, "lei": {}, "": {}}
    for number, row in enumerate(rows):
        cells = dict(zip(header, row, strict=False))
        name = _squeezed(cells["companyname"])
        found[""][str(number)] = name
        for column in ("sbtiid", "lei"):
            identifier = str(cells.get(column) or "").strip()
            if any(mark.isdigit() for mark in identifier):
                found[column][identifier] = "" if identifier in found[column] else name
    return found


def _squeezed(value: object) -> str:
    return "".join(str(value or "").split()).casefold()


def fold(name: str, value: object) -> str:
    folded = "".join(mark for mark in " ".join(str(value or "").split()) if mark.isprintable())
    if found := re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})", folded):
        return f"{found[3]}-{found[1]}-{found[2]}"
    folded = folded if name == "pypi" else folded.casefold()
    # Of a name in a key that is corrected, a blank is no difference.
    return folded.replace(" ", "") if name == "fara" else folded


def keys(name: str, path: Path) -> Iterator[Key]:
    [columns] = COLUMNS[name]
    for row in _rows(name, path):
        printed = {
            header.strip().casefold().replace("_", " "): value or ""
            for header, value in row.items()
            if header
        }
        value = tuple(fold(name, printed[column.casefold().replace("_", " ")]) for column in columns)
        if any(value):
            yield value


def _rows(name: str, path: Path) -> Iterator[dict[str, str]]:
    if path.suffix == ".json":
        document = json.loads(path.read_bytes())
        yield from (
            document if isinstance(document, list) else document.get("rows") or document["vulnerabilities"]
        )
        return
    with path.open(newline="", encoding="utf-8-sig") as stream:
        if name == "sdn":
            yield from ({"1": row[0]} for row in csv.reader(stream) if len(row) > 1)
        else:
            yield from csv.DictReader(stream)
