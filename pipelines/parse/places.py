"""Cell references: "C7" is row 7, column index 2."""

from __future__ import annotations

import re
from functools import lru_cache

REFERENCE = re.compile(r"\$?([A-Za-z]{1,5})\$?([0-9]{1,9})")


@lru_cache(maxsize=4096)
def column_index(letters: str) -> int:
    index = 0
    for letter in letters.upper():
        index = index * 26 + ord(letter) - 64
    return index - 1


def column_letters(index: int) -> str:
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def place_of(reference: str) -> tuple[int, int] | None:
    """Row number and column index, or None when it is no cell reference."""
    found = REFERENCE.fullmatch(reference)
    return (int(found[2]), column_index(found[1])) if found else None
