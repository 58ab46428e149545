"""The registers that are shipped are whole and of one vintage, and a user's newer file takes a register's place."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pipelines.registers import SHIPPED, registers, replace, restore, whole

KNOWN = registers()


def test_what_is_shipped_is_whole_and_says_where_it_is_from() -> None:
    assert {one.name for one in KNOWN.about} == {"counties", "towns", "agencies", "shapes"}
    for one in KNOWN.about:
        assert whole(one)
        assert one.source
        assert one.date
        assert one.licence
        assert not one.own
    assert "CC BY 4.0" in KNOWN.of("towns").licence
    assert "Michael Bostock" in (SHIPPED / "NOTICES.txt").read_text(encoding="utf-8")


def test_one_vintage_for_all() -> None:
    """Connecticut's planning regions, not its old counties, in people, towns and shapes alike."""
    counted = {one.fips for one in KNOWN.counties() if len(one.fips) == 5 and one.population}
    assert counted == set(KNOWN.shapes()["counties"])
    assert {one.fips for one in KNOWN.towns()} <= counted
    assert "09110" in counted
    assert "09001" not in counted
    assert sum(one.population or 0 for one in KNOWN.counties() if len(one.fips) == 2) == sum(
        one.population or 0 for one in KNOWN.counties() if len(one.fips) == 5
    )


def test_a_newer_file_takes_its_place_until_the_shipped_one_is_restored(tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text("fips,state,name,population,more\n12005,FL,Bay County,999,x\n", encoding="utf-8")
    kept = replace(tmp_path / "own", "counties", file, "the Bureau", "2024-07-01", "public domain")
    assert whole(kept)
    assert kept.own
    ours = registers(tmp_path / "own")
    assert [one.population for one in ours.counties()] == [999]
    assert ours.towns() == KNOWN.towns()
    restore(tmp_path / "own", "counties")
    assert registers(tmp_path / "own").counties() == KNOWN.counties()


@pytest.mark.parametrize(
    "text",
    ["fips,state,name\n12005,FL,Bay County\n", "fips,state,name,population\n12005,FL,Bay County,many\n"],
)
def test_a_file_that_is_no_such_register_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "new.csv.gz"
    file.write_bytes(gzip.compress(text.encode()))
    with pytest.raises(ValueError, match=r"column|read"):
        replace(tmp_path / "own", "counties", file, "?", "?", "?")
    assert registers(tmp_path / "own") == KNOWN
