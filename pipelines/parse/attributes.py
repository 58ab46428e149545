"""A run of equal empty elements (<a x="1" y="2"/><a x="3" y="4"/>...) as columns, by cutting at the quotation marks."""

from __future__ import annotations

import re

from pipelines.parse.pieces import is_legal, is_plain, plain_text

NAME = re.compile(r" ([\w:]+)=")
MOST_ATTRIBUTES = 12


def columns_of(xml: str, tag: str) -> dict[str, list[str]] | None:
    """Attribute name to its values, in order; None unless every element has the same attributes in one order."""
    parts = xml.split('"')
    step = next((at for at in range(2, 2 * MOST_ATTRIBUTES, 2) if parts[at : at + 1] and ">" in parts[at]), 0)
    opening, rest = parts[0][: len(tag) + 1], parts[0][len(tag) + 1 :]
    if not step or opening != f"<{tag}" or parts[-1].strip(" ") != "/>":
        return None
    glue = [rest, *parts[2:step:2]]
    names = [found[1] for found in map(NAME.fullmatch, glue) if found]
    count, left = divmod(len(parts) - 1, step)
    between = parts[step:-1:step]
    if left or between.count(f"/>{parts[0]}") + between.count(f" />{parts[0]}") != count - 1:
        return None
    if any(parts[at::step].count(parts[at]) != count for at in range(2, step, 2)):
        return None
    if len({*names}) != len(glue) or xml.count("<") != count or "\n" in xml or "\t" in xml:
        return None
    if not (is_plain(xml) and is_legal(xml)):
        return None
    values = {name: parts[1 + 2 * place :: step] for place, name in enumerate(names)}
    if "&" in xml:
        values = {name: list(map(plain_text, column)) for name, column in values.items()}
    return values
