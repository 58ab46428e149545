"""Identity on lists whose key is their own: a permit's number, a name with its county.

Entries that differ in a key field of the list's own are different entries, so each value of it is a list by
itself. Where the name is no part of the key, equal keys are one entry whatever its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from pipelines.identify import Context, identify
from pipelines.values import Agreement, Known, Match

NAMING = ("state", "agency", "support_type")


def identify_entries(
    rows: Sequence[Agreement], known: Sequence[Known], context: Context, key: Sequence[str]
) -> list[Match]:
    """As `identify`, on a list with the declared `key`."""
    if not own_key(key):
        return identify(rows, known, context)
    here, there = _grouped(rows, key), _grouped([one.agreement for one in known], key)
    found: dict[int, Match] = {}
    for value, indices in here.items():
        others = there.get(value, [])
        if "agency" not in key and value and len(indices) == len(others) == 1:
            [row], [other] = indices, others
            rule = "exact" if known[other].active else "returned"
            found[row] = Match(row, other, rule, 1.0, (f"same {' and '.join(key)}",))
            continue
        for match in identify([rows[i] for i in indices], [known[i] for i in others], context):
            row = indices[match.row]
            found[row] = replace(match, row=row, known=None if match.known is None else others[match.known])
    return [found[index] for index in range(len(rows))]


def own_key(key: Sequence[str]) -> tuple[str, ...]:
    """The fields of a key beside who has what kind of agreement where."""
    return tuple(field for field in key if field not in NAMING)


def own_value(agreement: Agreement, key: Sequence[str]) -> str:
    """What an entry says in the key fields of the list's own; "" where it says nothing."""
    parts = [" ".join(str(agreement.said(field) or "").split()).casefold() for field in own_key(key)]
    return "|".join(parts) if any(parts) else ""


def _grouped(agreements: Sequence[Agreement], key: Sequence[str]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for index, agreement in enumerate(agreements):
        groups[own_value(agreement, key)].append(index)
    return groups
