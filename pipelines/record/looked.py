"""What is written of a look, column by column, by whichever of the two writes it (record.runs, record.quiet)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from scraper.capture import Capture

LEASE = timedelta(minutes=5)  # renewed while the look goes on, so that a dead machine's lease is soon free


@dataclass(frozen=True, slots=True)
class Ended:
    """How a look ended. `error` is for people; `stages` are seconds by stage."""

    outcome: str
    reason: str = ""
    error: str | None = None
    exit_code: int = 0
    requests: int = 0
    bytes: int = 0
    rows: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    sha256: str | None = None

    def columns(self, now: datetime) -> dict[str, Any]:
        """Of the run that ends so."""
        return {
            "ended_at": now,
            "outcome": self.outcome,
            "reason": self.reason,
            "error": self.error,
            "exit_code": self.exit_code,
            "requests": self.requests,
            "bytes": self.bytes,
            "rows": self.rows,
            "counts": dict(self.counts) or None,
            "stages": {name: round(seconds, 4) for name, seconds in self.stages.items()} or None,
            "seconds": round(sum(self.stages.values()), 4),
            "sha256": self.sha256,
        }


def served_columns(capture: Capture, since: datetime) -> dict[str, Any]:
    """What the server said, to be echoed the next time. A copy that was only confirmed keeps its validators."""
    served = {"served_sha256": capture.sha256, "served_since": since, "url": capture.url}
    if capture.outcome == "fetched":
        served |= {"last_modified": capture.validators.last_modified, "etag": capture.validators.etag}
    return served


def watched_columns(outcome: str, now: datetime, served: Mapping[str, Any]) -> dict[str, Any]:
    """Of a list after a look. `served` are those of `served_columns`, where the look came that far."""
    looked = {"last_look": now, "last_outcome": outcome, **served}
    return looked if outcome == "failed" else {**looked, "last_success": now}
