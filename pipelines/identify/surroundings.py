"""What the rest of a list and its past say about a pair: who stands beside it, what people have judged."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

from pipelines.names.likeness import Name, name_key, read_name, same_kind, same_level
from pipelines.values import Agreement, Known

Place = tuple[str, str]  # (state, name_key), the state "" when it is not known


def _never(_one: Place, _other: Place) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Context:
    """What identity needs to know beyond the rows and the known agreements that are passed.

    `standing`: the support types under which the rows that were not passed (printed exactly as before) stand.
    `documents`: the documents those rows link to. `together(a, b)`: did any list ever print both names with
    one support type in common? `now_at(row)`: where would a row of the last list's sheet stand in this one?
    `same` and `distinct`: pairs of (state, name) that people have judged.
    """

    standing: Mapping[Place, frozenset[str]] = field(default_factory=dict)
    documents: frozenset[str] = frozenset()
    together: Callable[[Place, Place], bool] = _never
    same: frozenset[frozenset[Place]] = frozenset()
    now_at: Callable[[int], int] = int
    distinct: frozenset[frozenset[Place]] = frozenset()


def place_of(agreement: Agreement) -> Place:
    return agreement.state or "", name_key(agreement.agency)


def model_of(agreement: Agreement) -> str:
    return (agreement.support_type or "").casefold()


@lru_cache(maxsize=1 << 16)
def address(document: str | None) -> str:
    """A document's address without what varies in writing it; "" when nothing is linked."""
    if not document or "." not in document:
        return ""
    return unquote(document).casefold().split("://", 1)[-1].removeprefix("www.").replace(" ", "")


def addresses(known: Known) -> frozenset[str]:
    """Of its documents, in the form in which addresses are compared."""
    return frozenset(filter(None, map(address, (known.agreement.moa, *known.documents))))


def _judged(pairs: frozenset[frozenset[Place]]) -> frozenset[frozenset[Place]]:
    return frozenset(frozenset((state, name_key(name)) for state, name in pair) for pair in pairs)


class Scene:
    """One list's surroundings, looked up again and again while its pairs are judged."""

    def __init__(
        self,
        context: Context,
        settled: Sequence[Agreement],
        rows: Sequence[Agreement],
        known: Sequence[Known],
    ) -> None:
        """`settled` rows are known already; `rows` and `known` are those still looking for one another."""
        self.same, self.distinct = _judged(context.same), _judged(context.distinct)
        self.together = context.together
        self._now_at = context.now_at
        self._standing: dict[Place, set[str]] = defaultdict(set)
        for (state, name), models in context.standing.items():
            self._standing[state, name_key(name)] |= {model.casefold() for model in models}
        for row in settled:
            self._standing[place_of(row)].add(model_of(row))
        self._by_state: dict[str, list[tuple[str, set[str]]]] = defaultdict(list)
        for (state, name), standing in self._standing.items():
            self._by_state[state].append((name, standing))
        linked = {address(document) for document in context.documents}
        self._documents = Counter([*linked, *(address(row.moa) for row in (*settled, *rows))])
        self._rows = rows
        self._rows_dated = Counter(map(dated, rows))
        self._known_dated = Counter(dated(one.agreement) for one in known if one.active)
        self._names: dict[str, dict[str, list[tuple[Name, set[str]]]]] = {}

    def stands(self, agreement: Agreement) -> bool:
        """Whether the list has an agreement of this name and model that is not looking for its like."""
        return model_of(agreement) in self._standing.get(place_of(agreement), ())

    def has_others(self, agreement: Agreement) -> bool:
        """Whether the list has any agreement of this body, in whatever words."""
        body, state = read_name(agreement.agency, agreement.state), agreement.state or ""
        here = [other for other, _ in self._standing_names(state).get(body.essence, ())]
        here += [read_name(row.agency, row.state) for row in self._rows if row.state == agreement.state]
        return any(other.essence == body.essence and other.kinds == body.kinds for other in here)

    def apart(self, one: Agreement, other: Agreement) -> bool:
        """Whether both names stood side by side, now or ever: then they are two agencies."""
        return self.stands(one) or self.stands(other) or self.together(place_of(one), place_of(other))

    def lone(self, one: Agreement) -> bool:
        """Whether one agreement went and one came with this state, model and date."""
        return self._rows_dated[dated(one)] == 1 and self._known_dated[dated(one)] == 1

    def same_row(self, before: Agreement, row: Agreement) -> bool:
        """Whether the row stands in the sheet where the other one stood."""
        return before.row > 0 and self._now_at(before.row) == row.row

    def shared(self, document: str | None) -> bool:
        """Whether several rows link to the document, so that it does not say whose it is."""
        return self._documents[address(document)] > 1

    def claimed(self, row: Agreement, name: Name) -> bool:
        """Whether an agency that stands in the list has, in other words, the row's name."""
        return any(
            model_of(row) in models and same_kind(name, other) and same_level(name, other)
            for other, models in self._standing_names(row.state or "").get(name.essence, ())
        )

    def _standing_names(self, state: str) -> dict[str, list[tuple[Name, set[str]]]]:
        if state not in self._names:
            names: dict[str, list[tuple[Name, set[str]]]] = defaultdict(list)
            for key, models in self._by_state[state]:
                found = read_name(key, state or None)
                names[found.essence].append((found, models))
            self._names[state] = names
        return self._names[state]


def dated(agreement: Agreement) -> tuple[object, ...]:
    """What two rows must share to be one agreement whose name was corrected: state, model, date."""
    return agreement.state, model_of(agreement), agreement.signed
