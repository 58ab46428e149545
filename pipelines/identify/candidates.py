"""Which pairs are worth a judgement: those that share something, so that it need not be all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from itertools import product
from typing import TypeVar

from rapidfuzz import process
from rapidfuzz.distance import OSA

from pipelines.identify.surroundings import Place, address, addresses, dated, model_of, place_of
from pipelines.names.likeness import read_name, readings, run_together, written_short
from pipelines.values import Agreement, Known

# Names less alike than this, letter for letter, are not compared word for word.
WORTH_A_LOOK = 0.55

News = Mapping[int, Agreement]  # the rows that are left, by their index
Olds = Mapping[int, Known]  # the known agreements that are left, by theirs
Pairs = Iterable[tuple[int, int]]  # (row, known)
_Key = TypeVar("_Key", bound=Hashable)


def candidates(news: News, olds: Olds, judged: Iterable[frozenset[Place]]) -> Pairs:
    """Each pair once. `judged` are the names that people have called the same."""
    known = {index: one.agreement for index, one in olds.items()}
    blocks = (
        _sharing(news, known, _essences, _essences),
        _sharing(news, known, _place, _place),
        _sharing(news, known, _short, _text),
        _sharing(news, known, _text, _short),
        _one_document(news, olds),
        _alike(news, known),
        _lone(news, olds),
        _judged(news, known, judged),
    )
    seen: set[tuple[int, int]] = set()
    for block in blocks:
        for pair in block:
            if pair not in seen:
                seen.add(pair)
                yield pair


def grouped(keys: Iterable[tuple[int, _Key]]) -> dict[_Key, list[int]]:
    groups: dict[_Key, list[int]] = defaultdict(list)
    for index, key in keys:
        groups[key].append(index)
    return groups


def _sharing(
    news: News,
    known: News,
    of_row: Callable[[Agreement], Iterable[_Key]],
    of_known: Callable[[Agreement], Iterable[_Key]],
) -> Pairs:
    groups = grouped((index, key) for index, agreement in known.items() for key in of_known(agreement))
    for index, row in news.items():
        for key in of_row(row):
            yield from product((index,), groups.get(key, ()))


def _essences(agreement: Agreement) -> set[tuple[str, str]]:
    """Across states, for an agency may have been moved."""
    model = model_of(agreement)
    return {(model, name.essence) for name in readings(agreement.agency, agreement.state)}


def _place(agreement: Agreement) -> tuple[Place]:
    return (place_of(agreement),)


def _block(agreement: Agreement) -> tuple[str, str]:
    return agreement.state or "", model_of(agreement)


def _text(agreement: Agreement) -> tuple[tuple[str, ...]]:
    return ((*_block(agreement), run_together(agreement.agency)),)


def _short(agreement: Agreement) -> list[tuple[str, ...]]:
    return [(*_block(agreement), short) for short in written_short(agreement.agency)]


def _one_document(news: News, olds: Olds) -> Pairs:
    groups = grouped((index, document) for index, one in olds.items() for document in addresses(one))
    for index, row in news.items():
        yield from product((index,), groups.get(address(row.moa), ()))


def _alike(news: News, known: News) -> Pairs:
    """Names of one state and model that look alike, compared in bulk."""
    groups = grouped((index, _block(agreement)) for index, agreement in known.items())
    words = {index: _words(agreement) for index, agreement in known.items()}
    for index, row in news.items():
        if block := groups.get(_block(row)):
            near = process.extract(
                _words(row),
                {other: words[other] for other in block},
                scorer=OSA.normalized_similarity,
                score_cutoff=WORTH_A_LOOK,
                limit=None,
            )
            yield from ((index, other) for _, _, other in near)


def _words(agreement: Agreement) -> str:
    return read_name(agreement.agency, agreement.state).squeezed


def _lone(news: News, olds: Olds) -> Pairs:
    """What alone went and came with one state, model and date, however unlike."""
    groups = grouped((index, dated(one.agreement)) for index, one in olds.items() if one.active)
    for key, here in grouped((index, dated(row)) for index, row in news.items() if row.signed).items():
        there = groups.get(key, [])
        if len(here) == len(there) == 1:
            yield here[0], there[0]


def _judged(news: News, known: News, judged: Iterable[frozenset[Place]]) -> Pairs:
    """What people have called the same may share nothing else."""
    pairs = [tuple(pair) for pair in judged if len(pair) == 2]
    if pairs:
        here = grouped((index, place_of(row)) for index, row in news.items())
        there = grouped((index, place_of(agreement)) for index, agreement in known.items())
        for one, other in (*pairs, *((other, one) for one, other in pairs)):
            yield from product(here.get(one, ()), there.get(other, ()))
