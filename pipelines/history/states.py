"""One state in the record: its figures over time, and the sum of every state now."""

from __future__ import annotations

from sqlalchemy import Connection

from pipelines.history.figures import totals_between


def state_over_time(connection: Connection, list_name: str, state: str) -> list[tuple[str, int]]:
    """(place, agreements) of each publication at which the state's number differs from the one before."""
    told: list[tuple[str, int]] = []
    for totals in totals_between(connection, list_name):
        count = totals.by_state.get(state, 0)
        if not told or told[-1][1] != count:
            told.append((totals.place, count))
    return told
