"""The whole proof: archive, journal and seals first, then SQL against them; everything wrong has a name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Connection, inspect, select

from pipelines.beside import derived_beside
from pipelines.database import database_exists
from pipelines.house import House
from pipelines.normalise import VERSION
from pipelines.proof.derived import differences
from pipelines.proof.seal import broken_seals, kept_seals, line_hashes
from pipelines.proof.snapshot import snapshot
from pipelines.record.intake import position
from pipelines.run import Progress, silent
from pipelines.tables import publications, taken
from scraper.archive import Archive, Problem
from scraper.errors import StorageError
from scraper.journal import Journal
from scraper.settings import Settings


def archive_problems(home: Path, seals: Sequence[Path] = (), shared: str | None = None) -> Iterator[Problem]:
    """Every file by its hash, the journal by its chain, and both by the seals at home and those given."""
    archive = Archive(home, shared=shared)
    yield from archive.verify()
    yield from broken_seals(archive, [*kept_seals(home), *seals])


def journal_problems(settings: Settings) -> Iterator[Problem]:
    """Whether the journal still has what the database took in of it; nothing where there is no database."""
    if not database_exists(settings.database_url):
        return
    journal = Archive(settings.home, shared=settings.archive_url).journal
    with snapshot(settings.database_url) as connection:
        if inspect(connection).has_table(taken.name):
            where = connection.engine.url.render_as_string()
            yield from (one for one in _not_of_this_journal(journal, connection, where) if one.damage)


def record_problems(house: House, progress: Progress = silent) -> Iterator[Problem]:
    """Every row that follows from the archive and its journal, compared with one that is derived once more."""
    where = house.engine.url.render_as_string()
    with snapshot(house.settings.database_url) as connection:
        yield from _file_problems(connection, where)
        behind = list(_not_of_this_journal(house.archive.journal, connection, where))
        yield from behind
        if any(problem.damage for problem in behind):
            return
        waiting = list(_waiting(house, connection, where))
        yield from waiting
        if waiting:
            return
        try:
            with (
                derived_beside(house, position(connection).n, progress) as beside,
                snapshot(beside.settings.database_url) as other,
            ):
                yield from differences(connection, other)
        except StorageError as error:
            yield Problem(where, f"cannot be compared before the archive is whole: {error}")


def _file_problems(connection: Connection, where: str) -> Iterator[Problem]:
    if connection.dialect.name != "sqlite":
        return
    for (text,) in connection.exec_driver_sql("PRAGMA integrity_check(20)"):
        if text != "ok":
            yield Problem(where, f"its file is damaged: {text}")


def _not_of_this_journal(journal: Journal, connection: Connection, where: str) -> Iterator[Problem]:
    """Was what this database took in really the beginning of this journal?"""
    reached = position(connection)
    hashes = line_hashes(journal)
    if reached.n > len(hashes):
        text = f"holds {len(hashes)} whole entries, although the database took in {reached.n}."
        yield Problem(str(journal.path), text)
    elif reached.n and hashes[reached.n] != reached.prev:
        yield Problem(where, f"took in another journal: entry {reached.n} was a different one.")
    elif reached.n < len(hashes):
        text = (
            f"{len(hashes) - reached.n} entries of the journal are not taken in yet; the next look does it."
        )
        yield Problem(where, text, damage=False)


def _waiting(house: House, connection: Connection, where: str) -> Iterator[Problem]:
    """What was not derived, or under other rules than these, cannot be compared."""
    rows = connection.execute(
        select(
            publications.c.list, publications.c.state, publications.c.parser, publications.c.captured_by
        ).where(publications.c.list.in_(list(house.lists)))
    ).all()
    new = sum(row.state == "new" for row in rows)
    older = sum(row.captured_by is None or (row.parser is not None and row.parser != VERSION) for row in rows)
    if new:
        text = (
            f"{new} publications wait to be derived; the next look does it. Derived rows were not compared."
        )
        yield Problem(where, text, damage=False, not_compared=True)
    elif older:
        text = f"{older} publications were read under other rules. `countersign rebuild` reads them again. "
        yield Problem(where, text + "Derived rows were not compared.", damage=False, not_compared=True)
