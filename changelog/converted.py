"""What became of applications in a period: how many turned into agreements, how quickly, and who waits longest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from pipelines.history.conversions import conversions


def conversions_json(
    connection: Connection, list_name: str, pending: str, since: datetime, until: datetime, last_day: date
) -> dict[str, Any]:
    """The figures of a period; days are whole days, those of who still waits are counted until `last_day`."""
    found = conversions(connection, list_name, pending, since, until)
    return {
        "applied": found.applied,
        "converted": len(found.converted),
        "median_days": found.median_days,
        "left": found.left,
        "waiting": found.waiting,
        "oldest": [
            {
                "state": one.application.last.state,
                "agency": one.application.last.agency,
                "support_type": one.application.last.support_type,
                "agreement_id": one.application.agreement_id,
                "applied": one.applied.isoformat(),
                "at_least": one.at_least,
                "days": (last_day - one.applied).days,
            }
            for one in found.oldest
        ],
    }


def conversion_sentences(told: Mapping[str, Any] | None) -> list[str]:
    """The same for people; nothing when no application is recorded at all."""
    if told is None:
        return []
    verb = "became an agreement" if told["converted"] == 1 else "became agreements"
    became = f"{_many(told['converted'])} {verb} in this period"
    if told["median_days"] is not None:
        became += (
            f", at the median {told['median_days']:g} days after the list of applications first had them"
        )
    return [
        f"{became}.",
        f"{_many(told['left'])} left the list without one; {told['waiting']:,} waited at its end.",
    ]


def _many(count: int) -> str:
    return "1 application" if count == 1 else f"{count:,} applications"
