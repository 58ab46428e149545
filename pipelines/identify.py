"""Which known agreement is each row? One best assignment over the whole list, not row by row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import product
from typing import TypeVar

from rapidfuzz import process
from rapidfuzz.distance import OSA

from pipelines.judgement import Dates, Documents, Likely, judge, pair_of
from pipelines.likeness import name_key, read_name, readings, run_together, written_short
from pipelines.surroundings import Context, Place, Scene, address, addresses, dated, model_of, place_of
from pipelines.values import Agreement, Known, Match

__all__ = ["Context", "identify", "name_key"]

# Two candidates whose scores are nearer than this cannot be told apart, so neither is believed.
MARGIN = 0.03
# Names less alike than this, letter for letter, are not compared word for word.
WORTH_A_LOOK = 0.55
_ALONE = Context()

_Key = TypeVar("_Key", bound=Hashable)
Pairs = dict[tuple[int, int], Likely]  # (row, known) -> how they can be one


def identify(rows: Sequence[Agreement], known: Sequence[Known], context: Context = _ALONE) -> list[Match]:
    """One match per row, in the order of the rows; each known agreement is matched at most once."""
    found = _exact(rows, known, range(len(rows)), range(len(known)))
    rows_left = [index for index in range(len(rows)) if index not in found]
    if rows_left:
        taken = {match.known for match in found.values()}
        known_left = [index for index in range(len(known)) if index not in taken]
        scene = Scene(
            context,
            [rows[i] for i in found],
            [rows[i] for i in rows_left],
            [known[i] for i in known_left],
        )
        pairs: Pairs = {}
        for row, other in _candidates(rows, known, rows_left, known_left, scene.same):
            if likely := judge(known[other], rows[row], scene):
                pairs[row, other] = likely
        found |= _assign(pairs, rows, known)
    return [found.get(index) or Match(index, None, "new", 0.0) for index in range(len(rows))]


def _grouped(keys: Iterable[tuple[int, _Key]]) -> dict[_Key, list[int]]:
    groups: dict[_Key, list[int]] = defaultdict(list)
    for index, key in keys:
        groups[key].append(index)
    return groups


def _exact(
    rows: Sequence[Agreement],
    known: Sequence[Known],
    row_indices: Iterable[int],
    known_indices: Iterable[int],
) -> dict[int, Match]:
    """State, name and model are those of a known agreement; dates and documents tell duplicates apart."""
    olds = _grouped((i, (*place_of(known[i].agreement), model_of(known[i].agreement))) for i in known_indices)
    news = _grouped((i, (*place_of(rows[i]), model_of(rows[i]))) for i in row_indices)
    found: dict[int, Match] = {}
    for key, here in news.items():
        there = olds.get(key)
        if not there:
            continue
        pairs = {
            (row, other): likely
            for row in here
            for other in there
            if (likely := _same_key(known[other], rows[row]))
        }
        if len(pairs) == 1:  # by far the most
            [((row, other), likely)] = pairs.items()
            found[row] = Match(row, other, *likely)
        elif pairs:
            found |= _assign(pairs, rows, known, margin=None)
    return found


# How well date and document fit where the key is the same: they tell duplicates apart, the date first. Alone
# they refuse no agreement that is still listed; of two that fit alike the one still listed is meant.
_DATES: dict[Dates, float] = {"same": 1.0, "unknown": 0.97, "slip": 0.96, "near": 0.95, "other": 0.9}
_DOCUMENTS: dict[Documents, float] = {"same": 0.0, "open": -0.01, "lost": -0.02, "differ": -0.03}
_INACTIVE = -0.05


def _same_key(known: Known, row: Agreement) -> Likely | None:
    pair = pair_of(known, row)
    score = _DATES[pair.dates] + _DOCUMENTS[pair.documents]
    if pair.active:
        return pair.likely(
            "exact" if pair.dates in {"same", "unknown"} else "corrected date", round(score, 3)
        )
    if pair.dates == "other" and pair.documents != "same":
        # It had left, and now it signed anew: that is news, not the old agreement.
        return None
    return pair.likely("returned", round(score + _INACTIVE, 3))


def _candidates(
    rows: Sequence[Agreement],
    known: Sequence[Known],
    rows_left: list[int],
    known_left: list[int],
    judged: Iterable[frozenset[Place]],
) -> Iterable[tuple[int, int]]:
    """Pairs worth a judgement. Blocks keep it from being all pairs: one must share something telling."""
    seen: set[tuple[int, int]] = set()
    blocks = _blocks(rows, known, rows_left, known_left)
    for block in (*blocks, _judged(rows, known, rows_left, known_left, judged)):
        for pair in block:
            if pair not in seen:
                seen.add(pair)
                yield pair


def _blocks(
    rows: Sequence[Agreement], known: Sequence[Known], rows_left: list[int], known_left: list[int]
) -> Iterable[Iterable[tuple[int, int]]]:
    yield _joined(
        ((i, (model_of(rows[i]), essence)) for i in rows_left for essence in _essences(rows[i])),
        (
            (i, (model_of(known[i].agreement), essence))
            for i in known_left
            for essence in _essences(known[i].agreement)
        ),
    )
    yield _joined(
        ((i, place_of(rows[i])) for i in rows_left), ((i, place_of(known[i].agreement)) for i in known_left)
    )
    yield _joined(
        ((i, document) for i in rows_left if (document := address(rows[i].moa))),
        ((i, document) for i in known_left for document in addresses(known[i])),
    )
    yield _joined(
        ((i, (*_block(rows[i]), short)) for i in rows_left for short in written_short(rows[i].agency)),
        ((i, (*_block(known[i].agreement), run_together(known[i].agreement.agency))) for i in known_left),
    )
    yield _joined(
        ((i, (*_block(rows[i]), run_together(rows[i].agency))) for i in rows_left),
        (
            (i, (*_block(known[i].agreement), short))
            for i in known_left
            for short in written_short(known[i].agreement.agency)
        ),
    )
    yield _alike(rows, known, rows_left, known_left)
    yield _lone(rows, known, rows_left, known_left)


def _block(agreement: Agreement) -> tuple[str, str]:
    return agreement.state or "", model_of(agreement)


def _judged(
    rows: Sequence[Agreement],
    known: Sequence[Known],
    rows_left: list[int],
    known_left: list[int],
    judged: Iterable[frozenset[Place]],
) -> Iterable[tuple[int, int]]:
    """What people have called the same may share nothing else."""
    pairs = [tuple(pair) for pair in judged if len(pair) == 2]
    if pairs:
        news = _grouped((i, place_of(rows[i])) for i in rows_left)
        olds = _grouped((i, place_of(known[i].agreement)) for i in known_left)
        for one, other in (*pairs, *((other, one) for one, other in pairs)):
            yield from product(news.get(one, ()), olds.get(other, ()))


def _essences(agreement: Agreement) -> set[str]:
    return {name.essence for name in readings(agreement.agency, agreement.state)}


def _joined(news: Iterable[tuple[int, _Key]], olds: Iterable[tuple[int, _Key]]) -> Iterable[tuple[int, int]]:
    groups = _grouped(olds)
    for row, key in news:
        for other in groups.get(key, ()):
            yield row, other


def _alike(
    rows: Sequence[Agreement], known: Sequence[Known], rows_left: list[int], known_left: list[int]
) -> Iterable[tuple[int, int]]:
    """Names of one state and model that look alike, compared in bulk."""
    olds = _grouped((i, _block(known[i].agreement)) for i in known_left)
    words = {i: _words(known[i].agreement) for block in olds.values() for i in block}
    for row in rows_left:
        if block := olds.get(_block(rows[row])):
            near = process.extract(
                _words(rows[row]),
                {i: words[i] for i in block},
                scorer=OSA.normalized_similarity,
                score_cutoff=WORTH_A_LOOK,
                limit=None,
            )
            for _, _, other in near:
                yield row, other


def _lone(
    rows: Sequence[Agreement], known: Sequence[Known], rows_left: list[int], known_left: list[int]
) -> Iterable[tuple[int, int]]:
    """What alone went and came with one state, model and date, however unlike."""
    olds = _grouped((i, dated(known[i].agreement)) for i in known_left if known[i].active)
    for key, here in _grouped((i, dated(rows[i])) for i in rows_left if rows[i].signed).items():
        if len(here) == 1 and len(there := olds.get(key, [])) == 1:
            yield here[0], there[0]


def _words(agreement: Agreement) -> str:
    return read_name(agreement.agency, agreement.state).squeezed


def _assign(
    pairs: Pairs, rows: Sequence[Agreement], known: Sequence[Known], margin: float | None = MARGIN
) -> dict[int, Match]:
    """The assignment with the greatest total score, one group of pairs that touch one another at a time."""
    found: dict[int, Match] = {}
    for group in _components(pairs):
        chosen = group if len(group) == 1 else _best(group, pairs, rows, known)
        for row, other in chosen:
            likely = pairs[row, other]
            if margin is None or not _doubtful((row, other), group, pairs, chosen, margin):
                found[row] = Match(row, other, likely.rule, likely.score, likely.evidence)
    return found


def _components(pairs: Pairs) -> Iterable[list[tuple[int, int]]]:
    of_row = _grouped((other, row) for row, other in pairs)
    of_known = _grouped((row, other) for row, other in pairs)
    seen: set[int] = set()
    for start in of_row:
        if start in seen:
            continue
        seen.add(start)
        group, waiting = [], [start]
        while waiting:
            row = waiting.pop()
            for other in of_row[row]:
                group.append((row, other))
                for neighbour in of_known[other]:
                    if neighbour not in seen:
                        seen.add(neighbour)
                        waiting.append(neighbour)
        yield group


def _best(
    group: list[tuple[int, int]], pairs: Pairs, rows: Sequence[Agreement], known: Sequence[Known]
) -> list[tuple[int, int]]:
    # Imported only when two candidates compete: it takes longer than everything else here.
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    # In an order of their own, so that the order in which they were passed cannot decide between equals.
    here = sorted({row for row, _ in group}, key=lambda i: (repr(rows[i]), i))
    there = sorted({other for _, other in group}, key=lambda i: (known[i].agreement_id, repr(known[i]), i))
    row_at, known_at = ({index: at for at, index in enumerate(side)} for side in (here, there))
    scores = np.zeros((len(here), len(there)))
    for row, other in group:
        scores[row_at[row], known_at[other]] = pairs[row, other].score
    chosen = zip(*linear_sum_assignment(scores, maximize=True), strict=True)
    return [(here[i], there[j]) for i, j in chosen if (here[i], there[j]) in pairs]


def _doubtful(
    pair: tuple[int, int],
    group: list[tuple[int, int]],
    pairs: Pairs,
    chosen: list[tuple[int, int]],
    margin: float,
) -> bool:
    """Whether a rival that nobody else was given would have done nearly as well."""
    row, other = pair
    rows_given, known_given = {one for one, _ in chosen}, {one for _, one in chosen}
    return any(
        pairs[rival].score > pairs[pair].score - margin
        for rival in group
        if rival != pair
        and (
            (rival[0] == row and rival[1] not in known_given)
            or (rival[1] == other and rival[0] not in rows_given)
        )
    )
