"""How large the code is, and how many of its files one command enters: `python -m benchmarks.house`.

Counted are product modules (tests, benchmarks and documentation aside) and, for each command, the files of which a
function was entered (module bodies, lambdas and comprehensions aside), in every thread, over made lists.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demo.made import Week

ROOT = Path(__file__).parents[1]
ROOMS = ("scraper", "pipelines", "changelog", "web", "commands", "demo", "migrations")
ASIDE = {"<module>", "<lambda>", "<genexpr>", "<listcomp>", "<dictcomp>", "<setcomp>"}
FRAGMENT = 40  # lines; a shorter module with one importer is a fragment


def modules() -> list[Path]:
    found = [ROOT / "countersign.py", ROOT / "scheduler.py", ROOT / "bootstrap.py"]
    return found + [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def importers() -> Counter[str]:
    """By how many modules each module is imported."""
    names = {name_of(path) for path in modules()}
    counted: Counter[str] = Counter()
    for path in modules():
        counted.update(set(_imported(path, names)))
    return counted


def _imported(path: Path, names: set[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ({node.module} & names)
            yield from ({f"{node.module}.{one.name}" for one in node.names} & names)
        elif isinstance(node, ast.Import):
            yield from ({one.name for one in node.names} & names)


def size() -> Iterator[str]:
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    counted = importers()
    largest = max(lines, key=lines.__getitem__)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    yield f"product lines               {sum(lines.values()):>7,}"
    yield f"modules                     {len(lines):>7,}"
    yield f"largest                     {lines[largest]:>7,}  {largest}"
    yield f"modules with one importer   {sum(counted[name] == 1 for name in lines):>7,}"
    fragments = [name for name, count in lines.items() if 2 < count < FRAGMENT and counted[name] == 1]
    yield f"fragments                   {len(fragments):>7,}  {' '.join(fragments)}"
    yield f"contracts                   {len(contracts['contracts']):>7,}"


class Entered:
    """The files that a run enters."""

    def __init__(self) -> None:
        self.files: dict[str, None] = {}

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_name not in ASIDE:
            name = frame.f_code.co_filename
            if name.startswith(f"{ROOT}{os.sep}"):
                name = name[len(str(ROOT)) + 1 :]
                if name.startswith((*ROOMS[:5], "countersign.py", "scheduler.py")):
                    self.files.setdefault(name)


def entered(arguments: Sequence[str]) -> dict[str, None]:
    import countersign

    counting = Entered()
    threading.setprofile(counting)
    sys.setprofile(counting)
    try:
        countersign.run(arguments)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return counting.files


def _in_a_process(home: str, lists: str, *arguments: str) -> int:
    """A command by itself, as a person runs it; what was entered is counted in it."""
    environment = {**os.environ, "COUNTERSIGN_HOME": home, "COUNTERSIGN_LISTS": lists}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.house", "--enter", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return int(done.stderr.rsplit("entered ", 1)[1].split()[0])


def commands() -> Iterator[str]:
    from demo.made import weeks
    from demo.publisher import Publisher
    from tests.declaring import declared_in

    with tempfile.TemporaryDirectory() as place, Publisher() as publisher:
        home, published = f"{place}/home", weeks()
        lists = str(declared_in(Path(place), publisher))
        publisher.show_week(published[0])
        _in_a_process(home, lists, "crawl")
        publisher.show_week(published[1])
        yield f"files entered by a crawl with news   {_in_a_process(home, lists, 'crawl'):>4}"
        yield f"files entered by a quiet crawl       {_in_a_process(home, lists, 'crawl'):>4}"
        yield f"files entered by changes             {_in_a_process(home, lists, 'changes', '--format', 'json'):>4}"
        publisher.show_week(_cut(published[2]))
        _in_a_process(home, lists, "crawl")
        held = _held(home, lists)
        yield f"files entered by accept              {_in_a_process(home, lists, 'accept', held):>4}"


def _cut(week: Week) -> Week:
    """A list cut short, which is held."""
    from dataclasses import replace
    from io import BytesIO

    import openpyxl

    book = openpyxl.load_workbook(BytesIO(week.participating))
    book.worksheets[0].delete_rows(60, 500)
    written = BytesIO()
    book.save(written)
    return replace(week, participating=written.getvalue())


def _held(home: str, lists: str) -> str:
    import json

    environment = {**os.environ, "COUNTERSIGN_HOME": home, "COUNTERSIGN_LISTS": lists}
    done = subprocess.run(
        [sys.executable, "-m", "countersign", "held", "--format", "json"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return str(json.loads(done.stdout)[0]["id"])


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["--enter"]:
        found = entered(arguments[1:])
        sys.stderr.write(f"entered {len(found)} files: {' '.join(found)}\n")
        return
    for line in (*size(), *commands()):
        print(line)


if __name__ == "__main__":
    main(sys.argv[1:])
