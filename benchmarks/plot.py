"""How the time grows with the rows, drawn from the points of the lines: both axes by powers of ten."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from benchmarks.table import Point
from changelog.charts.drawing import GOLD, GREY, RUST, TEAL, WIDTH, data, draw, legend

COLOURS = (TEAL, RUST, GOLD, GREY)
LINES = ([1, 0], [6, 3])  # beyond four works the colours come again, with broken lines


def growth(points: Sequence[Point]) -> str:
    """As SVG."""
    works = list(dict.fromkeys(point.work for point in points))
    colours = [COLOURS[number % len(COLOURS)] for number in range(len(works))]
    broken = [LINES[number // len(COLOURS) % len(LINES)] for number in range(len(works))]
    rows = [point._asdict() for point in points]
    powers = alt.Scale(type="log", nice=True)
    chart = (
        alt.Chart(data(rows), width=WIDTH, height=360)
        .mark_line(point=True, strokeWidth=2)
        .encode(
            x=alt.X("rows:Q", scale=powers, title="rows", axis=alt.Axis(format="~s", tickCount=4)),
            y=alt.Y("seconds:Q", scale=powers, title="seconds", axis=alt.Axis(format="~g", tickCount=5)),
            color=alt.Color(
                "work:N", scale=alt.Scale(domain=works, range=colours), legend=legend(works, columns=2)
            ),
            strokeDash=alt.StrokeDash("work:N", scale=alt.Scale(domain=works, range=broken), legend=None),
        )
    )
    said = "; ".join(f"{point.work}, {point.rows:,} rows: {point.seconds:.2f} s" for point in points)
    return draw(chart, "benchmarks", "Time by the number of rows", said)
