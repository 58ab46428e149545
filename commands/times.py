"""Dates and moments as people type them."""

from changelog.wording import end_of, moment, week

__all__ = ["end_of", "moment", "week"]
