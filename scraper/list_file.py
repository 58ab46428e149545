"""Which lists are watched: the built-in ones, and those that a user's TOML file declares.

What is wrong in the file is said with its line and with what to write.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scraper.errors import ListError
from scraper.lists import BUILT_IN, PublishedList

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_TOP = "lists"
_BUILTIN = "builtin"


def declared_lists(path: Path | None, builtin: bool = True) -> Sequence[PublishedList]:
    """The built-in lists, and those of the file; a list of the same name takes the built-in one's place.

    The built-in ones are left out where the setting or the file says `builtin = false`.
    """
    if path is None:
        return _built_in(builtin, ())
    examined = examine(path)
    if examined.fatal:
        raise ListError("\n".join(f"{path}, {problem}" for problem in examined.fatal))
    return (*_built_in(builtin and examined.builtin, [item.name for item in examined.lists]), *examined.lists)


def _built_in(wanted: bool, replaced: Collection[str]) -> Sequence[PublishedList]:
    return tuple(item for item in BUILT_IN if item.name not in replaced) if wanted else ()


def sound_lists(path: Path | None, builtin: bool = True) -> tuple[Sequence[PublishedList], dict[str, str]]:
    """As `declared_lists`, but a list that is declared wrongly stops no other: it is left out, and what is wrong
    with it is told by its name. Raises ListError for what is wrong with the file itself."""
    if path is None:
        return _built_in(builtin, ()), {}
    examined, wrong = examine(path), dict[str, str]()
    for problem in examined.fatal:
        text = f"{path}, {problem}"
        if not problem.list:
            raise ListError(text)
        wrong[problem.list] = f"{wrong[problem.list]}\n{text}" if problem.list in wrong else text
    own = [item for item in examined.lists if item.name not in wrong]
    names = {*wrong, *(item.name for item in own)}
    return (*_built_in(builtin and examined.builtin, names), *own), wrong


@dataclass(frozen=True, slots=True)
class Problem:
    """`fatal` is False for advice: the list can be watched as it is. `list` is empty for the file itself."""

    line: int | None
    text: str
    fatal: bool = True
    list: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}" if self.line else self.text


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file declares, and all that is wrong or doubtful about it, in the order of its lines."""

    lists: tuple[PublishedList, ...]
    problems: tuple[Problem, ...]
    builtin: bool = True

    @property
    def fatal(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.fatal)


def examine(path: Path) -> Examined:
    """Read and judge a file without refusing it. Raises ListError when it cannot be opened."""
    # Its models take a while to be built, and an installation without lists of its own needs none.
    from pydantic import ValidationError

    from scraper.list_entry import ListEntry, judged

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
            problems += [replace(_said(error, name, lines), list=name) for error in wrong.errors()]
    known = {*(tables if isinstance(tables, dict) else {}), *(item.name for item in BUILT_IN)}
    for name, entry in entries.items():
        for where, text_, fatal in judged(entry, known):
            problems.append(Problem(lines.of((_TOP, name, *where)), f"{name}: {text_}", fatal, name))
    ordered = tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.text)))
    lists = tuple(entry.published(name) for name, entry in entries.items())
    return Examined(lists, ordered, tree.get(_BUILTIN) is not False)


def _syntax(wrong: tomllib.TOMLDecodeError) -> Problem:
    found = re.fullmatch(r"(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)", str(wrong))
    if not found:
        return Problem(None, f"it is not TOML: {wrong}")
    where = f" (column {found[3]})" if found[3] else " (at its end)"
    return Problem(int(found[2]) if found[2] else None, f"it is not TOML: {found[1]}{where}")


def _around(tree: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    if not isinstance(tree.get(_BUILTIN, True), bool):
        yield Problem(
            lines.of((_BUILTIN,)), "“builtin” is true or false: whether the built-in lists are watched"
        )
    for key in tree.keys() - {_TOP, _BUILTIN}:
        yield Problem(lines.of((key,)), f"there is no “{key}” here; every list is a table [lists.NAME]")
    tables = tree.get(_TOP)
    if not isinstance(tables, dict) or not tables:
        yield Problem(lines.of((_TOP,)), "it declares no list; every list is a table [lists.NAME]")
        return
    for name in tables:
        if not _NAME.fullmatch(name):
            text = f"{name!r} cannot be a list's name; use small letters, figures and hyphens"
            yield Problem(lines.of((_TOP, name)), text, list=name)


def _said(error: Any, name: str, lines: Lines) -> Problem:
    """One of pydantic's errors as a sentence, on the line of the key that it is about."""
    from scraper.list_entry import nearest

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
    from scraper.list_entry import PARTS, nearest

    model = PARTS.get("fields" if part.startswith("fields.") else part)
    names = tuple(model.model_fields) if model else ()
    if near := nearest(key, names):
        return f"; did you mean “{near}”?"
    return f" here; there are: {', '.join(names)}" if names else ""


Keys = tuple[str, ...]  # the keys that lead to a value


class Lines:
    """`of(path)` is the line on which the value, or the nearest thing that holds it, is written."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Keys, int] = {}
        table: Keys = ()
        for number, statement in _statements(text):
            if statement.lstrip().startswith("["):
                table = _deepest(tomllib.loads(statement))
                self._note(table, number)
                continue
            for path in _paths(tomllib.loads(statement)):
                self._note((*table, *path), number)

    def _note(self, path: Keys, number: int) -> None:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], number)

    def of(self, path: Sequence[str | int]) -> int | None:
        named = tuple(part for part in path if isinstance(part, str))
        while named:
            if named in self._lines:
                return self._lines[named]
            named = named[:-1]
        return None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each table header and each `key = value` with its first line; a value may go on over several lines.

    The text must be TOML, so the shortest run of lines that can be read by itself is one statement.
    """
    begun: list[str] = []
    start = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not begun:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            start = number
        begun.append(line)
        statement = "\n".join(begun)
        try:
            tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        yield start, statement
        begun = []


def _deepest(tree: Mapping[str, Any]) -> Keys:
    path: list[str] = []
    inner: Any = tree
    while inner:
        inner = inner[-1] if isinstance(inner, list) else inner
        if not inner:
            break
        [(key, inner)] = inner.items()
        path.append(key)
    return tuple(path)


def _paths(tree: Mapping[str, Any]) -> Iterator[Keys]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from ((key, *rest) for rest in _paths(value))
        else:
            yield (key,)
