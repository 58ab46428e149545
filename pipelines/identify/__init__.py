"""Which known agreement is each row? One best assignment over the whole list, not row by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipelines.identify.candidates import candidates, grouped
from pipelines.identify.judgement import Dates, Documents, Likely, judge, pair_of
from pipelines.identify.surroundings import Context, Place, Scene, model_of, place_of
from pipelines.names.likeness import name_key
from pipelines.values import Agreement, Known, Match

__all__ = ["Context", "identify", "name_key"]

# Two candidates whose scores are nearer than this cannot be told apart, so neither is believed.
MARGIN = 0.03
_ALONE = Context()

Pairs = dict[tuple[int, int], Likely]  # (row, known) -> how they can be one


def identify(rows: Sequence[Agreement], known: Sequence[Known], context: Context = _ALONE) -> list[Match]:
    """One match per row, in the order of the rows; each known agreement is matched at most once."""
    found = _exact(rows, known)
    news = {index: row for index, row in enumerate(rows) if index not in found}
    taken = {match.known for match in found.values()}
    if news and len(taken) < len(known):
        olds = {index: one for index, one in enumerate(known) if index not in taken}
        scene = Scene(context, [rows[i] for i in found], list(news.values()), list(olds.values()))
        pairs: Pairs = {}
        for row, other in candidates(news, olds, scene.same):
            if likely := judge(olds[other], news[row], scene):
                pairs[row, other] = likely
        found |= _assign(pairs, rows, known)
    return [found.get(index) or Match(index, None, "new", 0.0) for index in range(len(rows))]


def _exact(rows: Sequence[Agreement], known: Sequence[Known]) -> dict[int, Match]:
    """State, name and model are those of a known agreement; dates and documents tell duplicates apart."""
    olds = grouped((i, _key(one.agreement)) for i, one in enumerate(known))
    news = grouped((i, _key(row)) for i, row in enumerate(rows))
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


def _key(agreement: Agreement) -> tuple[Place, str]:
    return place_of(agreement), model_of(agreement)


# How well date and document fit where the key is the same: they tell duplicates apart, the date first. Alone
# they refuse no agreement that is still listed; of two that fit alike the one still listed is meant.
_DATES: dict[Dates, float] = {"same": 1.0, "unknown": 0.97, "slip": 0.96, "near": 0.95, "other": 0.9}
_DOCUMENTS: dict[Documents, float] = {"same": 0.0, "open": -0.001, "lost": -0.002, "differ": -0.003}
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
    of_row = grouped((other, row) for row, other in pairs)
    of_known = grouped((row, other) for row, other in pairs)
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
    from networkx import Graph, max_weight_matching

    # In an order of their own, so that the order in which they were passed cannot decide between equals.
    group = sorted(
        group,
        key=lambda pair: (
            repr(rows[pair[0]]),
            pair[0],
            known[pair[1]].agreement_id,
            repr(known[pair[1]]),
            pair[1],
        ),
    )
    graph = Graph()
    for row, other in group:
        graph.add_edge(("row", row), ("known", other), weight=pairs[row, other].score)
    chosen = (sorted(edge, reverse=True) for edge in max_weight_matching(graph))
    return sorted((row, other) for (_, row), (_, other) in chosen)


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
