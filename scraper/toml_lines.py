"""Which line of a TOML file says what: its reader tells positions only of what it cannot read."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Path = tuple[str, ...]  # the keys that lead to a value


class Lines:
    """`of(path)` is the line on which the value, or the nearest thing that holds it, is written."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        table: Path = ()
        for number, statement in _statements(text):
            if statement.lstrip().startswith("["):
                table = _deepest(tomllib.loads(statement))
                self._note(table, number)
                continue
            for path in _paths(tomllib.loads(statement)):
                self._note((*table, *path), number)

    def _note(self, path: Path, number: int) -> None:
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


def _deepest(tree: Mapping[str, Any]) -> Path:
    path: list[str] = []
    inner: Any = tree
    while inner:
        inner = inner[-1] if isinstance(inner, list) else inner
        if not inner:
            break
        [(key, inner)] = inner.items()
        path.append(key)
    return tuple(path)


def _paths(tree: Mapping[str, Any]) -> Iterator[Path]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from ((key, *rest) for rest in _paths(value))
        else:
            yield (key,)
