"""Dates and moments as people type them."""

from changelog.moments import end_of, moment, week

__all__ = ["end_of", "moment", "week"]
