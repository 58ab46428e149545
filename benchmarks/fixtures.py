"""Documents that were made to try other readers, and workbooks spoilt by chance, read by ours.

They come with the source packages of those readers, fetched when this runs, and are not shipped. What one of them
asks for is taken in a process of its own, so that its memory can be told; values are compared with openpyxl's.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import random
import re
import resource
import subprocess
import sys
import tarfile
import tempfile
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from benchmarks.table import Line
from pipelines import helper
from pipelines.parse import read
from pipelines.parse.xlsx_cells import unescape
from scraper.errors import UnreadableError
from scraper.lists import Format

PACKAGES = (
    "openpyxl", "odfpy", "pdfplumber", "pypdf", "csvkit", "agate", "agate-excel", "lxml",
)  # fmt: skip
FORMATS: dict[str, tuple[Format, ...]] = {
    "xlsx": ("xlsx",),
    "xlsm": ("xlsx",),
    "xls": ("xlsx",),
    "ods": ("ods",),
    "odt": ("ods",),
    "csv": ("csv", "json", "html"),
    "tsv": ("csv",),
    "txt": ("csv",),
    "json": ("json", "csv"),
    "html": ("html", "csv"),
    "pdf": ("pdf",),
}
SOURCES = {"py", "pyx", "pxd", "pxi", "c", "h"}  # fmt: skip
MUTANTS, MADE = 2_000, 40
MOST_SECONDS, MOST_MEGABYTES = 60.0, 300.0
PIECES = (
    b"\0", b"\xff", b"<", b">", b"&", b"&#0;", b'"', b"]]>", b"<!--", b"-1", b"1e999", b"NaN", b"9" * 30, b"../",
    b"A" * 300, b't="s"', b' r="0"', b"<c/>", b"<row/>", b"</row>", b"_x0000_", b"idna", b"utf-16", b"date1904",
)  # fmt: skip


def measure() -> list[Line]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fixtures = list(_fixtures(folder))
        made = [(_made(folder / f"made-{seed}.xlsx", seed), "xlsx") for seed in range(MADE)]
        mutants = [(_mutant(folder, made[seed % MADE][0], seed), "xlsx") for seed in range(MUTANTS)]
        return [
            *_lines("foreign documents", [*fixtures, *made], at_least=500),
            *_lines("mutants of workbooks", mutants, at_least=MUTANTS),
        ]


def _lines(what: str, documents: list[tuple[Path, str]], at_least: int) -> Iterator[Line]:
    results = _results(documents)
    outcomes = Counter(result["outcome"] for result in results)
    broken = [result for result in results if result["outcome"] == "broken"]
    slowest = max(results, key=lambda result: result["seconds"])
    largest = max(results, key=lambda result: result["megabytes"])
    ok = (
        len(results) >= at_least
        and not broken
        and slowest["seconds"] <= MOST_SECONDS
        and largest["megabytes"] <= MOST_MEGABYTES
    )
    yield Line(
        f"{len(results):,} readings of {len({path for path, _ in documents}):,} {what}",
        f"at least {at_least:,}, no traceback, none over {MOST_SECONDS:.0f} s or {MOST_MEGABYTES:.0f} MB",
        f"{outcomes['read']:,} read, {outcomes['unreadable']:,} unreadable, {len(broken)} tracebacks; "
        f"at most {slowest['seconds']:.1f} s of CPU and {largest['megabytes']:.0f} MB",
        ok,
        f"slowest {slowest['name']}, largest {largest['name']}"
        + "".join(f"; {result['name']}: {result['why']}" for result in broken[:5]),
    )
    compared = [result for result in results if result["same"] is not None]
    other = [result for result in compared if not result["same"]]
    yield Line(
        f"{what}: values against openpyxl's",
        "equal",
        f"{len(compared) - len(other):,} of {len(compared):,} that both read",
        not other,
        "; ".join(f"{result['name']}: {result['why']}" for result in other[:5]),
    )


def _fixtures(folder: Path) -> Iterator[tuple[Path, Format]]:
    packages = folder / "packages"
    for package in PACKAGES:
        # Most source packages say what they hold without being built; a few need their own builder for that.
        if not _download(package, packages, "--no-build-isolation") and not _download(package, packages):
            sys.stderr.write(f"The source package of {package} could not be had.\n")
    for number, packed in enumerate(sorted(packages.glob("*.tar.gz"))):
        with tarfile.open(packed) as archive:
            archive.extractall(folder / str(number), filter="data")
        for path in sorted((folder / str(number)).rglob("*")):
            if path.is_file():
                suffix = path.suffix.lower().lstrip(".")
                # What is no list at all may stand in the place of one by mistake.
                for name in FORMATS.get(suffix, () if suffix in SOURCES else ("csv",)):
                    yield path, name


def _download(package: str, folder: Path, *options: str) -> bool:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    done = subprocess.run(
        [*command, *options, "--dest", folder, package], stderr=subprocess.DEVNULL, check=False
    )
    return done.returncode == 0


def _results(documents: list[tuple[Path, str]]) -> list[dict[str, Any]]:
    """In one process after another of so many documents: a reader that ends its process ends only that one."""
    results: list[dict[str, Any]] = []
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.fixtures"]
    while len(results) < len(documents):
        left = documents[len(results) :]
        lines = "".join(f"{json.dumps([str(path), name])}\n" for path, name in left)
        done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
        results += map(json.loads, done.stdout.splitlines())
        if done.returncode and len(results) < len(documents):
            why = (done.stderr.strip().splitlines() or ["killed"])[-1]
            name = documents[len(results)][0].name
            results.append(
                {
                    "name": name,
                    "outcome": "broken",
                    "why": why,
                    "seconds": 0.0,
                    "megabytes": 0.0,
                    "same": None,
                }
            )
    return results


def _result(path: Path, name: Format) -> dict[str, Any]:
    result: dict[str, Any] = {"name": path.name, "outcome": "read", "why": "", "same": None}
    Path("/proc/self/clear_refs").write_text("5")  # the peak of memory begins anew
    began = sum(os.times()[:4])
    header: tuple[str, ...] = ()
    rows: list[tuple[int, tuple[str, ...]]] = []
    try:
        table = read(path, name, {})
        header, rows = table.header, [(row.number, row.cells) for row in table.rows]
    except UnreadableError as error:
        result |= {"outcome": "unreadable", "why": str(error)}
    except Exception:
        result |= {"outcome": "broken", "why": traceback.format_exc().strip().splitlines()[-1]}
    helper.end_idle()  # what it took counts once it has ended
    result["seconds"] = sum(os.times()[:4]) - began
    status = Path("/proc/self/status").read_text()
    own = int(re.search(r"VmHWM:\s*(\d+)", status)[1])  # type: ignore[index]
    result["megabytes"] = max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024
    if name == "xlsx" and result["outcome"] == "read":
        difference = _difference(path, header, rows)
        if difference is not None:
            result |= {"same": not difference, "why": difference}
    return result


def _difference(path: Path, header: tuple[str, ...], rows: list[tuple[int, tuple[str, ...]]]) -> str | None:
    """What openpyxl reads otherwise, the first of it; None when it cannot read the workbook."""
    try:
        book = openpyxl.load_workbook(path, data_only=True)
        sheet = next(sheet for sheet in book.worksheets if sheet.sheet_state == "visible")
        theirs = {
            cells[0].row: tuple(map(_printed, (cell.value for cell in cells)))[: len(header)]
            for cells in sheet.iter_rows()
        }
    except Exception:
        return None
    ours = dict(rows)
    first = min(ours, default=1)
    theirs = {
        number: cells for number, cells in theirs.items() if number >= first and any(map(str.strip, cells))
    }
    for number in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(number, ()), theirs.get(number, ())
        if one != other + ("",) * (len(one) - len(other)):
            return f"row {number} is {one}, with openpyxl {other}"[:300]
    return ""


def _printed(value: object) -> str:
    """openpyxl's value as the text that a table holds."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, dt.datetime):
        whole = (value + dt.timedelta(milliseconds=500)).replace(microsecond=0)
        return whole.isoformat().removesuffix("T00:00:00")
    if isinstance(value, dt.time):
        return value.isoformat(timespec="seconds")
    if isinstance(value, dt.timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    # It leaves the escapes of workbooks as they stand.
    return unescape(str(value))


def _made(path: Path, seed: int) -> Path:
    """A workbook of either of two programs, of either epoch."""
    chance = random.Random(seed)
    days = [dt.datetime(2019, 1, 1) + dt.timedelta(days=chance.randrange(2_500)) for _ in range(60)]  # noqa: DTZ001
    rows = [
        (chance.choice(["OHIO", "IOWA", "R&D"]), f"Agency <{number}>", day, chance.choice([1, 2.5, None, -3]))
        for number, day in enumerate(days)
    ]
    if seed % 2:
        book = openpyxl.Workbook()
        book.epoch = CALENDAR_MAC_1904 if seed % 4 == 1 else book.epoch
        sheet = book.active
        assert sheet is not None  # noqa: S101
        sheet.append(["STATE", "AGENCY", "SIGNED", "SHARE"])
        for row in rows:
            sheet.append(row)
        book.save(path)
    else:
        written = xlsxwriter.Workbook(
            path,
            {"date_1904": seed % 4 == 2, "constant_memory": seed % 3 == 0, "default_date_format": "m/d/yyyy"},
        )
        page = written.add_worksheet()
        page.write_row(0, 0, ["STATE", "AGENCY", "SIGNED", "SHARE"])
        for number, row in enumerate(rows, 1):
            page.write_row(number, 0, row)
            page.write_url(number, 4, f"https://example.org/{number}", string="link")
        written.close()
    return path


def _mutant(folder: Path, path: Path, seed: int) -> Path:
    """The workbook with one part changed in a few places, or without it."""
    chance = random.Random(seed)
    with zipfile.ZipFile(path) as archive:
        parts = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    name = chance.choice(sorted(parts))
    if chance.random() < 0.1:
        del parts[name]
    else:
        for _ in range(chance.randint(1, 4)):
            body = parts[name]
            at = chance.randrange(len(body) + 1)
            end = at + chance.randrange(40)
            piece = chance.choice([chance.choice(PIECES), chance.randbytes(4), body[at:end] * 2])
            parts[name] = body[:at] + piece + body[chance.choice([at, end]) :]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, body in parts.items():
            archive.writestr(other, body)
    spoilt = folder / f"mutant-{seed}.xlsx"
    spoilt.write_bytes(packed.getvalue())
    return spoilt


def main() -> None:
    """Each line that comes in is a document to be read, each that goes out what came of it."""
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        path, name = json.loads(line)
        print(json.dumps(_result(Path(path), name)), flush=True)


if __name__ == "__main__":
    main()
