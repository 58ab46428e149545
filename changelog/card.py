"""The card: a report's headline as a picture for sharing, 1200 by 630 pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

from changelog.wording import long_day, time_of
from pipelines.history.figures import Totals
from scraper.lists import PublishedList, Wording

WIDTH, HEIGHT, EDGE = 1200, 630, 72
INK, QUIET, ACCENT = "#14202b", "#55606c", "#1d5fa8"
FONT = "Arial, 'Liberation Sans', Helvetica, sans-serif"
_CURVE = (EDGE, 440, WIDTH - 2 * EDGE, 96)  # left, top, width, height


def card(told: Mapping[str, Any], declaration: PublishedList, series: Sequence[Totals] = ()) -> bytes:
    """A PNG. `series` are the list's accepted publications, for the curve."""
    import vl_convert

    return bytes(vl_convert.svg_to_png(card_svg(told, declaration, series)))


def card_svg(told: Mapping[str, Any], declaration: PublishedList, series: Sequence[Totals] = ()) -> str:
    """The same as SVG, WIDTH by HEIGHT. `told` is a report as JSON."""
    wording = declaration.wording
    lines = [
        _text(_cut(wording.title, 52), 110, 38, weight=600, colour=ACCENT),
        _text(
            f"{told['total_agreements']:,} {_nouns(told['total_agreements'], wording)}", 222, 100, weight=700
        ),
        _text(_cut(f"+{told['added']:,} added {time_of(told)}", 54), 298, 42, weight=600),
        _text(_cut(_second(told, wording), 66), 354, 34, colour=QUIET),
        _text(_cut(_since(told, wording), 66), 404, 34, colour=QUIET),
        _curve(series),
        _text(_cut(_source(told), 70), 592, 24, colour=QUIET),
        _text("countersign", 592, 24, x=WIDTH - EDGE - 137, weight=600, colour=ACCENT),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="{FONT}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
        f'<rect width="14" height="{HEIGHT}" fill="{ACCENT}"/>{"".join(lines)}</svg>'
    )


def _nouns(count: int, wording: Wording) -> str:
    return wording.noun if count == 1 else wording.nouns


def _second(told: Mapping[str, Any], wording: Wording) -> str:
    new = f" ({told['new_agencies']:,} new)" if told["new_agencies"] else ""
    of = f"{told['total_agencies']:,} {wording.holders}{new}" if wording.holder else ""
    return " in ".join(
        filter(None, (of, f"{told['total_states']:,} {wording.groups}" if wording.group else ""))
    )


def _source(told: Mapping[str, Any]) -> str:
    return f"List published {_day(told['published_at'])}: {told['published_name']}"


def _since(told: Mapping[str, Any], wording: Wording) -> str:
    base = told["baseline"]
    if base is None or base["percent"] is None:
        return ""
    then = f"{base['total_agreements']:,} {_nouns(base['total_agreements'], wording)}"
    return f"{base['percent']:+,.1f} % since {_day(base['date'])} ({then})"


def _curve(series: Sequence[Totals]) -> str:
    """The agreements over time, in steps."""
    if len(series) < 2 or series[0].published_at == series[-1].published_at:
        return ""
    left, top, width, height = _CURVE
    first, span = series[0].published_at, series[-1].published_at - series[0].published_at
    most = max(totals.agreements for totals in series) or 1
    path = f"M{left},{top + height - height * series[0].agreements / most:.1f}"
    for totals in series[1:]:
        x = left + width * ((totals.published_at - first) / span)
        path += f"H{x:.1f}V{top + height - height * totals.agreements / most:.1f}"
    return (
        f'<path d="{path}V{top + height}H{left}Z" fill="{ACCENT}" fill-opacity="0.18"/>'
        f'<path d="{path}" fill="none" stroke="{ACCENT}" stroke-width="3"/>'
    )


def _text(text: str, y: int, size: int, *, x: int = EDGE, weight: int = 400, colour: str = INK) -> str:
    look = f'font-size="{size}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x}" y="{y}" {look}>{escape(text)}</text>'


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _day(text: str) -> str:
    return long_day(date.fromisoformat(text[:10]))
