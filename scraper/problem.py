"""What a proof of the archive found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """What `verify` found. `damage` is False for what a crash leaves behind and nobody relies on."""

    where: str
    text: str
    damage: bool = True
