"""The gazetteer says what the registers say."""

from __future__ import annotations

from pipelines.names.gazetteer import counties, places


def test_counties_by_their_bare_names() -> None:
    assert {"pima", "pinal"} <= counties("AZ")
    assert {"saintcharles", "eastbatonrouge"} <= counties("LA")
    assert {"jamescity", "hopewell"} <= counties("VA")
    assert "kershaw" in counties("SC")
    assert "kershaw" not in counties("FL")
    assert counties(None) == places("XX") == frozenset()


def test_places_of_every_state() -> None:
    assert {"boyntonbeach", "indianharbourbeach"} <= places("FL")
    assert all(places(state) for state in ("AK", "CT", "DC", "HI", "WY"))
