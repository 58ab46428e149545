"""Every reader, on every hostile document: a clear error or a finding, within memory and time."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from scraper.lists import Format
from tests.hostile import ods, packages, pdf, sheets, texts
from tests.hostile.documents import BAD, FINE, ODD, Build

CASES = [*packages.CASES, *sheets.CASES, *texts.CASES, *ods.CASES, *pdf.CASES]

MOST_MEMORY = 300_000_000
MOST_SECONDS = 30.0  # of CPU: a busy machine makes no document worse

# Reads one document in a process of its own, so that its memory can be told from everybody else's.
READER = """
import json, os, resource, sys
from pathlib import Path
from pipelines.parse import read
from pipelines.parse.table import Limits
from scraper.errors import UnreadableError
told = {}
try:
    table = read(Path(sys.argv[1]), sys.argv[2], {}, Limits(max_seconds=20))
    told["rows"] = sum(1 for _ in table.rows)
    told["header"] = table.header
    told["findings"] = [finding.as_json() for finding in table.findings]
except UnreadableError as error:
    told["error"] = str(error)
from pipelines import helper
helper.end_idle()
spent = os.times()
told["seconds"] = sum(spent[:4])
own = next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
helper = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
told["memory"] = 1024 * max(int(own.split()[1]), helper)
print(json.dumps(told))
"""


def reading(path: Path, declared: Format) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", READER, str(path), declared],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize(
    ("declared", "build", "outcome", "wording"),
    [case[1:] for case in CASES],
    ids=[f"{case[1]}: {case[0]}" for case in CASES],
)
def test_document(tmp_path: Path, declared: Format, build: Build, outcome: str, wording: str) -> None:
    path = tmp_path / f"document.{declared}"
    build(path)
    told = reading(path, declared)
    assert told["memory"] < MOST_MEMORY
    assert told["seconds"] < MOST_SECONDS
    if outcome == BAD:
        assert re.search(wording, told.get("error", f"read: {told}"))
    else:
        assert "error" not in told, told["error"]
        assert {finding["name"] for finding in told["findings"]} == set(wording.split())


def test_cases_of_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    """Prints how many there are; fails when a format loses its cases."""
    by_format = Counter(case[1] for case in CASES)
    by_outcome = Counter(case[3] for case in CASES)
    with capsys.disabled():
        print(  # noqa: T201  the count is to be seen
            f"\nhostile documents: {dict(by_format)}; expected: {dict(by_outcome)}"
        )
    assert set(by_format) == {"xlsx", "csv", "html", "json", "pdf", "ods"}
    assert set(by_outcome) == {BAD, ODD, FINE}
    assert len({(case[0], case[1]) for case in CASES}) == len(CASES)
