"""Locks: who may ingest and derive now. A lock ends with its process, however that ends.

On SQLite one process does everything at a time: there is one writer anyway. On PostgreSQL the journal is ingested
by one at a time, while lists that are not judged beside one another are derived side by side.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b

from sqlalchemy import Connection, text

from pipelines.installation import Installation
from scraper.lists import PublishedList
from scraper.storage import storing

# Any numbers will do, as long as they are ours alone in this database.
_EVERYTHING = 0x636F756E
_JOURNAL = 0x636F756F
_LISTS = 0x636F7570
_DERIVING, _REBUILDING = "deriving.lock", "rebuilding.lock"


def side_by_side(installation: Installation) -> bool:
    return installation.engine.dialect.name == "postgresql"


@contextmanager
def alone(installation: Installation) -> Iterator[None]:
    """Nobody else ingests or derives anything."""
    if not side_by_side(installation):
        with _locked_file(installation, _DERIVING):
            yield
        return
    with _session(installation) as session, _exclusive(session, _EVERYTHING):
        yield


@contextmanager
def ingesting(installation: Installation) -> Iterator[None]:
    """Nobody else ingests the journal; on SQLite, nobody else derives either."""
    if not side_by_side(installation):
        with _locked_file(installation, _DERIVING):
            yield
        return
    with _session(installation) as session, _shared(session), _exclusive(session, _JOURNAL):
        yield


@contextmanager
def rebuilding(installation: Installation) -> Iterator[None]:
    """Nobody else rebuilds in this home; all other work goes on."""
    with _locked_file(installation, _REBUILDING):
        yield


@contextmanager
def deriving(installation: Installation, group: str, *, wait: bool) -> Iterator[bool]:
    """The lock of one group of lists; False when another process has it and we do not `wait`."""
    with _session(installation) as session, _shared(session):
        if not wait and not _got(session, group):
            yield False
            return
        if wait:
            session.execute(text("SELECT pg_advisory_lock(:one, :two)"), _key(group))
        try:
            yield True
        finally:
            session.execute(text("SELECT pg_advisory_unlock(:one, :two)"), _key(group))


def hold_group(connection: Connection, group: str) -> None:
    """Until this transaction ends nobody derives the group; waits for who does."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:one, :two)"), _key(group))


def groups(lists: Mapping[str, PublishedList]) -> dict[str, str]:
    """List to the name of its group: lists that are judged beside one another are one."""
    group = {name: name for name in lists}
    for name, declared in lists.items():
        if declared.other in group:
            old, new = sorted((group[name], group[declared.other]), reverse=True)
            group = {member: new if its == old else its for member, its in group.items()}
    return group


@contextmanager
def _locked_file(installation: Installation, name: str) -> Iterator[None]:
    place = installation.settings.home / name
    with storing(place):
        file = place.open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _session(installation: Installation) -> Iterator[Connection]:
    with installation.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


@contextmanager
def _shared(session: Connection) -> Iterator[None]:
    session.execute(text("SELECT pg_advisory_lock_shared(:number)"), {"number": _EVERYTHING})
    try:
        yield
    finally:
        session.execute(text("SELECT pg_advisory_unlock_shared(:number)"), {"number": _EVERYTHING})


@contextmanager
def _exclusive(session: Connection, number: int) -> Iterator[None]:
    session.execute(text("SELECT pg_advisory_lock(:number)"), {"number": number})
    try:
        yield
    finally:
        session.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": number})


def _got(session: Connection, group: str) -> bool:
    return bool(session.scalar(text("SELECT pg_try_advisory_lock(:one, :two)"), _key(group)))


def _key(group: str) -> dict[str, int]:
    digest = blake2b(group.encode(), digest_size=4).digest()
    return {"one": _LISTS, "two": int.from_bytes(digest, "big", signed=True)}
