"""Charts as SVG text: each names itself, says in words what it shows, and reads on light and on dark paper.

Altair is loaded by the first chart, not by this module: a quiet look at a list draws nothing.
"""

from changelog.charts.over_time import growth, model_mix, weekly_additions
from changelog.charts.places import by_state, state_map

__all__ = ["by_state", "growth", "model_mix", "state_map", "weekly_additions"]
