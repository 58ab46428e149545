"""How much of the country a list covered at one of its publications."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from pipelines.history.agreements import agreements_at
from pipelines.history.places import NOWHERE, places_of_list
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


def coverage_at(connection: Connection, list_name: str, place: str, registers: Registers) -> dict[str, Any]:
    return coverage(placed_at(connection, list_name, place), registers)
