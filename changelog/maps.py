"""A map of counties with agreements, as SVG made without a browser: of the nation or of one state, over time.

Colours go from dark to light in the order of the legend, so that the map is read in grey too; `map.css` of the web
gives the same classes other colours on dark paper.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import cos, radians, sin, sqrt
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

from changelog.wording import model_name
from pipelines.places.coverage import Placed
from pipelines.registers import Registers

By = Literal["level", "model", "year"]
NATION = (-60.0, 8.0, 1030.0, 602.0)
LAND, LINES, EDGES = "#f1eee8", "#d8d3c8", "#8f897d"
DARK_TO_LIGHT = ("#0b4846", "#2b7a76", "#6fb0aa", "#b5d8d3", "#dcebe8")
DOT = "#c2410c"
FINE, COARSE = "fine", "coarse"


@dataclass(frozen=True, slots=True)
class Span:
    """An agreement and in which frames it stood, counted from 0; `until` is the first in which it did not."""

    placed: Placed
    since: int
    until: int
    year: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A map with what its table says: of each county its name, what it is coloured for, and who is there."""

    svg: str
    legend: Sequence[tuple[str, str]]
    counties: Sequence[tuple[str, str, str]]


def county_map(
    spans: Sequence[Span],
    frames: int,
    registers: Registers,
    by: By = "level",
    state: str | None = None,
    title: str = "Counties with an agreement",
    link: str = "",
) -> Drawn:
    """The map of the last of `frames`; earlier ones are in it, hidden, to be shown by who moves through time.

    `link` is the beginning of the address of a county's page; without it nothing is linked.
    """
    shapes, counties = registers.shapes(), {one.fips: one for one in registers.counties()}
    wanted = [one for one in spans if state is None or one.placed.state == state]
    names = _categories(by, wanted)
    found = _by_county(wanted, frames, by)
    inside = {fips for fips in shapes["counties"] if state is None or counties[fips].state == state}
    detail = COARSE if state is None else FINE
    box = NATION if state is None else _box(registers, tuple(sorted(inside)))
    scale = box[2] / NATION[2]
    parts, rows = [_ground(registers, state, box, scale)], []
    for fips in sorted(found.keys() & inside):
        name = f"{counties[fips].name}, {counties[fips].state}"
        for category, shown in found[fips].items():
            who = _who(fips, wanted, frames)
            told = f"{name}: {names[category]}{f'. {who}' if who else ''}"
            parts.append(
                _county(_path(registers, fips, detail), category, names, told, shown, frames, link, fips)
            )
            if shown[-1][1] == frames:
                rows.append((name, names[category], who))
    parts.append(_state_lines(registers, state, scale))
    parts += _towns(wanted, frames, registers, inside, scale)
    legend = [(f"c{number}", text) for number, text in enumerate(names.values())] + [
        ("town", "town with one")
    ]
    if state is None:
        parts.append(_legend(legend))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="county-map" viewBox="{" ".join(f"{n:.4g}" for n in box)}" '
        f'role="group" aria-label={quoteattr(title)}>{"".join(parts)}</svg>'
    )
    return Drawn(svg, legend, rows)


def framed(stretches: Sequence[tuple[Placed, str, str | None]], places: Sequence[str]) -> list[Span]:
    """Agreements by the frames of `places` (publications in order), each from one publication until another."""
    found = []
    for placed, since, until in stretches:
        first = bisect_left(places, since)
        last = bisect_left(places, until) if until else len(places)
        if first < last:
            found.append(Span(placed, first, last, int(since[:4])))
    return found


def _categories(by: By, spans: Sequence[Span]) -> dict[str, str]:
    if by == "level":
        return {"county": "the county's own", "municipal": "of a town only", "other": "of another body only"}
    if by == "model":
        return {
            "TFM": f"{model_name('TFM')}, at least",
            "JEM": f"{model_name('JEM')}, no task force",
            "WSO": f"{model_name('WSO')} only",
            "": "another model",
        }
    years = sorted({one.year for one in spans})
    kept = years[-5:]
    return {
        str(year): (f"first in {year}" + (" or before" if year == kept[0] and year != years[0] else ""))
        for year in kept
    }


_RANK: Mapping[str, Mapping[str | None, str]] = {
    "level": {"county": "county", "municipal": "municipal"},
    "model": {"TFM": "TFM", "JEM": "JEM", "WSO": "WSO"},
}


def _by_county(spans: Sequence[Span], frames: int, by: By) -> dict[str, dict[str, list[tuple[int, int]]]]:
    """Of each county, in which frames (from one until another) it is of which category."""
    standing: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        for fips in span.placed.fips:
            standing[fips].append(span)
    found: dict[str, dict[str, list[tuple[int, int]]]] = {}
    for fips, here in standing.items():
        edges = sorted({edge for one in here for edge in (one.since, one.until)})
        told: dict[str, list[tuple[int, int]]] = {}
        for since, until in pairwise(edges):
            now = [one for one in here if one.since <= since < one.until]
            if not now or since >= frames:
                continue
            stretches = told.setdefault(_category(now, here, by), [])
            if stretches and stretches[-1][1] == since:
                stretches[-1] = (stretches[-1][0], min(until, frames))
            else:
                stretches.append((since, min(until, frames)))
        if told:
            found[fips] = told
    return found


def _category(now: Sequence[Span], ever: Sequence[Span], by: By) -> str:
    if by == "year":
        return str(max(min(one.year for one in ever), sorted({one.year for one in ever})[-1] - 4))
    ranked = _RANK[by]
    have = {ranked.get(one.placed.level if by == "level" else one.placed.model, "") for one in now}
    rest = "other" if by == "level" else ""
    return next((name for name in ranked.values() if name in have), rest)


def _who(fips: str, spans: Sequence[Span], frames: int) -> str:
    names = dict.fromkeys(
        one.placed.agency for one in spans if fips in one.placed.fips and one.since < frames <= one.until
    )
    shown = list(names)[:4]
    return ", ".join(shown) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _county(
    path: str, category: str, names: Mapping[str, str], told: str, shown: Sequence[tuple[int, int]], frames: int,
    link: str, fips: str,
) -> str:  # fmt: skip
    number = list(names).index(category) if category in names else len(names) - 1
    now = shown[-1][1] == frames
    drawn = (
        f'<path class="c{number}{"" if now else " away"}" fill="{DARK_TO_LIGHT[number]}" stroke="{LAND}" '
        f'stroke-width=".4"{_spans(shown, frames)}{"" if now else " display=" + chr(34) + "none" + chr(34)} '
        f'd="{path}"><title>{escape(told)}</title></path>'
    )
    return (
        f"<a href={quoteattr(link + fips)} aria-label={quoteattr(told)}>{drawn}</a>"
        if link and now
        else drawn
    )


def _spans(shown: Sequence[tuple[int, int]], frames: int) -> str:
    return f' data-spans="{" ".join(f"{since}-{until}" for since, until in shown)}"' if frames > 1 else ""


def _towns(
    spans: Sequence[Span], frames: int, registers: Registers, inside: set[str], scale: float
) -> list[str]:
    towns = {one.id: one for one in registers.towns()}
    held: dict[int, list[Span]] = defaultdict(list)
    for span in spans:
        if span.placed.level == "municipal" and span.placed.place in towns:
            held[span.placed.place or 0].append(span)
    dots = []
    for place, here in sorted(held.items()):
        town = towns[place]
        point = albers(town.longitude, town.latitude)
        if town.fips not in inside or point is None:
            continue
        shown = [(one.since, min(one.until, frames)) for one in here if one.since < frames]
        now = any(until == frames for _, until in shown)
        who = ", ".join(dict.fromkeys(one.placed.agency for one in here))
        dots.append(
            f'<circle class="town{"" if now else " away"}" cx="{point[0]:.1f}" cy="{point[1]:.1f}" '
            f'r="{1.9 * scale**0.7:.2g}" fill="{DOT}" stroke="#fff" stroke-width="{0.5 * scale:.2g}"'
            f"{_spans(shown, frames)}{'' if now else ' display=' + chr(34) + 'none' + chr(34)}>"
            f"<title>{escape(f'{town.name}, {town.state}: {who}')}</title></circle>"
        )
    return dots


@lru_cache(maxsize=8192)
def _path(registers: Registers, fips: str, detail: str) -> str:
    return "".join(_ring(registers, ring, detail) for ring in registers.shapes()["counties"][fips])


def _ring(registers: Registers, ring: Sequence[int], detail: str) -> str:
    points: list[tuple[int, int]] = []
    for index in ring:
        arc = _arc(registers, index if index >= 0 else ~index, detail)
        points += (arc if index >= 0 else arc[::-1])[1 if points else 0 :]
    return _line(points, registers.shapes()["step"], detail) + "z"


@lru_cache(maxsize=1 << 15)
def _arc(registers: Registers, index: int, detail: str) -> list[tuple[int, int]]:
    steps = registers.shapes()[detail][index]
    x = y = 0
    points = []
    for dx, dy in zip(steps[::2], steps[1::2], strict=True):
        x, y = x + dx, y + dy
        points.append((x, y))
    return points


def _line(points: Sequence[tuple[int, int]], step: int, detail: str) -> str:
    """Rounded to what is seen: half a unit of the nation's map has half a pixel and less."""
    digits = 1 if detail == COARSE else 2
    unit = 10**digits
    told: list[str] = []
    last = (0, 0)
    for px, py in points:
        x, y = round(px * unit / step), round(py * unit / step)
        dx, dy = (x - last[0]) / unit, (y - last[1]) / unit
        if told and not dx and not dy:
            continue
        told.append(("M", "l", " ")[min(len(told), 2)] + f"{_short(dx)},{_short(dy)}")
        last = (x, y)
    return "".join(told)


def _short(number: float) -> str:
    return (
        f"{number:.2f}".rstrip("0").rstrip(".").replace("0.", ".", 1) if abs(number) < 1 else f"{number:.6g}"
    )


@lru_cache(maxsize=128)
def _ground(registers: Registers, state: str | None, box: tuple[float, ...], scale: float) -> str:
    """Land and the lines of counties, under all that is coloured."""
    shapes = registers.shapes()
    del box
    if state is None:
        rings = (ring for of in shapes["states"].values() for ring in of)
        land = "".join(_ring(registers, ring, COARSE) for ring in rings)
        used = {i if i >= 0 else ~i for of in shapes["counties"].values() for ring in of for i in ring}
        edges = {i if i >= 0 else ~i for of in shapes["states"].values() for ring in of for i in ring}
        lines = "".join(
            _line(_arc(registers, i, COARSE), shapes["step"], COARSE) for i in sorted(used - edges)
        )
    else:
        land = "".join(
            _path(registers, one.fips, FINE)
            for one in registers.counties()
            if one.state == state and one.fips in shapes["counties"]
        )
        lines = ""
    width = 0.35 if state is None else 0.8 * scale
    return f'<path class="land" fill="{LAND}" stroke="{LINES}" stroke-width="{width:.2g}" d="{land}"/>' + (
        f'<path class="lines" fill="none" stroke="{LINES}" stroke-width="{width:.2g}" d="{lines}"/>'
        if lines
        else ""
    )


@lru_cache(maxsize=64)
def _state_lines(registers: Registers, state: str | None, scale: float) -> str:
    shapes = registers.shapes()
    codes = {one.state: one.fips for one in registers.counties() if len(one.fips) == 2}
    wanted = shapes["states"].values() if state is None else [shapes["states"].get(codes.get(state, ""), [])]
    used = {i if i >= 0 else ~i for of in wanted for ring in of for i in ring}
    detail = COARSE if state is None else FINE
    lines = "".join(_line(_arc(registers, i, detail), shapes["step"], detail) for i in sorted(used))
    width = 0.7 if state is None else 1.6 * scale
    return f'<path class="edges" fill="none" stroke="{EDGES}" stroke-width="{width:.2g}" d="{lines}"/>'


def _legend(legend: Sequence[tuple[str, str]]) -> str:
    parts, y = [], 560 - 17 * len(legend)
    for number, (name, text) in enumerate(legend):
        top = y + 17 * number
        mark = (
            f'<circle class="{name}" cx="846" cy="{top + 6}" r="4" fill="{DOT}"/>'
            if name == "town"
            else f'<rect class="{name}" x="840" y="{top}" width="12" height="12" fill="{DARK_TO_LIGHT[number]}"/>'
        )
        parts.append(
            f'{mark}<text x="858" y="{top + 10}" font-size="12" fill="currentColor">{escape(text)}</text>'
        )
    return f'<g class="legend" font-family="Arial, Liberation Sans, sans-serif">{"".join(parts)}</g>'


@lru_cache(maxsize=64)
def _box(registers: Registers, inside: tuple[str, ...]) -> tuple[float, float, float, float]:
    step = registers.shapes()["step"]
    points = [
        point
        for fips in inside
        for ring in registers.shapes()["counties"][fips]
        for index in ring
        for point in _arc(registers, index if index >= 0 else ~index, FINE)
    ]
    xs, ys = [x / step for x, _ in points] or [0.0], [y / step for _, y in points] or [0.0]
    edge = 0.02 * max(max(xs) - min(xs), max(ys) - min(ys), 1)
    return min(xs) - edge, min(ys) - edge, max(xs) - min(xs) + 2 * edge, max(ys) - min(ys) + 2 * edge


def png(svg: str, width: int = 1200) -> bytes:
    """For cards: the same map as a picture on white."""
    import vl_convert

    white = svg.replace(">", '><rect x="-100" y="-100" width="3000" height="3000" fill="#fff"/>', 1)
    across, down = (float(part) for part in svg.split('viewBox="', 1)[1].split('"', 1)[0].split()[2:])
    sized = f'<svg width="{width}" height="{width * down / across:.0f}" color="#1d1c1a" '
    return bytes(vl_convert.svg_to_png(white.replace("<svg ", sized, 1), scale=1))


# The projection of the shapes: d3's geoAlbersUsa().scale(1300).translate([487.5, 305]), three equal-area cones.
@dataclass(frozen=True, slots=True)
class _Cone:
    turned: float
    middle: tuple[float, float]
    parallels: tuple[float, float]
    scale: float
    at: tuple[float, float]

    def point(self, longitude: float, latitude: float) -> tuple[float, float]:
        x, y = self._raw(longitude + self.turned, latitude)
        cx, cy = self._raw(*self.middle)
        return self.at[0] + self.scale * (x - cx), self.at[1] - self.scale * (y - cy)

    def _raw(self, longitude: float, latitude: float) -> tuple[float, float]:
        south, north = (sin(radians(one)) for one in self.parallels)
        n = (south + north) / 2
        c = 1 + south * (2 * n - south)
        turn = radians((longitude + 180) % 360 - 180) * n
        r = sqrt(max(0.0, c - 2 * n * sin(radians(latitude)))) / n
        return r * sin(turn), sqrt(c) / n - r * cos(turn)


_K = 1300.0
_LOWER = _Cone(96, (-0.6, 38.7), (29.5, 45.5), _K, (487.5, 305))
_ALASKA = _Cone(154, (-2, 58.5), (55, 65), _K * 0.35, (487.5 - 0.307 * _K, 305 + 0.201 * _K))
_HAWAII = _Cone(157, (-3, 19.9), (8, 18), _K, (487.5 - 0.205 * _K, 305 + 0.212 * _K))


def albers(longitude: float, latitude: float) -> tuple[float, float] | None:
    """Where a place lies on the map; None outside of it (the territories)."""
    if latitude > 50 and (longitude < -125 or longitude > 170):
        return _ALASKA.point(longitude, latitude)
    if latitude < 23 and -162 < longitude < -154:
        return _HAWAII.point(longitude, latitude)
    if -126 < longitude < -65 and 24 < latitude < 50:
        return _LOWER.point(longitude, latitude)
    return None
