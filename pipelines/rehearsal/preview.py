"""What a held publication would change if it were believed: derived for whoever looks, and never written."""

from __future__ import annotations

from pipelines.derive import derive
from pipelines.derived import Derived
from pipelines.history.holdings import as_publication, standing
from pipelines.history.publications import publication_by_key
from pipelines.house import House
from pipelines.normalise import VERSION
from pipelines.values import Finding
from scraper.errors import UnreadableError, UsageError


def would_be(house: House, key: str) -> Derived:
    """The publication as it would be found with a person's "accept". Raises UsageError for an unknown key."""
    with house.engine.connect() as connection:
        row = publication_by_key(connection, key)
        if row is None or row.list not in house.lists:
            raise UsageError(f"No publication is called {key[:40]}.")
        publication = as_publication(row)
        last = standing(connection, row.list, row.place)
        try:
            with house.archive.local_path(publication.sha256) as path:
                return derive(connection, house.lists[row.list], publication, path, last, "accept")
        except UnreadableError as error:
            return Derived(
                publication, "unreadable", reasons=[Finding("unreadable", str(error))], parser=VERSION
            )
