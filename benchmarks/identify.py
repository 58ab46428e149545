"""How long identification takes, and how it grows: `python -m benchmarks.identify [ROWS...]`."""

from __future__ import annotations

import math
import random
import sys
import time

from benchmarks.made import agencies
from pipelines.identify import identify
from pipelines.values import Agreement, Known

MODELS = ("JEM", "TFM", "WSO")
SIZES = (1_000, 10_000, 100_000)
CORRECTED = 0.01


def made_list(size: int, seed: int = 287) -> list[Agreement]:
    return [
        Agreement(state, name, MODELS[model], signed, row=number)
        for number, (state, _county, name, model, signed) in enumerate(agencies(size, seed), 2)
    ]


def misspelt(name: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(name.split(" County ")[0]))
    return name[:at] + chance.choice("aeioulnrst") + name[at:]


def corrected(
    rows: list[Agreement], share: float = CORRECTED, seed: int = 9
) -> tuple[list[Agreement], set[int]]:
    """The same list with one name in a hundred misspelt; which rows those are."""
    chance = random.Random(seed)
    which = set(chance.sample(range(len(rows)), max(1, round(len(rows) * share))))
    return [
        Agreement(row.state, misspelt(row.agency, chance), row.support_type, row.signed, row=row.row)
        if index in which
        else row
        for index, row in enumerate(rows)
    ], which


def as_known(rows: list[Agreement]) -> list[Known]:
    return [Known(f"a{index}", f"b{index}", row) for index, row in enumerate(rows)]


def measure(known: list[Known], rows: list[Agreement]) -> tuple[float, int]:
    start = time.perf_counter()
    found = identify(rows, known)
    took = time.perf_counter() - start
    return took, sum(match.known == match.row for match in found)


def main(sizes: tuple[int, ...]) -> None:
    measure(as_known(made_list(50)), corrected(made_list(50), 0.2)[0])  # gazetteer and solver loaded
    rows = made_list(2_000)
    took, right = measure(as_known(made_list(3_000)), corrected(rows)[0])
    print(f"2,000 rows, 3,000 known agreements: {took:.3f} s ({right:,} matched to their own)")
    print("\n| rows = known | corrected | seconds | microseconds a row | matched to their own |")
    print("|---:|---:|---:|---:|---:|")
    taken = []
    for size in sizes:
        rows = made_list(size)
        took, right = measure(as_known(rows), corrected(rows)[0])
        taken.append(took)
        print(f"| {size:,} | {CORRECTED:.0%} | {took:.2f} | {took / size * 1e6:.0f} | {right / size:.2%} |")
    if len(sizes) > 1:
        power = math.log(taken[-1] / taken[-2]) / math.log(sizes[-1] / sizes[-2])
        print(
            f"\nFrom {sizes[-2]:,} to {sizes[-1]:,} rows the time grows with power {power:.2f} of the rows."
        )


if __name__ == "__main__":
    main(tuple(int(text.replace(",", "")) for text in sys.argv[1:]) or SIZES)
