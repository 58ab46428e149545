"""Public registers of places and agencies: counties, towns, law-enforcement agencies, the counties' shapes.

They are data beside this module; registers.json says where each is from. A home may hold newer ones.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

SHIPPED = Path(__file__).parent
COLUMNS = {
    "counties": ("fips", "state", "name", "population"),
    "towns": ("id", "name", "state", "latitude", "longitude", "population", "fips"),
    "agencies": ("ori", "data_year", "agency", "state", "county", "type", "population", "officers"),
}


@dataclass(frozen=True, slots=True)
class Register:
    """Where a register is from. `version` is short and changes with its bytes."""

    name: str
    path: Path
    title: str
    source: str
    date: str
    licence: str
    sha256: str
    own: bool = False

    @property
    def version(self) -> str:
        return f"{self.date} {self.sha256[:8]}"


class County(NamedTuple):
    """`population` is of the register's year; None for a territory's. A state is a row with two figures."""

    fips: str
    state: str
    name: str
    population: int | None


class Town(NamedTuple):
    id: int
    name: str
    state: str
    latitude: float
    longitude: float
    population: int
    fips: str


class Agency(NamedTuple):
    """`counties` as the FBI prints them; `population` is what the agency serves beside others."""

    ori: str
    name: str
    state: str
    counties: tuple[str, ...]
    type: str
    population: int
    officers: int


# The FBI writes Nebraska and Guam its own way.
_FBI_STATES = {"NB": "NE", "GM": "GU"}


@dataclass(frozen=True, slots=True)
class Registers:
    """All that is known of places; compared by what it was read from."""

    about: tuple[Register, ...]

    def of(self, name: str) -> Register:
        return next(register for register in self.about if register.name == name)

    def counties(self) -> tuple[County, ...]:
        return _counties(self.of("counties"))

    def towns(self) -> tuple[Town, ...]:
        return _towns(self.of("towns"))

    def agencies(self) -> tuple[Agency, ...]:
        return _agencies(self.of("agencies"))

    def shapes(self) -> dict[str, Any]:
        return _shapes(self.of("shapes"))


def registers(own: Path | None = None) -> Registers:
    """The registers that are shipped, each replaced by the one of the same name in the folder `own`."""
    found = _listed(SHIPPED, False)
    if own is not None and (own / "registers.json").exists():
        found |= _listed(own, True)
    return Registers(tuple(found.values()))


def _listed(folder: Path, own: bool) -> dict[str, Register]:
    told = json.loads((folder / "registers.json").read_text(encoding="utf-8"))
    return {
        name: Register(
            name, folder / one["file"], one["title"], one["source"], one["date"], one["licence"], one["sha256"], own
        )
        for name, one in told.items()
    }  # fmt: skip


def replace(own: Path, name: str, file: Path, source: str, date: str, licence: str) -> Register:
    """Keep a newer file of the user's as a register of this home. Raises ValueError for one that is not read so."""
    data = file.read_bytes()
    text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")
    missing = set(COLUMNS[name]) - set(csv.DictReader(io.StringIO(text)).fieldnames or ())
    if missing:
        raise ValueError(f"It has no column {', '.join(sorted(missing))}.")
    own.mkdir(parents=True, exist_ok=True)
    kept = gzip.compress(text.encode(), 9, mtime=0)
    told = {
        "file": f"{name}.csv.gz",
        "title": registers().of(name).title,
        "source": source,
        "date": date,
        "licence": licence,
        "sha256": sha256(kept).hexdigest(),
    }
    candidate = Register(
        name, own / f"{name}.new", told["title"], source, date, licence, told["sha256"], True
    )
    candidate.path.write_bytes(kept)
    try:
        _READERS[name](candidate)
    except (KeyError, ValueError) as error:
        candidate.path.unlink()
        raise ValueError(f"It cannot be read: {error}.") from error
    candidate.path.rename(own / told["file"])
    listed = own / "registers.json"
    known = json.loads(listed.read_text(encoding="utf-8")) if listed.exists() else {}
    listed.write_text(json.dumps(known | {name: told}, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return registers(own).of(name)


def restore(own: Path, name: str) -> None:
    """Use the register that is shipped again."""
    listed = own / "registers.json"
    known = json.loads(listed.read_text(encoding="utf-8")) if listed.exists() else {}
    if known.pop(name, None) is not None:
        listed.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def whole(register: Register) -> bool:
    return sha256(register.path.read_bytes()).hexdigest() == register.sha256


def _rows(register: Register) -> Iterator[list[str]]:
    """The columns that are needed, in their order."""
    wanted = COLUMNS[register.name]
    with gzip.open(register.path, "rt", encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        if tuple(header) == wanted:
            yield from reader
        else:
            places = [header.index(name) for name in wanted]
            yield from ([row[place] for place in places] for row in reader)


@lru_cache(maxsize=4)
def _counties(register: Register) -> tuple[County, ...]:
    return tuple(
        County(fips, state, name, int(people) if people else None)
        for fips, state, name, people in _rows(register)
    )


@lru_cache(maxsize=4)
def _towns(register: Register) -> tuple[Town, ...]:
    return tuple(
        Town(int(i), name, state, float(latitude), float(longitude), int(people or 0), fips)
        for i, name, state, latitude, longitude, people, fips in _rows(register)
    )


@lru_cache(maxsize=4)
def _agencies(register: Register) -> tuple[Agency, ...]:
    return tuple(
        Agency(
            ori, name.strip(), _FBI_STATES.get(state, state), tuple(county.split(", ")), kind,
            int(people or 0), int(officers or 0),
        )
        for ori, _year, name, state, county, kind, people, officers in _rows(register)
    )  # fmt: skip


@lru_cache(maxsize=2)
def _shapes(register: Register) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(register.path.read_bytes()))
    return found


_READERS: dict[str, Any] = {"counties": _counties, "towns": _towns, "agencies": _agencies}
