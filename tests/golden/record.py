"""What must stay the same when the code is reshaped: digests of everything that leaves an installation.

`python -m tests.golden.record made` (or `corpus`) writes the digests anew; look at what changed before you commit it,
and say in the commit why it may.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import time_machine

import countersign
from demo.made import weeks

HERE = Path(__file__).parent
CORPUS = HERE.parents[2] / "shared" / "corpus"
NOW = "2026-01-05T12:00:00+00:00"
CLAIMS = (
    ("55 agencies signed in the last week, more than 510 partners, a 280 % increase from 134", "2025-04-10"),
    ("increased 609%, from 135 to 958", None),
    ("641%, from 135 to 1,001", None),
    ("444 agreements covering 38 states", "2025-04-08"),
    ("445 agreements", "2025-04-08"),
    ("344 agencies", "2025-04-08"),
    ("over 200 task force agreements", "2025-04-08"),
    ("57 pending applications", "2025-04-08"),
    ("135 agreements in 20 states", "2025-01-25"),
    ("571 agreements", "2025-05-19"),
)
WEEKS = {"made": ("2025-W39", "2025-W40", "2025-W41"), "corpus": ("2025-W14", "2025-W20", "2025-W33")}
DAYS = {"made": ("2025-10-01",), "corpus": ("2025-04-08", "2025-08-20")}


def made_manifest(folder: Path) -> Path:
    """The demo's six weeks, as files of the past."""
    rows = []
    for number, week in enumerate(weeks()):
        for name, body, published in (
            ("participating", week.participating, week.participating_name),
            ("pending", week.pending, week.pending_name),
        ):
            path = folder / f"{number}-{name}.xlsx"
            path.write_bytes(body)
            captured = week.published_at.replace(minute=50).isoformat()
            rows.append(dict(zip(("list", "captured_at", "published_name", "path"),
                                 (name, captured, published, str(path)), strict=True)))  # fmt: skip
    return _written(folder / "manifest.csv", rows)


def corpus_manifest(folder: Path) -> Path:
    with (CORPUS / "manifest.csv").open(newline="") as file:
        rows = [{**row, "path": str(CORPUS / row["path"])} for row in csv.DictReader(file)]
    return _written(folder / "manifest.csv", rows)


def shuffled(manifest: Path, seed: int) -> Path:
    with manifest.open(newline="") as file:
        rows = list(csv.DictReader(file))
    random.Random(seed).shuffle(rows)  # noqa: S311 - any order will do
    return _written(manifest.with_name(f"shuffled-{seed}.csv"), rows)


def _written(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(*arguments: str) -> str:
    """What one command prints, at a time that stands still. COUNTERSIGN_HOME is the caller's."""
    out, talk = StringIO(), StringIO()
    with time_machine.travel(NOW, tick=False), redirect_stdout(out), redirect_stderr(talk):
        code = countersign.run(arguments)
    assert code in (0, 3), (arguments, code, talk.getvalue()[-2000:])
    return out.getvalue()


def replayed(manifests: Sequence[Path]) -> None:
    for manifest in manifests:
        run("replay", str(manifest))


def digests(which: str) -> dict[str, str]:
    """Everything that a reader of the installation gets, each as a digest."""
    log = [json.loads(line) for line in run("changes", "--format", "jsonl").splitlines()]
    kinds = Counter(f"{change['list']} {change['kind']}" for change in log)
    found = {
        "changes": f"{len(log)}: " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())),
        "changes.jsonl": _digest("\n".join(json.dumps(change, sort_keys=True) for change in log)),
        "titles": _digest("\n".join(change["title"] for change in log)),
    }
    for name in ("participating", "pending"):
        for day in DAYS[which]:
            shown = run("show", name, "--as-of", day, "--format", "json")
            count = len(json.loads(shown)["agreements"])
            found[f"show {name} {day}"] = f"{count} {_digest(shown)}"
    for week in WEEKS[which]:
        found[f"report {week}"] = _digest(run("report", "--week", week, "--format", "json"))
    if which == "corpus":
        for number, (text, said) in enumerate(CLAIMS):
            asked = ("--as-of", said) if said else ()
            found[f"claim {number}"] = _digest(run("claim", text, *asked, "--format", "json"))
    with tempfile.TemporaryDirectory() as folder:
        run("export", folder)
        for path in sorted(Path(folder).rglob("*.csv")):
            found[f"export {path.relative_to(folder)}"] = _digest(path.read_text(encoding="utf-8"))
    return found


def surface() -> dict[str, Any]:
    """The names that scripts rely on: commands with their options, addresses of the API with their fields."""
    import typer

    from pipelines.installation import open_installation
    from web.app import create_app

    group = typer.main.get_command(countersign.app)
    commands = {name: sorted(_options(one)) for name, one in _leaves(group, ())}
    schema = create_app(open_installation()).openapi()
    paths = {f"{method} {path}": sorted(parameter["name"] for parameter in one.get("parameters", ()))
             for path, methods in schema["paths"].items() for method, one in methods.items()}  # fmt: skip
    fields = {
        name: sorted(shape.get("properties", ())) for name, shape in schema["components"]["schemas"].items()
    }
    return {"commands": commands, "paths": paths, "fields": fields}


def _leaves(group: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, one in sorted(group.commands.items()):
        if hasattr(one, "commands"):
            yield from _leaves(one, (*path, name))
        else:
            yield " ".join((*path, name)), one


def _options(command: Any) -> Iterator[str]:
    for parameter in command.params:
        yield parameter.opts[0]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def golden(which: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / f"{which}.json").read_text(encoding="utf-8"))
    return found


def write(which: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COUNTERSIGN_HOME"] = f"{folder}/home"
        manifest = made_manifest(Path(folder)) if which != "corpus" else corpus_manifest(Path(folder))
        replayed([manifest])
        found = surface() if which == "surface" else digests(which)
    (HERE / f"{which}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or ("made", "surface", "corpus"):
        write(chosen)
