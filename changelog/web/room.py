"""What every page is made from: the installation, the templates, the keys, the look that is going on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fastapi import Request
from jinja2 import Environment

from changelog.web.crawls import Crawls
from changelog.web.keys import COOKIE, Keys, Person
from pipelines.history.paged import last_written
from pipelines.house import House


@dataclass(slots=True)
class Room:
    house: House
    templates: Environment
    keys: Keys
    crawls: Crawls
    opened: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    @property
    def pending_of(self) -> Mapping[str, str]:
        """Each list and the one where its agreements are applied for first."""
        return {name: item.pending_list for name, item in self.house.lists.items() if item.pending_list}

    def last_modified(self) -> datetime | None:
        """When an answer made from the record alone could last have changed; None while it is changing."""
        with self.house.engine.connect() as connection:
            written = last_written(connection)
        return max(written, self.opened) if written else None


def room_of(request: Request) -> Room:
    room: Room = request.app.state.room
    return room


def person_of(request: Request) -> Person | None:
    """Who is signed in by cookie."""
    return room_of(request).keys.person(request.cookies.get(COOKIE))
