"""Charts as SVG text: each names itself, says in words what it shows, and reads on light and on dark paper.

Altair is loaded by the first chart, not by this module: a quiet look at a list draws nothing.
"""

from changelog.charts.drawing import NARROW, WIDTH, alone
from changelog.charts.over_time import growth, model_mix, weekly_additions
from changelog.charts.places import by_group, shade_of, state_map, step_names, steps_up_to

__all__ = [
    "NARROW", "WIDTH", "alone", "by_group", "growth", "model_mix", "shade_of", "state_map", "step_names", "steps_up_to",
    "weekly_additions",
]  # fmt: skip
