"""How much of the country a list covered at one of its publications."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from pipelines.history.agreements import agreements_at
from pipelines.history.places import NOWHERE, places_of_list
from pipelines.history.streams import all_intervals
from pipelines.places.coverage import Placed, coverage
from pipelines.registers import Registers


def placed_at(connection: Connection, list_name: str, place: str) -> list[Placed]:
    where = places_of_list(connection, list_name)
    found = []
    for one in agreements_at(connection, list_name, place):
        at = where.get(one.agreement_id, NOWHERE)
        found.append(
            Placed(
                one.agreement.state, one.agreement.support_type, at.level, at.fips, at.place, at.ori,
                one.agreement.agency,
            )
        )  # fmt: skip
    return found


def stretches(connection: Connection, list_name: str) -> list[tuple[Placed, str, str | None]]:
    """Of every agreement that the list ever had, where it is and from which publication until which it stood."""
    where = places_of_list(connection, list_name)
    found = []
    for row in all_intervals(connection):
        if row.list == list_name:
            at = where.get(row.agreement_id, NOWHERE)
            placed = Placed(row.state, row.support_type, at.level, at.fips, at.place, at.ori, row.agency)
            found.append((placed, row.from_place, row.until_place))
    return found


def coverage_at(connection: Connection, list_name: str, place: str, registers: Registers) -> dict[str, Any]:
    return coverage(placed_at(connection, list_name, place), registers)
