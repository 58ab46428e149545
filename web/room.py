"""What every page is made from: the installation, the templates, the keys, the look that is going on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from fastapi import Request
from jinja2 import Environment
from sqlalchemy import Connection

from pipelines.history.paged import last_written, record_version
from pipelines.house import House
from web.crawls import Crawls
from web.keys import COOKIE, Keys, Person

T = TypeVar("T")
REMEMBERED = 64  # answers; a person asks a handful, and each is a few kilobytes


@dataclass(slots=True)
class Room:
    house: House
    templates: Environment
    keys: Keys
    crawls: Crawls
    answers: dict[Hashable, Any] = field(default_factory=dict)
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

    def remembered(self, asked: Hashable, make: Callable[[Connection], T]) -> T:
        """What `make` answers, asked again only when the record has changed: claims and weeks count all of it."""
        with self.house.engine.connect() as connection:
            version = record_version(connection)
            if version is None:
                return make(connection)
            key = (version, asked)
            if key not in self.answers:
                if len(self.answers) >= REMEMBERED:
                    self.answers.clear()
                self.answers[key] = make(connection)
            answer: T = self.answers[key]
            return answer


def room_of(request: Request) -> Room:
    room: Room = request.app.state.room
    return room


def person_of(request: Request) -> Person | None:
    """Who is signed in by cookie."""
    return room_of(request).keys.person(request.cookies.get(COOKIE))
