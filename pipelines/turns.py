"""One process takes in and derives at a time. The turn ends with its process, however that ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.house import House
from scraper.storage import storing

_NUMBER = 0x636F756E  # any number will do, as long as it is ours alone in this database


@contextmanager
def one_at_a_time(house: House) -> Iterator[None]:
    if house.engine.dialect.name == "postgresql":
        with house.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({_NUMBER})")
            try:
                yield
            finally:
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_NUMBER})")
        return
    place = house.settings.home / "deriving.lock"
    with storing(place):
        file = place.open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
