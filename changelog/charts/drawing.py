"""Drawing: one look for every chart, and the words that make it one picture with a name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    import altair as alt

# Marks keep a contrast of three to one on white and on black; text and rules take the colour around them.
TEAL, RUST, GOLD, GREY = "#2f7d78", "#c8641b", "#a8862a", "#7d7d7d"
# Widths are measured as text is laid out, so the first fonts are ones of the same widths.
FONT = "Arial, 'Liberation Sans', Helvetica, sans-serif"
WIDTH = 640
NARROW = 340  # of a phone, where a picture of WIDTH would shrink to what nobody can read
# Of a picture that stands alone: text and rules in the ink of the pages.
INK = "svg{color:#1d1c1a}@media (prefers-color-scheme:dark){svg{color:#ebe8e1}}"
_AXIS = {
    "labelColor": "currentColor",
    "labelFontSize": 12,
    "domainColor": "currentColor",
    "domainOpacity": 0.4,
    "gridColor": "currentColor",
    "gridOpacity": 0.14,
    "tickColor": "currentColor",
    "tickOpacity": 0.4,
}


def data(rows: Sequence[dict[str, Any]]) -> alt.InlineData:
    """As values within the chart: a picture must not refer to a file."""
    import altair as alt

    return alt.InlineData(values=list(rows))


def days() -> alt.X:
    """A time axis in UTC, whatever the time zone of the machine that draws."""
    import altair as alt

    return alt.X(
        "day:T", title=None, scale=alt.Scale(type="utc"), axis=alt.Axis(labelOverlap=True, tickCount=6)
    )


def legend(names: Sequence[str], columns: int = 0) -> alt.Legend:
    """In one row, or in so many columns."""
    import altair as alt

    return alt.Legend(
        title=None,
        orient="top",
        direction="horizontal",
        columns=columns,
        values=list(names),
        labelLimit=240,
        columnPadding=28,
    )


def stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def day(moment: date) -> str:
    return f"{moment:%-d %B %Y}"


def listed(parts: Sequence[str]) -> str:
    return ", ".join(parts)


def draw(chart: alt.LayerChart | alt.Chart | alt.FacetChart, name: str, title: str, description: str) -> str:
    """Draw, then say in the picture itself what it shows."""
    import vl_convert

    drawn = chart.configure(background="transparent", font=FONT, padding=8)
    drawn = drawn.configure_view(stroke=None).configure_axis(**_AXIS).configure_axisX(grid=False)
    drawn = drawn.configure_text(fontSize=12).configure_legend(labelColor="currentColor", labelFontSize=12)
    svg = vl_convert.vegalite_to_svg(drawn.to_dict())
    return named(svg, name, title, description)


def named(svg: str, name: str, title: str, description: str) -> str:
    """Make the picture one image with a title and a description; what Vega says of its parts goes."""
    svg = re.sub(r' (?:aria-[a-z]+|role|xmlns:xlink|class)="[^"]*"', "", svg)
    opening = f' role="img" aria-labelledby="chart-{name}-title chart-{name}-text">'
    words = (
        f'<title id="chart-{name}-title">{escape(title)}</title>'
        f'<desc id="chart-{name}-text">{escape(description)}</desc>'
    )
    return re.sub(r"(<svg\b[^>]*?)>", lambda found: found[1] + opening + words, svg, count=1)


def alone(svg: str) -> str:
    """As a file of its own, readable on light and on dark ground."""
    return re.sub(r"(<svg\b[^>]*>)", lambda found: f"{found[1]}<style>{INK}</style>", svg, count=1)
