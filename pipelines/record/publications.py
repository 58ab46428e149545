"""Writing many rows of one table: by COPY on PostgreSQL, and past all that a single statement needs on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table, bindparam, delete, func, insert, select, update

from pipelines.database import refused
from pipelines.fingerprints import Packed
from pipelines.names.likeness import name_key
from pipelines.result import Result
from pipelines.tables import accepted, changes, intervals, publications, sheet_rows
from pipelines.values import Agreement, Change, Finding, Publication

CHUNK = 5_000
Values = tuple[Any, ...]


def insert_many(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """`rows` name the same columns, all of them."""
    iterator = iter(rows)
    first = next(iterator, None)
    if first is None:
        return
    names = [column.name for column in table.columns if column.name in first]
    values = _bound(connection, table, names, chain([first], iterator))
    if connection.dialect.name == "postgresql":
        copy_in(connection, table, names, values)
        return
    statement = _inserting(table, tuple(names), connection.dialect)
    while chunk := list(islice(values, CHUNK)):
        connection.exec_driver_sql(statement, chunk)


@lru_cache(64)
def _inserting(table: Table, names: tuple[str, ...], dialect: Dialect) -> str:
    return str(insert(table).compile(dialect=dialect, column_keys=names))


def _bound(
    connection: Connection, table: Table, names: list[str], rows: Iterable[Mapping[str, Any]]
) -> Iterator[Values]:
    """The values as the driver takes them."""
    dialect = connection.dialect
    binders: list[Callable[[Any], Any] | None] = [
        table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names
    ]
    busy = [(place, binder) for place, binder in enumerate(binders) if binder is not None]
    picked = itemgetter(*names)
    for row in rows:
        values = [*picked(row)]
        for place, binder in busy:
            values[place] = binder(values[place])
        yield tuple(values)


def copy_in(connection: Connection, table: Table, names: Iterable[str], rows: Iterable[Values]) -> None:
    """PostgreSQL's COPY: `rows` hold the values of these columns as the server reads them."""
    # Past SQLAlchemy, which knows no COPY: what the server refuses is told in the same words all the same.
    quoted = ", ".join(map(connection.dialect.identifier_preparer.quote, names))
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(f"COPY {table.name} ({quoted}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        raise refused(error) or error from error
    finally:
        cursor.close()


# What a publication is found to be; written for every one, so the statements are put together once.
_FOUND = (
    "state", "previous_sha256", "agreements", "agencies", "by_state", "by_support_type", "filled", "content", "counts",
    "findings", "reasons", "parser",
)  # fmt: skip
_P = publications.c
_OF_LIST = _P.list == bindparam("of")
_SETTLE = (
    update(publications)
    .where(_OF_LIST, _P.place == bindparam("at"))
    .values({name: bindparam(f"new_{name}", type_=_P[name].type) for name in _FOUND})
)
_HELD_BEFORE = (_OF_LIST, _P.state == "held", _P.place < bindparam("at"))
_HELD = select(_P.id).where(*_HELD_BEFORE).limit(1)
_CLEAR = update(publications).where(*_HELD_BEFORE).values(state="cleared")
_FORGET = delete(accepted).where(accepted.c.list == bindparam("of"))
_CARRY = insert(accepted)
IDS_AT_ONCE = 500  # SQLite allows 32,766 bound values, PostgreSQL 65,535; a chunk of ids stays far below both
SHOWN_FIRST = 5  # rows that a finding names, of all that it was found in


def rewind(connection: Connection, list_name: str, place: str) -> None:
    """Undo everything that was derived from publications at or after `place`; they are new again."""
    derived_there = select(publications.c.id).where(
        publications.c.list == list_name, publications.c.place >= place, publications.c.state != "new"
    )
    if connection.execute(derived_there.limit(1)).first() is None:
        return
    connection.execute(delete(changes).where(changes.c.list == list_name, changes.c.place >= place))
    connection.execute(
        delete(intervals).where(intervals.c.list == list_name, intervals.c.from_place >= place)
    )
    connection.execute(
        update(intervals)
        .where(intervals.c.list == list_name, intervals.c.until_place >= place)
        .values(until_place=None)
    )
    connection.execute(
        update(publications)
        .where(publications.c.list == list_name, publications.c.place >= place)
        .values(state="new")
    )
    connection.execute(delete(accepted).where(accepted.c.list == list_name))
    connection.execute(delete(sheet_rows).where(sheet_rows.c.list == list_name, sheet_rows.c.place >= place))
    _hold_again(connection, list_name, place)


def _hold_again(connection: Connection, list_name: str, place: str) -> None:
    """What was held, and cleared only by what is undone now, waits for a person again."""
    earlier = (_P.list == list_name, _P.place < place)
    last = connection.execute(
        select(func.max(_P.place)).where(*earlier, _P.state.in_(("recorded", "unchanged")))
    ).scalar()
    connection.execute(
        update(publications)
        .where(*earlier, _P.place > (last or ""), _P.state == "cleared", _P.verdict.is_(None))
        .values(state="held")
    )


def write(connection: Connection, derived: Result) -> None:
    """Write all that one publication changed. The caller's transaction makes it one fact."""
    publication = derived.publication
    _write_publication(connection, derived)
    if derived.packed is None:
        return
    _clear_held(connection, publication)
    _carry(connection, publication, derived.packed)
    if derived.rows_moved:
        of_sheet = {"list": publication.list, "place": publication.place, "rows": derived.packed.sheet_rows()}
        connection.execute(insert(sheet_rows).values(**of_sheet))
    for chunk in _chunks(derived.closed):
        connection.execute(
            update(intervals).where(intervals.c.id.in_(chunk)).values(until_place=publication.place)
        )
    # In the order of their ids, in which SQLite keeps them: of many, each page is then written once.
    opened = sorted(derived.opened, key=itemgetter(0))
    insert_many(connection, intervals, (_interval_row(publication, one) for one in opened))
    ids = _mint_change_ids(connection, publication.list, derived.changes)
    insert_many(
        connection, changes, (_change_row(derived, seq, change_id) for seq, change_id in enumerate(ids))
    )


def _carry(connection: Connection, publication: Publication, packed: Packed) -> None:
    """Keep the last accepted list, packed, for the next one to be sifted against."""
    connection.execute(_FORGET, {"of": publication.list})
    carried = {
        "list": publication.list,
        "place": publication.place,
        "layout": packed.layout,
        "packed": packed.to_bytes(),
    }
    connection.execute(_CARRY, carried)


def _write_publication(connection: Connection, derived: Result) -> None:
    publication, figures = derived.publication, derived.figures
    found: dict[str, Any] = {
        "state": derived.state,
        "previous_sha256": derived.previous_sha256,
        "agreements": figures.rows if figures else None,
        "agencies": figures.agencies if figures else None,
        "by_state": dict(sorted(figures.by_state.items())) if figures else None,
        "by_support_type": dict(sorted(figures.by_support_type.items())) if figures else None,
        "filled": dict(sorted(figures.filled.items())) if figures else None,
        "content": derived.content,
        "counts": derived.counts() or None,
        "findings": _counted(derived.findings) or None,
        "reasons": _counted(derived.reasons) or None,
        "parser": derived.parser,
    }
    new = {f"new_{name}": found[name] for name in _FOUND}
    connection.execute(_SETTLE, {"of": publication.list, "at": publication.place, **new})


def _counted(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Each sentence once: with its row, or with the first of its rows and how often it was found."""
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for finding in findings:
        one = told.setdefault((finding.name, finding.text), {**finding.as_json(), "count": 0, "rows": []})
        one["count"] += 1
        if finding.row is not None and len(one["rows"]) < SHOWN_FIRST:
            one["rows"].append(finding.row)
    for one in told.values():
        if one["count"] == 1:
            del one["count"]
        if one["rows"] == [one.get("row")] or not one["rows"]:
            del one["rows"]
    return list(told.values())


def _clear_held(connection: Connection, publication: Publication) -> None:
    """A list that is believed settles the ones held before it."""
    before = {"of": publication.list, "at": publication.place}
    if connection.execute(_HELD, before).first():
        connection.execute(_CLEAR, before)


def _interval_row(publication: Publication, opened: tuple[int, str, str, int, Agreement]) -> dict[str, Any]:
    identifier, agreement_id, agency_id, content, agreement = opened
    return {
        "id": identifier,
        "list": publication.list,
        "agreement_id": agreement_id,
        "agency_id": agency_id,
        "from_place": publication.place,
        "until_place": None,
        "row": agreement.row,
        "fingerprint": content,
        "state": agreement.state,
        "agency": agreement.agency,
        "name_key": name_key(agreement.agency),
        "support_type": agreement.support_type,
        "signed": agreement.signed.isoformat() if agreement.signed else None,
        "type": agreement.type,
        "county": agreement.county,
        "moa": agreement.moa,
        "addendum": agreement.addendum,
        "extra": [list(pair) for pair in agreement.extra] or None,
        "printed": dict(agreement.printed) or None,
    }


def _mint_change_ids(connection: Connection, list_name: str, new: Sequence[Change]) -> list[str]:
    """An id says list, kind, subject and which time this is; not which publication showed it.

    So a change keeps its id, and a person's verdict on it, when an older list is found that showed it first.
    """
    times: dict[str, int] = {}
    bases = [_subject(list_name, change) for change in new]
    taken = _taken_ids(connection, [_change_id(base, 0) for base in bases])
    ids = []
    for base in bases:
        n = times.get(base, 0)
        while (identifier := _change_id(base, n)) in taken or _exists(connection, identifier, n):
            n += 1
        times[base] = n + 1
        taken.add(identifier)
        ids.append(identifier)
    return ids


def _subject(list_name: str, change: Change) -> str:
    sides = [
        "" if side is None else f"{side.state}|{side.agency.casefold()}|{side.support_type}|{side.signed}"
        for side in (change.before, change.after)
    ]
    differing = [
        f"{name}={_field(change.before, name)}>{_field(change.after, name)}" for name in change.fields
    ]
    return "\x1f".join([list_name, change.kind, *sides, *differing])


def _field(agreement: Agreement | None, name: str) -> object:
    return None if agreement is None else agreement.as_json().get(name)


def _change_id(base: str, n: int) -> str:
    return blake2b(f"{base}\x1f{n}".encode(), digest_size=8).hexdigest()


def _taken_ids(connection: Connection, ids: Sequence[str]) -> set[str]:
    taken: set[str] = set()
    for chunk in _chunks(ids):
        taken.update(connection.execute(select(changes.c.id).where(changes.c.id.in_(chunk))).scalars())
    return taken


def _exists(connection: Connection, identifier: str, n: int) -> bool:
    # The first id of every change was looked up in bulk; only a repeated change asks again.
    return (
        n > 0
        and connection.execute(select(changes.c.id).where(changes.c.id == identifier)).first() is not None
    )


def _change_row(derived: Result, seq: int, change_id: str) -> dict[str, Any]:
    publication, change = derived.publication, derived.changes[seq]
    shown = change.after or change.before
    assert shown is not None  # noqa: S101 - a change has at least one side
    return {
        "id": change_id,
        "list": publication.list,
        "place": publication.place,
        "seq": seq,
        "kind": change.kind,
        "published_at": publication.published_at,
        "captured_at": publication.captured_at,
        "recorded_at": derived.known_since or publication.recorded_at,
        "published_name": publication.published_name,
        "sha256": publication.sha256,
        "previous_sha256": derived.previous_sha256,
        "row": change.after.row if change.after and change.kind != "removed" else None,
        "state": shown.state,
        "agency": shown.agency,
        "name_key": name_key(shown.agency),
        "agency_id": change.agency_id,
        "agreement_id": change.agreement_id,
        "support_type": shown.support_type,
        "signed": shown.signed.isoformat() if shown.signed else None,
        **_sides(change),
        "rule": change.rule,
        "score": round(change.score, 4),
        "evidence": list(change.evidence) or None,
        "newly_signed": derived.newly_signed[seq],
        "new_agency": derived.new_agency[seq],
    }


def _sides(change: Change) -> dict[str, Any]:
    """The whole record for added and removed; else the fields that differ."""
    before = change.before.as_json() if change.before else None
    after = change.after.as_json() if change.after else None
    if change.kind in ("added", "removed"):
        return {"before": before, "after": after}
    return {
        "before": {name: before.get(name) for name in change.fields} if before else None,
        "after": {name: after.get(name) for name in change.fields} if after else None,
    }


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, IDS_AT_ONCE)):
        yield chunk
