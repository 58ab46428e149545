"""Whether an expression can be a cadence at all. When it is due is the business of pipelines.cadence."""

from __future__ import annotations

import re

_NAMED = re.compile(r"@(?:hourly|daily|midnight|weekly|monthly|yearly|annually)", re.IGNORECASE)
_EVERY = re.compile(r"every\s+\d+\s*(?:m|h|d)[a-z]*", re.IGNORECASE)
_FIVE = re.compile(r"(?:[\w*,/-]+\s+){4}[\w*,/-]+")


def cron(expression: str) -> str:
    """The expression itself. Raises ValueError with advice for what is neither cron nor "every N hours"."""
    text = expression.strip()
    if _NAMED.fullmatch(text) or _EVERY.fullmatch(text):
        return text
    if not _FIVE.fullmatch(text) or not _is_valid(text):
        raise ValueError(
            "is no cadence; write minute hour day month weekday ('0 9-17 * * mon-fri') or 'every 6 hours'"
        )
    return text


def _is_valid(text: str) -> bool:
    # Loaded for the lists that have a cron of their own.
    from croniter import croniter

    return bool(croniter.is_valid(text.lower()))
