"""How one look at one list ended, for whoever asked for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from scraper.lists import PublishedList

if TYPE_CHECKING:
    from pipelines.house import House

BUG = 1


@dataclass(frozen=True, slots=True)
class Look:
    """As `crawl --json` prints it; `publication` is a hash."""

    list: str
    outcome: str
    reason: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    exit_code: int = 0
    run_id: str = ""
    publication: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "list": self.list,
            "outcome": self.outcome,
            "reason": self.reason,
            "counts": dict(self.counts),
            "exit_code": self.exit_code,
            "run_id": self.run_id,
            "publication": self.publication,
        }


class Looking(Protocol):
    """What makes the looks (pipelines.looks.watch, and what stands around it)."""

    async def __call__(
        self, house: House, lists: Sequence[PublishedList], trigger: str, by: str, *, due_only: bool = False
    ) -> Sequence[Look]: ...
