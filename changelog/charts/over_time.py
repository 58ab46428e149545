"""Charts over time: growth since the first list, the mix of support types, additions week by week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from changelog.charts.drawing import (
    GOLD,
    GREY,
    RUST,
    TEAL,
    WIDTH,
    data,
    day,
    days,
    draw,
    legend,
    listed,
    stamp,
)
from changelog.wording import MODELS, model_name
from pipelines.history.figures import Totals

MODEL_COLOURS = {"TFM": TEAL, "WSO": RUST, "JEM": GOLD}


def growth(
    series: Sequence[Totals], nouns: str = "agreements", width: int = WIDTH, holders: str = "agencies"
) -> str:
    """Agreements and agencies since the first list, in steps: a figure stands until the next list. Without
    `holders` only the former."""
    import altair as alt

    rows = [
        {"day": stamp(t.published_at), "what": what, "count": count, "last": t is series[-1]}
        for t in _turns(series)
        for what, count in ((nouns, t.agreements), (holders, t.agencies))
        if what
    ]
    colours = alt.Scale(domain=[nouns, holders] if holders else [nouns], range=[TEAL, RUST])
    base = alt.Chart(data(rows)).encode(
        x=days(),
        y=alt.Y("count:Q", title=None, axis=alt.Axis(tickCount=5, format=",d")),
        color=alt.Color("what:N", scale=colours, legend=legend([nouns, "agencies"])),
    )
    ends = base.transform_filter("datum.last")
    figures = ends.mark_text(align="left", dx=7, fontWeight="bold").encode(
        text=alt.Text("count:Q", format=",d")
    )
    lines = base.mark_line(interpolate="step-after", strokeWidth=2.5)
    chart = (lines + ends.mark_point(filled=True, size=45, opacity=1) + figures).properties(
        width=width, height=240
    )
    return draw(chart, "growth", f"Growth of {nouns} and agencies", _growth_said(series, nouns))


def _growth_said(series: Sequence[Totals], nouns: str) -> str:
    if not series:
        return "Nothing is recorded yet."
    first, last = series[0], series[-1]
    return (
        f"From {first.agreements:,} {nouns} of {first.agencies:,} agencies on {day(first.published_at)} "
        f"to {last.agreements:,} of {last.agencies:,} on {day(last.published_at)}."
    )


def model_mix(
    series: Sequence[Totals], nouns: str = "agreements", width: int = WIDTH, by: str = "support type"
) -> str:
    """How many agreements are of each support type, over time."""
    import altair as alt

    last = series[-1].by_support_type if series else {}
    models = _models(series)
    rows = [
        {
            "day": stamp(t.published_at),
            "model": model_name(model),
            "count": t.by_support_type.get(model, 0),
            "rank": rank,
        }
        for t in _turns(series)
        for rank, model in enumerate(models)
    ]
    names = [model_name(model) for model in models]
    colours = alt.Scale(domain=names, range=[MODEL_COLOURS.get(model, GREY) for model in models])
    chart = (
        alt.Chart(data(rows))
        .mark_area(interpolate="step-after")
        .encode(
            x=days(),
            y=alt.Y("count:Q", title=None, stack="zero", axis=alt.Axis(tickCount=5, format=",d")),
            color=alt.Color(
                "model:N",
                scale=colours,
                legend=legend(names, columns=1 if width < WIDTH else 0) if names else None,
            ),
            order=alt.Order("rank:Q"),
        )
        .properties(width=width, height=240)
    )
    said = listed([f"{model_name(model)} {last.get(model, 0):,}" for model in models])
    when = f" on {day(series[-1].published_at)}" if series else ""
    return draw(chart, "models", f"{nouns.capitalize()} by {by}", f"{said or 'Nothing'}{when}.")


def _models(series: Sequence[Totals]) -> list[str]:
    """Every support type that was ever counted, the known ones first."""
    met = dict.fromkeys(
        model for totals in series for model, count in totals.by_support_type.items() if count
    )
    known = [model for model in ("TFM", "WSO", "JEM") if model in met]
    return known + [model for model in met if model not in MODELS]


def weekly_additions(
    series: Sequence[Totals],
    until: date,
    nouns: str = "agreements",
    weeks: int = 26,
    width: int = WIDTH,
    time_zone: str = "UTC",
) -> str:
    """How many were added in each of the last weeks before `until`, and how many left (below the line)."""
    import altair as alt

    counted = _by_week(series, until, weeks, ZoneInfo(time_zone))
    rows = [
        {"week": monday.isoformat(), "what": what, "count": count}
        for monday, (added, removed) in counted.items()
        for what, count in (("added", added), ("removed", -removed))
    ]
    most = max([1, *(added for added, _ in counted.values())]) * 1.1
    weeks_axis = alt.Axis(
        labelExpr="utcFormat(toDate(datum.value), '%-d %b')", labelOverlap=True, labelAngle=0, ticks=False
    )
    colours = alt.Scale(domain=["added", "removed"], range=[TEAL, RUST])
    base = alt.Chart(data(rows)).encode(
        x=alt.X("week:O", title=None, axis=weeks_axis),
        y=alt.Y(
            "count:Q", title=None, scale=alt.Scale(domainMax=most), axis=alt.Axis(tickCount=5, format=",d")
        ),
    )
    bars = base.mark_bar(width={"band": 0.75}).encode(
        color=alt.Color("what:N", scale=colours, legend=legend(["added", "removed"]))
    )
    figures = base.transform_filter("datum.count > 0").mark_text(dy=-7, fontSize=11, fill="currentColor")
    chart = (bars + figures.encode(text=alt.Text("count:Q", format=",d"))).properties(width=width, height=220)
    return draw(
        chart, "weekly", f"{nouns.capitalize()} added and removed, week by week", _weeks_said(counted)
    )


def _by_week(
    series: Sequence[Totals], until: date, weeks: int, zone: ZoneInfo
) -> dict[date, tuple[int, int]]:
    """By the Monday of each week: how many were added or came back, and how many left."""
    last = _monday(until - timedelta(days=1))
    counted = {last - timedelta(days=7 * n): (0, 0) for n in reversed(range(weeks))}
    for totals in series:
        monday = _monday(totals.published_at.astimezone(zone).date())
        if monday in counted:
            added, removed = counted[monday]
            gained = totals.counts.get("added", 0) + totals.counts.get("returned", 0)
            counted[monday] = (added + gained, removed + totals.counts.get("removed", 0))
    return counted


def _monday(of: date) -> date:
    return of - timedelta(days=of.weekday())


def _weeks_said(counted: Mapping[date, tuple[int, int]]) -> str:
    busy = [
        f"week of {day(monday)}: {added:,} added, {removed:,} removed"
        for monday, (added, removed) in counted.items()
        if added or removed
    ]
    return f"{'; '.join(busy)}." if busy else "No change in these weeks."


def _turns(series: Sequence[Totals]) -> list[Totals]:
    """The publications at which a figure turns, and the last one: quiet lists draw nothing."""
    turns = [
        totals
        for before, totals in zip([None, *series], series, strict=False)
        if before is None
        or (before.agreements, before.agencies, before.by_support_type)
        != (totals.agreements, totals.agencies, totals.by_support_type)
    ]
    return turns if not series or turns[-1] is series[-1] else [*turns, series[-1]]
