"""How true the reported changes are: `python -m benchmarks.truth [CORPUS]` (the folder of manifest.csv).

Every list of the corpus is compared with the one before it. What is true: two rows with one state, name and
support type are one agreement; so are the pairs that labels.csv calls "same" (all rows that went or came from
2021-01 to 2025-08 were read for it; the most deceptive of the other pairs are in it as "distinct"); whatever
else went or came was removed or added. Measured are countersign's identity, a trimmed and case-blind keyed
diff over state, agency, support type and signing date, and csv-diff keyed by state, agency and support type.

The table is no proof for lists nobody has seen. The rules were written with these lists in view. The labels
"same" were drafted from the renames the rules found, after all rows had been read; the reading knew one more,
which led to a repair. "Amended" follows from the second sentence above. Each list is compared only with the
one before, so what returns counts as added. tests/pipelines/test_identify_made.py tries other names.
"""

from __future__ import annotations

import csv
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from csv_diff import compare

from benchmarks.kinds import report
from pipelines.identify import Context, identify
from pipelines.identify.surroundings import Place, model_of, place_of
from pipelines.normalise import Normaliser
from pipelines.parse import read
from pipelines.values import Agreement, Known
from scraper.lists import PARTICIPATING, PENDING

LABELS = Path(__file__).with_name("labels.csv")
KINDS = ("added", "removed", "renamed", "amended")
GOALS = {"added": 0.99, "removed": 0.99, "renamed": 0.95}
LISTS = {declared.name: declared for declared in (PARTICIPATING, PENDING)}
_FIELDS = ("signed", "type", "county", "moa", "addendum")

Key = tuple[Place, str]  # state and name, support type
Found = dict[str, Counter[Hashable]]  # kind -> which agreements, as often as they are reported


@dataclass(frozen=True)
class Published:
    """One list: what it says in normal form, the text it is printed with, and the columns it has."""

    name: str
    at: str
    rows: list[Agreement]
    printed: list[dict[str, str]]
    columns: frozenset[str]


def read_lists(corpus: Path) -> Iterator[Published]:
    with (corpus / "manifest.csv").open(newline="") as opened:
        for line in csv.DictReader(opened):
            declared = LISTS[line["list"]]
            table = read(corpus / line["path"], declared.format, declared.options)
            normaliser = Normaliser(table.header, declared.columns)
            rows = list(table.rows)
            texts = [dict(zip(table.header, row.cells, strict=False)) for row in rows]
            yield Published(
                line["list"],
                Path(line["path"]).name.split("-")[0],
                [normaliser.agreement(row)[0] for row in rows],
                [{" ".join(name.casefold().split()): text for name, text in one.items()} for one in texts],
                frozenset(normaliser.fields),
            )


def key_of(row: Agreement) -> Key:
    return place_of(row), model_of(row)


def read_labels() -> tuple[dict[tuple[str, str], list[tuple[Key, Key]]], Counter[str]]:
    """The pairs that are the same, by list and publication; how many labels of each verdict there are."""
    same: dict[tuple[str, str], list[tuple[Key, Key]]] = defaultdict(list)
    verdicts: Counter[str] = Counter()
    with LABELS.open(newline="") as opened:
        for line in csv.DictReader(opened):
            verdicts[line["verdict"]] += 1
            before = Agreement(line["state_before"], line["agency_before"], line["support_type"])
            after = Agreement(line["state"], line["agency"], line["support_type"])
            if line["verdict"] == "same":
                same[line["list"], line["published"]].append((key_of(before), key_of(after)))
    return same, verdicts


def content(row: Agreement, columns: Iterable[str]) -> tuple[object, ...]:
    return tuple(getattr(row, field) for field in _FIELDS if field in columns)


def truth(before: Published, after: Published, same: list[tuple[Key, Key]]) -> Found:
    old, new = Counter(map(key_of, before.rows)), Counter(map(key_of, after.rows))
    gone, come = old - new, new - old
    renamed = Counter[Hashable](pair for pair in same if gone[pair[0]] > 0 and come[pair[1]] > 0)
    if len(renamed) != len(same):
        sys.exit(f"A label of {after.name} {after.at} is of no row that went or came.")
    for one, other in same:
        gone[one] -= 1
        come[other] -= 1
    columns = before.columns & after.columns
    held: dict[Key, Counter[object]] = defaultdict(Counter)
    for sign, rows in ((-1, before.rows), (1, after.rows)):
        for row in rows:
            held[key_of(row)][content(row, columns)] += sign
    amended = Counter[Hashable](
        {
            key: changed
            for key, contents in held.items()
            if (
                changed := sum(count for count in contents.values() if count > 0)
                - max(0, new[key] - old[key])
            )
            > 0
        }
    )
    return {"added": +Counter[Hashable](come), "removed": +Counter[Hashable](gone),
            "renamed": renamed, "amended": amended}  # fmt: skip


class Countersign:
    """Identity as the pipeline uses it, with the memory of which names stood side by side."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, Key], int] = defaultdict(int)
        self._turn = 0

    def remember(self, one: Published) -> None:
        self._turn += 1
        for row in one.rows:
            self._seen[one.name, key_of(row)] |= 1 << self._turn

    def __call__(self, before: Published, after: Published) -> Found:
        columns = before.columns & after.columns

        def together(one: Place, other: Place) -> bool:
            return any(
                self._seen.get((after.name, (one, model)), 0)
                & self._seen.get((after.name, (other, model)), 0)
                for model in ("jem", "tfm", "wso")
            )

        unchanged = Counter(replace(row, row=0) for row in after.rows)
        known = []
        for number, row in enumerate(before.rows):
            plain = replace(row, row=0)
            if unchanged[plain] > 0:
                unchanged[plain] -= 1
            else:
                known.append(Known(str(number), "", row, documents=frozenset(filter(None, [row.moa]))))
        rows, standing, documents = [], defaultdict(set), set()
        for row in after.rows:
            plain = replace(row, row=0)
            if unchanged[plain] > 0:
                unchanged[plain] -= 1
                rows.append(row)
            else:
                standing[place_of(row)].add(row.support_type or "")
                documents.add(row.moa or "")
        context = Context(
            {place: frozenset(models) for place, models in standing.items()},
            frozenset(documents),
            together,
        )
        found: Found = {kind: Counter() for kind in KINDS}
        left = set(range(len(known)))
        for match in identify(rows, known, context):
            row = rows[match.row]
            if match.known is None:
                found["added"][key_of(row)] += 1
                continue
            left.discard(match.known)
            old = known[match.known].agreement
            if place_of(old) != place_of(row):
                found["renamed"][key_of(old), key_of(row)] += 1
            elif content(old, columns) != content(row, columns) or model_of(old) != model_of(row):
                found["amended"][key_of(row)] += 1
        found["removed"].update(key_of(known[index].agreement) for index in left)
        return found


def keyed(published: Published, headers: tuple[str, ...], tidy: Callable[[str], str]) -> dict[str, int]:
    """The rows by a key of printed texts; the last of equal ones counts, as in any keyed diff."""
    return {
        "|".join(tidy(text.get(header, "")) for header in headers): index
        for index, text in enumerate(published.printed)
    }


def naive(before: Published, after: Published) -> Found:
    headers = ("state", "law enforcement agency", "support type", "signed")
    old, new = (keyed(one, headers, lambda text: text.strip().casefold()) for one in (before, after))
    columns = before.columns & after.columns
    return {
        "added": Counter(key_of(after.rows[new[key]]) for key in new.keys() - old.keys()),
        "removed": Counter(key_of(before.rows[old[key]]) for key in old.keys() - new.keys()),
        "renamed": Counter(),
        "amended": Counter(
            key_of(after.rows[new[key]])
            for key in new.keys() & old.keys()
            if content(before.rows[old[key]], columns) != content(after.rows[new[key]], columns)
        ),
    }


def csv_diff(before: Published, after: Published) -> Found:
    headers = ("state", "law enforcement agency", "support type")
    old, new = (keyed(one, headers, str) for one in (before, after))
    shared = before.printed[0].keys() & after.printed[0].keys()
    columns = before.columns & after.columns

    def texts(one: Published, keys: dict[str, int]) -> dict[str, dict[str, str]]:
        # Links are not in a sheet saved as CSV; they are given to csv-diff all the same.
        links = {
            key: {"moa": one.rows[i].moa or "", "addendum": one.rows[i].addendum or ""}
            for key, i in keys.items()
        }
        return {
            key: {"key": key}
            | {name: one.printed[i].get(name, "") for name in sorted(shared)}
            | {name: link for name, link in links[key].items() if name in columns}
            for key, i in keys.items()
        }

    result = compare(texts(before, old), texts(after, new))
    return {
        "added": Counter(key_of(after.rows[new[one["key"]]]) for one in result["added"]),
        "removed": Counter(key_of(before.rows[old[one["key"]]]) for one in result["removed"]),
        "renamed": Counter(),
        "amended": Counter(key_of(after.rows[new[one["key"]]]) for one in result["changed"]),
    }


def main(corpus: Path) -> int:
    start = time.perf_counter()
    same, verdicts = read_labels()
    ours = Countersign()
    tools: dict[str, Callable[[Published, Published], Found]] = {
        "countersign": ours,
        "naive keyed diff": naive,
        "csv-diff": csv_diff,
    }
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    previous: dict[str, Published] = {}
    transitions = 0
    for after in read_lists(corpus):
        before = previous.get(after.name)
        if before:
            transitions += 1
            true = truth(before, after, same.pop((after.name, after.at), []))
            for tool, compared in tools.items():
                found = compared(before, after)
                for kind in KINDS:
                    right = (found[kind] & true[kind]).total()
                    counts[tool, kind] += Counter(
                        right=right, false=found[kind].total() - right, missed=true[kind].total() - right
                    )
                    if tool == "countersign" and kind != "amended" and found[kind] != true[kind]:
                        wrong = (found[kind] - true[kind], true[kind] - found[kind])
                        print(f"{after.name} {after.at} {kind}: {wrong}", file=sys.stderr)
        ours.remember(after)
        previous[after.name] = after
    if same:
        sys.exit(f"Labels of publications that are not in the corpus: {sorted(same)}")
    print(
        f"{transitions} transitions, {verdicts['same']} pairs labelled the same and "
        f"{verdicts['distinct']} labelled distinct ({time.perf_counter() - start:.0f} s).\n"
    )
    print("| tool | kind | true | reported | right | precision | recall |")
    print("|---|---|---:|---:|---:|---:|---:|")
    short = False
    for tool in tools:
        for kind in KINDS:
            count = counts[tool, kind]
            reported, wanted = count["right"] + count["false"], count["right"] + count["missed"]
            precision = f"{count['right'] / reported:.3f}" if reported else "none"
            recall = f"{count['right'] / wanted:.3f}" if wanted else "none"
            print(f"| {tool} | {kind} | {wanted} | {reported} | {count['right']} | {precision} | {recall} |")
            if tool == "countersign" and (goal := GOALS.get(kind)):
                short |= count["right"] < goal * max(reported, wanted)
    return int(not report() or short)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/corpus")))
