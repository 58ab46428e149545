"""A user's own lists, read from a TOML file; what is wrong is told with its line and what to write."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from scraper.coherence import judged, nearest
from scraper.declaration import PARTS, ListEntry
from scraper.errors import ListError
from scraper.lists import BUILT_IN, PublishedList
from scraper.toml_lines import Lines

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_TOP = "lists"


@dataclass(frozen=True, slots=True)
class Problem:
    """`fatal` is False for advice: the list can be watched as it is."""

    line: int | None
    text: str
    fatal: bool = True

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}" if self.line else self.text


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file declares, and all that is wrong or doubtful about it, in the order of its lines."""

    lists: tuple[PublishedList, ...]
    problems: tuple[Problem, ...]

    @property
    def fatal(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.fatal)


def read_lists(path: Path) -> Sequence[PublishedList]:
    """The lists of a file. Raises ListError, naming every line that is wrong, when any is."""
    examined = examine(path)
    if examined.fatal:
        raise ListError("\n".join(f"{path}, {problem}" for problem in examined.fatal))
    return examined.lists


def examine(path: Path) -> Examined:
    """Read and judge a file without refusing it. Raises ListError when it cannot be opened."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ListError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise ListError(f"{path} is not UTF-8 text. Save it as UTF-8.") from None
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        return Examined((), (_syntax(wrong),))
    lines = Lines(text)
    problems = list(_around(tree, lines))
    entries: dict[str, ListEntry] = {}
    tables = tree.get(_TOP)
    for name, table in (tables if isinstance(tables, dict) else {}).items():
        try:
            entries[name] = ListEntry.model_validate(table)
        except ValidationError as wrong:
            problems += [_said(error, name, lines) for error in wrong.errors()]
    known = {*entries, *(item.name for item in BUILT_IN)}
    for name, entry in entries.items():
        for where, text_, fatal in judged(entry, known):
            problems.append(Problem(lines.of((_TOP, name, *where)), f"{name}: {text_}", fatal))
    ordered = tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.text)))
    return Examined(tuple(entry.published(name) for name, entry in entries.items()), ordered)


def _syntax(wrong: tomllib.TOMLDecodeError) -> Problem:
    found = re.fullmatch(r"(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)", str(wrong))
    if not found:
        return Problem(None, f"it is not TOML: {wrong}")
    where = f" (column {found[3]})" if found[3] else " (at its end)"
    return Problem(int(found[2]) if found[2] else None, f"it is not TOML: {found[1]}{where}")


def _around(tree: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    for key in tree.keys() - {_TOP}:
        yield Problem(lines.of((key,)), f"there is no “{key}” here; every list is a table [lists.NAME]")
    tables = tree.get(_TOP)
    if not isinstance(tables, dict) or not tables:
        yield Problem(lines.of((_TOP,)), "it declares no list; every list is a table [lists.NAME]")
        return
    for name in tables:
        if not _NAME.fullmatch(name):
            text = f"{name!r} cannot be a list's name; use small letters, figures and hyphens"
            yield Problem(lines.of((_TOP, name)), text)


def _said(error: Any, name: str, lines: Lines) -> Problem:
    """One of pydantic's errors as a sentence, on the line of the key that it is about."""
    where = [str(part) for part in error["loc"] if part != "[key]"]
    line = lines.of((_TOP, name, *where))
    part, key = ".".join(where[:-1]), where[-1] if where else ""
    if error["type"] == "extra_forbidden":
        return Problem(line, f"{name}: there is no “{key}”{_suggestion(part, key)}")
    if error["type"] == "missing":
        return Problem(lines.of((_TOP, name)), f"{name}: “{'.'.join(where)}” is missing")
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    shown = error.get("input")
    got = f" (it is {shown!r})" if isinstance(shown, str | int | float | bool) else ""
    choice = nearest(str(shown), ("xlsx", "csv", "html", "json", "pdf", "ods")) if key == "format" else None
    hint = f"; did you mean {choice!r}?" if choice else ""
    return Problem(line, f"{name}: “{'.'.join(where)}” {message[:1].lower()}{message[1:]}{got}{hint}")


def _suggestion(part: str, key: str) -> str:
    model = PARTS.get(part)
    names = tuple(model.model_fields) if model else ()
    if near := nearest(key, names):
        return f"; did you mean “{near}”?"
    return f" here; there are: {', '.join(names)}" if names else ""
