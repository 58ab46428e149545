"""Charts by place: a map of the states made of squares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from changelog.charts.drawing import TEAL, WIDTH, data, draw, listed
from changelog.wording import state_name

# The shades of the tiles on the pages, from few to many.
SHADES = ("#d3e6e3", "#a4cbc6", "#2f7d78", "#1a635f", "#0b4846")

# The squares row by row, so that neighbours stay near each other; a dot is an empty square.
_ROWS = (
    "AK .. .. .. .. .. .. .. .. .. ME",
    ".. .. .. .. .. .. .. .. .. VT NH",
    "WA ID MT ND MN IL WI MI NY RI MA",
    "OR NV WY SD IA IN OH PA NJ CT ..",
    "CA UT CO NE MO KY WV VA MD DE ..",
    ".. AZ NM KS AR TN NC SC DC .. ..",
    ".. .. .. OK LA MS AL GA .. .. ..",
    "HI .. .. TX .. .. .. .. FL .. ..",
    "GU MP AS .. .. .. .. .. .. PR VI",
)
TILES = {name: (x, y) for y, row in enumerate(_ROWS) for x, name in enumerate(row.split()) if name != ".."}


def by_group(counts: Mapping[str, int], nouns: str, by: str, width: int = WIDTH) -> str:
    """One bar per value of what a list is grouped by, longest first."""
    import altair as alt

    rows = [
        {"group": name, "count": count}
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if count
    ]
    base = alt.Chart(data(rows)).encode(
        y=alt.Y("group:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=200)),
        x=alt.X("count:Q", title=None, axis=None),
    )
    bars = base.mark_bar(color=TEAL, height={"band": 0.72})
    figures = base.mark_text(align="left", dx=4, color="currentColor").encode(
        text=alt.Text("count:Q", format=",d")
    )
    chart = (bars + figures).properties(width=width - 160, height=alt.Step(22))
    said = listed([f"{row['group']} {row['count']:,}" for row in rows])
    return draw(chart, "by-group", f"{nouns.capitalize()} by {by}", f"{said or 'None'}.")


def state_map(counts: Mapping[str, int], nouns: str = "agreements", width: int = WIDTH) -> str:
    """A map of squares, one per state and territory, darker where there are more."""
    import altair as alt

    steps = steps_up_to(max([*counts.values(), 1]))
    rows = [
        {
            "x": x,
            "y": y,
            "state": state,
            "count": counts.get(state, 0),
            "shade": shade_of(counts.get(state, 0), steps),
        }
        for state, (x, y) in TILES.items()
    ]
    side = width / 11
    base = alt.Chart(data(rows)).encode(
        x=alt.X("x:O", axis=None, scale=alt.Scale(paddingInner=0.08)),
        y=alt.Y("y:O", axis=None, scale=alt.Scale(paddingInner=0.08)),
    )
    empty = base.transform_filter("datum.count == 0")
    full = base.transform_filter("datum.count > 0")
    dark = "datum.shade >= 2"
    ink: Any = {"condition": {"test": dark, "value": "#ffffff"}, "value": "#0c2221"}
    shades = alt.Scale(domain=list(range(len(SHADES))), range=list(SHADES))
    legend = alt.Legend(
        title=None, orient="bottom", direction="horizontal", symbolType="square", symbolStrokeWidth=0,
        labelExpr=f"{step_names(steps)}[datum.value]", values=list(range(len(steps))),
    )  # fmt: skip
    chart = alt.layer(
        empty.mark_rect(cornerRadius=3, fill="none", stroke="currentColor", strokeOpacity=0.25),
        full.mark_rect(cornerRadius=3).encode(color=alt.Color("shade:O", scale=shades, legend=legend)),
        empty.mark_text(fontSize=12, fill="currentColor", opacity=0.75).encode(text="state:N"),
        full.mark_text(fontSize=12, fontWeight="bold", dy=-8).encode(text="state:N", fill=ink),
        full.mark_text(fontSize=13, dy=9).encode(text=alt.Text("count:Q", format=",d"), fill=ink),
    ).properties(width=width, height=side * 9)
    off_map = sorted(state for state, count in counts.items() if count and state not in TILES)
    said = listed(
        [f"{state_name(s or None)} {n:,}" for s, n in sorted(counts.items(), key=lambda i: -i[1]) if n]
    )
    rest = f" Not on the map: {listed([state_name(state or None) for state in off_map])}." if off_map else ""
    return draw(chart, "map", f"{nouns.capitalize()} on a map of the states", f"{said or 'None'}.{rest}")


def steps_up_to(most: int) -> list[int]:
    """Where each shade begins: one, then a few round figures up to the most."""
    wanted = (
        [1, 3, 10, 30, 100]
        if most <= 300
        else [1, 10, 50, 100, 300]
        if most <= 1000
        else [1, 10, 100, 500, 1000]
    )
    return [step for step in wanted if step <= most]


def shade_of(count: int, steps: Sequence[int]) -> int:
    return max(0, sum(1 for step in steps if count >= step) - 1)


def step_names(steps: Sequence[int]) -> list[str]:
    ends: list[int | None] = [*(step - 1 for step in steps[1:]), None]
    return [
        f"{first:,} and more" if last is None else f"{first:,}" if first == last else f"{first:,} to {last:,}"
        for first, last in zip(steps, ends, strict=True)
    ]
