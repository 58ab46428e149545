"""What the tests of the channels share."""

from __future__ import annotations

from tests.changelog.receiver import receiver

__all__ = ["receiver"]
