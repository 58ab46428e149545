"""Identity on lists that declare their own key: the key is the identity, all of it and nothing else.

Entries that say the same in every field of the key are one entry, whatever else changed. Where the name is a part
of the key and names may be corrected, what is left over is compared by name among those that agree in the rest of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from rapidfuzz.distance import OSA

from pipelines.fields import key_value, same
from pipelines.identify import Context, identify
from pipelines.identify.organisations import by_name, proven
from pipelines.identify.surroundings import Place
from pipelines.names.likeness import name_key
from pipelines.plain import decoded
from pipelines.values import Agreement, Known, Match
from scraper.lists import AGREEMENT_KEY, PublishedList

KeyValue = tuple[str, ...]
CORRECTED = "corrected identifier"


def identify_entries(
    rows: Sequence[Agreement], known: Sequence[Known], context: Context, declared: PublishedList
) -> list[Match]:
    """As `identify`, by the key of the list."""
    plain_rows = [_by_key_only(row, declared) for row in rows]
    plain_known = [replace(one, agreement=_by_key_only(one.agreement, declared)) for one in known]
    context = _by_key_only_around(context, rows, known, declared)
    if declared.of_agreements:
        matches = identify(plain_rows, plain_known, context)
        found = {match.row: match for match in matches if match.known is not None}
    else:
        found = _same_key(rows, known, declared)
    if declared.evidence:
        found |= {match.row: match for match in proven(*_numbered(rows, known, found), declared)}
    if declared.of_agreements:
        return [found.get(match.row, match) for match in matches]
    if "agency" in declared.key and declared.names != "exact":
        found |= _same_but_for_the_name(plain_rows, plain_known, context, declared, found)
    found |= _corrected_key(rows, known, declared, found)
    return [found.get(index) or Match(index, None, "new", 0.0) for index in range(len(rows))]


def entry_key(agreement: Agreement, declared: PublishedList) -> KeyValue:
    """What an entry says in the fields of the key; () where it says nothing in any of them."""
    value = tuple(_part(agreement, field, declared) for field in declared.key)
    return value if any(value) else ()


def _part(agreement: Agreement, field: str, declared: PublishedList) -> str:
    if field == "agency" and declared.names != "exact":
        return name_key(decoded(agreement.agency))
    return key_value(field, agreement.said(field), declared)


def _by_key_only(agreement: Agreement, declared: PublishedList) -> Agreement:
    """Without the state and the support type where they are no part of the key."""
    if "state" not in declared.key and agreement.state is not None:
        agreement = replace(agreement, state=None)
    if "support_type" not in declared.key and agreement.support_type is not None:
        agreement = replace(agreement, support_type=None)
    return agreement


def _by_key_only_around(
    context: Context,
    rows: Sequence[Agreement],
    known: Sequence[Known],
    declared: PublishedList,
) -> Context:
    """The same surroundings, for names without what is no part of the key."""
    if set(declared.key) >= set(AGREEMENT_KEY):
        return context
    stateless, typeless = "state" not in declared.key, "support_type" not in declared.key
    standing: dict[Place, frozenset[str]] = defaultdict(frozenset)
    for (state, name), types in context.standing.items():
        place = ("" if stateless else state, name)
        standing[place] |= frozenset({""}) if typeless else types
    together = context.together
    if stateless:
        states: dict[str, set[str]] = defaultdict(set)
        for agreement in (*rows, *(one.agreement for one in known)):
            states[name_key(agreement.agency)].add(agreement.state or "")
        together = _in_any_state(context.together, states)
    same_, distinct = (
        frozenset(frozenset(("" if stateless else state, name) for state, name in pair) for pair in pairs)
        for pairs in (context.same, context.distinct)
    )
    return replace(context, standing=standing, together=together, same=same_, distinct=distinct)


def _in_any_state(
    together: Callable[[Place, Place], bool], states: Mapping[str, set[str]]
) -> Callable[[Place, Place], bool]:
    def ever(one: Place, other: Place) -> bool:
        return any(
            together((here, one[1]), (there, other[1]))
            for here in states.get(one[1], {""})
            for there in states.get(other[1], {""})
        )

    return ever


def _same_key(rows: Sequence[Agreement], known: Sequence[Known], declared: PublishedList) -> dict[int, Match]:
    """Rows and known entries of one key. Where it is printed more than once, those that say most alike come first,
    and what is still listed before what had left."""
    there = _grouped([one.agreement for one in known], declared)
    found: dict[int, Match] = {}
    for value, here in _grouped(rows, declared).items():
        others = there.get(value, []) if value else []
        pairs = sorted(
            (
                (not known[other].active, -_alike(rows[row], known[other].agreement, declared), row, other)
                for row in here
                for other in others
            ),
            key=lambda pair: (*pair[:2], rows[pair[2]].row, repr(rows[pair[2]]), known[pair[3]].agreement_id),
        )
        taken: set[int] = set()
        for inactive, _, row, other in pairs:
            if row in found or other in taken:
                continue
            evidence = (f"same {' and '.join(declared.key)}",)
            found[row] = Match(row, other, "returned" if inactive else "exact", 1.0, evidence)
            taken.add(other)
    return found


def _grouped(agreements: Sequence[Agreement], declared: PublishedList) -> dict[KeyValue, list[int]]:
    groups: dict[KeyValue, list[int]] = defaultdict(list)
    for index, agreement in enumerate(agreements):
        groups[entry_key(agreement, declared)].append(index)
    return groups


def _alike(one: Agreement, other: Agreement, declared: PublishedList) -> int:
    """In how many fields the two say the same."""
    here, there = one.as_json(), other.as_json()
    return sum(name in there and same(name, here[name], there[name], declared.fields) for name in here)


def _left(
    rows: Sequence[Agreement], known: Sequence[Known], found: Mapping[int, Match]
) -> tuple[list[int], list[int]]:
    taken = {match.known for match in found.values()}
    return (
        [index for index in range(len(rows)) if index not in found],
        [index for index in range(len(known)) if index not in taken],
    )


def _same_but_for_the_name(
    rows: Sequence[Agreement],
    known: Sequence[Known],
    context: Context,
    declared: PublishedList,
    found: Mapping[int, Match],
) -> dict[int, Match]:
    rest = [field for field in declared.key if field != "agency"]
    groups: dict[KeyValue, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    news, olds = _left(rows, known, found)
    for side, indices, agreements in (
        (0, news, rows),
        (1, olds, [one.agreement for one in known]),
    ):
        for index in indices:
            groups[tuple(_part(agreements[index], field, declared) for field in rest)][side].append(index)
    more: dict[int, Match] = {}
    for here, there in groups.values():
        if not here or not there:
            continue
        if declared.names == "organisation":
            pairs = [(i, rows[i]) for i in here], [(i, known[i]) for i in there]
            more |= {match.row: match for match in by_name(*pairs, declared, _ever_together(context))}
            continue
        for match in identify([rows[i] for i in here], [known[i] for i in there], context):
            if match.known is not None:
                row = here[match.row]
                more[row] = replace(match, row=row, known=there[match.known])
    return more


def _numbered(
    rows: Sequence[Agreement], known: Sequence[Known], found: Mapping[int, Match]
) -> tuple[list[tuple[int, Agreement]], list[tuple[int, Known]]]:
    news, olds = _left(rows, known, found)
    return [(index, rows[index]) for index in news], [(index, known[index]) for index in olds]


def _ever_together(context: Context) -> Callable[[str, str], bool]:
    return lambda one, other: context.together(("", name_key(one)), ("", name_key(other)))


def _corrected_key(
    rows: Sequence[Agreement], known: Sequence[Known], declared: PublishedList, found: Mapping[int, Match]
) -> dict[int, Match]:
    """One left and one came, alike in everything but one slip in the key: its identifier was corrected."""
    news, olds = _left(rows, known, found)
    olds = [index for index in olds if known[index].active]
    here = _by_rest([(index, rows[index]) for index in news], declared)
    there = _by_rest([(index, known[index].agreement) for index in olds], declared)
    more: dict[int, Match] = {}
    for value, mine in here.items():
        theirs = there.get(value, [])
        if len(mine) != 1 or len(theirs) != 1:
            continue
        [row], [other] = mine, theirs
        was, now = entry_key(known[other].agreement, declared), entry_key(rows[row], declared)
        names = [at for at, field in enumerate(declared.key) if field == "agency"]
        if (
            was
            and now
            and all(was[at] == now[at] for at in names)
            and sum(OSA.distance(a, b) for a, b in zip(was, now, strict=True)) == 1
        ):
            more[row] = Match(row, other, CORRECTED, 0.9, ("everything else is the same",))
    return more


def _by_rest(
    entries: Sequence[tuple[int, Agreement]], declared: PublishedList
) -> dict[tuple[tuple[str, str], ...], list[int]]:
    """By what they say in the fields that are no part of the key, where that is enough to tell one from another."""
    groups: dict[tuple[tuple[str, str], ...], list[int]] = defaultdict(list)
    for index, agreement in entries:
        rest = tuple(_filled(agreement, declared))
        if len(rest) >= 2:
            groups[rest].append(index)
    return groups


def _filled(agreement: Agreement, declared: PublishedList) -> Iterator[tuple[str, str]]:
    apart = {*declared.key, *declared.ignore}
    apart |= {
        part for field in declared.key if field in declared.fields for part in declared.fields[field].combine
    }
    for name, value in sorted(agreement.as_json().items()):
        if name not in apart and value:
            yield name, key_value(name, value, declared)
