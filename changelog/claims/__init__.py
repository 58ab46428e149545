"""Public statements held against what was published: `check_claim` answers one, figure by figure."""

from changelog.claims.check import check_claim

__all__ = ["check_claim"]
