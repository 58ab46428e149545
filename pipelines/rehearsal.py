"""What would be: a held publication if it were accepted, the archive by the present rules. Result for whoever asks,
and never written.

Nothing of it is the publisher's doing, so nothing of it is announced, now or when it is rebuilt for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from pipelines.derive import derive
from pipelines.history.baseline import as_publication, baseline_before
from pipelines.history.changes import ChangeFilter, StoredChange, read_changes
from pipelines.history.publications import new_publications, publication_by_key
from pipelines.installation import Installation
from pipelines.normalise import VERSION
from pipelines.rebuild import copied_beside, derived_beside
from pipelines.record.ingest import position
from pipelines.result import Result
from pipelines.run import Progress, catch_up, replay, silent
from pipelines.values import Finding
from scraper.capture import Capture
from scraper.errors import UnreadableError, UsageError


def would_be(installation: Installation, key: str) -> Result:
    """The publication as it would be found with a person's "accept". Raises UsageError for an unknown key."""
    with installation.engine.connect() as connection:
        row = publication_by_key(connection, key)
        if row is None or row.list not in installation.lists:
            raise UsageError(f"No publication is called {key[:40]}.")
        publication = as_publication(row)
        last = baseline_before(connection, row.list, row.place)
        try:
            with installation.archive.local_path(publication.sha256) as path:
                return derive(connection, installation.lists[row.list], publication, path, last, "accept")
        except UnreadableError as error:
            return Result(
                publication, "unreadable", reasons=[Finding("unreadable", str(error))], parser=VERSION
            )


@dataclass(frozen=True, slots=True)
class Judged:
    """A publication that the rules judge otherwise, or read with another version."""

    list: str
    key: str
    published_name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Effect:
    """The difference between two change logs of the same publications, in order of publication.

    `gone` would no longer be changes, `come` would be new ones, `altered` (before, after) would say something
    else. `judged` are publications with another outcome; `reread` counts those read by an older parser.
    """

    gone: Sequence[StoredChange]
    come: Sequence[StoredChange]
    altered: Sequence[tuple[StoredChange, StoredChange]]
    judged: Sequence[Judged]
    reread: int

    @property
    def nothing(self) -> bool:
        return not (self.gone or self.come or self.altered or self.judged)


def effect_of_rules(installation: Installation, progress: Progress = silent) -> Effect:
    """Derive everything anew in a database beside this one, and compare. This one is not touched."""
    catch_up(installation)
    with installation.engine.connect() as connection:
        entries = position(connection).n
        with derived_beside(installation, entries, progress) as beside, beside.engine.connect() as other:
            before, after = _log(connection), _log(other)
            judged, reread = _judged(connection, other)
    return _effect(before, after, judged, reread)


def effect_of_replay(
    installation: Installation, captures: Sequence[tuple[Capture, Path]], progress: Progress = silent
) -> tuple[Effect, dict[tuple[str, str], str]]:
    """What replaying these files would change, and what each would be found to be. Nothing of it is kept."""
    catch_up(installation)
    with installation.engine.connect() as connection, copied_beside(installation) as beside:
        found = replay(beside, captures, progress)
        with beside.engine.connect() as other:
            before, after = _log(connection), _log(other)
            judged, reread = _judged(connection, other)
    return _effect(before, after, judged, reread), found


def _effect(
    before: dict[str, StoredChange], after: dict[str, StoredChange], judged: Sequence[Judged], reread: int
) -> Effect:
    return Effect(
        gone=[change for identifier, change in before.items() if identifier not in after],
        come=[change for identifier, change in after.items() if identifier not in before],
        altered=[
            (change, after[identifier])
            for identifier, change in before.items()
            if identifier in after and after[identifier] != change
        ],
        judged=judged,
        reread=reread,
    )


def _log(connection: Connection) -> dict[str, StoredChange]:
    return {change.id: change for change in read_changes(connection, ChangeFilter())}


def _judged(connection: Connection, other: Connection) -> tuple[list[Judged], int]:
    after = {row.key: row for row in new_publications(other, states=None)}
    judged, reread = [], 0
    for row in new_publications(connection, states=None):
        anew = after.get(row.key)
        now = anew.state if anew is not None else "not derived"
        reread += anew is not None and anew.parser != row.parser
        if now != row.state:
            judged.append(Judged(row.list, row.key, row.published_name, row.state, now))
    return judged, reread
