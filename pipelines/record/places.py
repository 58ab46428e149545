"""Writing where agreements are: by the rules, from what their list last said of them, and by people's words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from pipelines.history.places import evidence_of_word, latest
from pipelines.places.draft import PlaceFacts
from pipelines.places.facts import place_facts
from pipelines.places.words import with_word
from pipelines.registers import Registers
from pipelines.tables import place_words, places

CHUNK = 500


def place_again(
    connection: Connection, list_name: str, registers: Registers, ids: Collection[str] | None = None
) -> None:
    """Say again where agreements of a list are (all of them when `ids` is None), by its last words of each."""
    for chunk in [None] if ids is None else _chunks(ids):
        found = latest(connection, list_name, chunk)
        words = _words(connection, chunk)
        mine = places.c.list == list_name
        connection.execute(delete(places).where(mine if chunk is None else places.c.agreement_id.in_(chunk)))
        rows = []
        for agreement_id, said in found.items():
            facts = place_facts(said.state, said.agency, said.county, said.type, registers)
            if word := words.get(agreement_id):
                facts = with_word(facts, word.fips, word.ori, evidence_of_word(word), said.state, registers)
            rows.append(_row(list_name, agreement_id, facts))
        if rows:
            connection.execute(insert(places), rows)


def take_word(connection: Connection, entry: Mapping[str, Any]) -> None:
    """A person's word from the journal, or that it is taken back."""
    connection.execute(delete(place_words).where(place_words.c.agreement_id == entry["agreement"]))
    if not entry.get("undone"):
        fips = entry.get("fips")
        connection.execute(
            insert(place_words).values(
                agreement_id=entry["agreement"],
                fips=None if fips is None else " ".join(fips),
                ori=entry.get("ori"),
                by=entry["by"],
                at=datetime.fromisoformat(entry["at"]),
                note=entry["note"],
            )
        )


def _words(connection: Connection, ids: list[str] | None) -> dict[str, Row[Any]]:
    query = select(place_words)
    if ids is not None:
        query = query.where(place_words.c.agreement_id.in_(ids))
    return {row.agreement_id: row for row in connection.execute(query)}


def _row(list_name: str, agreement_id: str, facts: PlaceFacts) -> dict[str, Any]:
    return {
        "agreement_id": agreement_id,
        "list": list_name,
        "level": facts.level,
        "fips": " ".join(facts.fips),
        "place": facts.place,
        "ori": facts.ori,
        "population": facts.population,
        "officers": facts.officers,
        "evidence": [one.as_json() for one in facts.evidence],
    }


def _chunks(ids: Iterable[str]) -> Iterable[list[str]]:
    iterator = iter(sorted(set(ids)))
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
