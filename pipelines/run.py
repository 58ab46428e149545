"""The story: what was captured is taken in, derived and recorded; the only place that knows the order."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row

from pipelines.announce import announce
from pipelines.derive import derive
from pipelines.former_formats import as_published
from pipelines.guard_input import SISTER_WITHIN
from pipelines.history.baseline import Baseline, as_publication, baseline_before
from pipelines.history.changes import read_change
from pipelines.history.operations import open_incidents
from pipelines.history.places import begun_since, latest, list_of
from pipelines.history.publications import (
    count_from,
    emptied_before,
    first_new,
    new_publications,
    publication_by_key,
)
from pipelines.installation import Installation, writing
from pipelines.locks import deriving, groups, hold_group, ingesting, side_by_side
from pipelines.logs import get_log
from pipelines.maintenance import assess
from pipelines.normalise import VERSION
from pipelines.parse import DATED, last_edited
from pipelines.places.index import state_index
from pipelines.places.words import agency_of
from pipelines.publication_time import Dated
from pipelines.publication_time import dated as date_of
from pipelines.record.ingest import ALWAYS, Ingested, position, take
from pipelines.record.notices import mark_unannounced
from pipelines.record.places import place_again
from pipelines.record.publications import rewind, write
from pipelines.record.settled import settle_lists
from pipelines.result import Result
from pipelines.values import Finding
from scraper.capture import Capture
from scraper.errors import ClockError, CountersignError, StorageError, UnreadableError, UsageError
from scraper.journal import CLOCKS_APART
from scraper.settings import version

BUG = "bug"  # the reason of a publication that a bug ended
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
AT_ONCE = 100  # files of the past that are kept together: the disk is waited for once

Progress = Callable[[str, int, int], None]  # list, how many are done, of how many


def silent(_name: str, _done: int, _total: int) -> None:
    pass


def catch_up(
    installation: Installation, progress: Progress = silent, needed: Collection[str] | None = None
) -> None:
    """Take in what the journal holds and the database does not, derive what is new, owe the notices of it.

    Who calls does not matter: what a crash kept from being told is told all the same, and a file of the past
    (a replay, a backfill) is never news. Lists that are not `needed` (None: all are) may be left to another
    process that derives them now.
    """
    with ingesting(installation):
        with writing(installation) as connection:
            _take_tail(installation, connection, announce=True)
        if not side_by_side(installation):
            derive_new(installation, progress)
    if side_by_side(installation):
        _derive_by_groups(installation, progress, needed)
    _tell_of_bugs(installation)


def _derive_by_groups(installation: Installation, progress: Progress, needed: Collection[str] | None) -> None:
    group_of = groups(installation.lists)
    with installation.engine.connect() as connection:
        waiting = {group_of[row.list] for row in new_publications(connection) if row.list in group_of}
    wanted = waiting if needed is None else waiting & {group_of[name] for name in needed}
    left = []
    for group in sorted(waiting):
        with deriving(installation, group, wait=False) as ours:
            if ours:
                derive_new(installation, progress, group)
            elif group in wanted:
                left.append(group)
    for group in left:
        with deriving(installation, group, wait=True):
            derive_new(installation, progress, group)


def derive_new(installation: Installation, progress: Progress, group: str | None = None) -> None:
    """Derive all new publications (of a group of lists) in order of their places, each in a transaction of its own."""
    group_of = groups(installation.lists)
    with installation.engine.connect() as connection:
        waiting = deque(
            row
            for row in new_publications(connection)
            if row.list in group_of and group in (None, group_of[row.list])
        )
    last: dict[str, Baseline | None] = {}
    left = Counter(group_of[row.list] for row in waiting)
    number = 0
    while waiting:
        row, number = waiting.popleft(), number + 1
        its_group = group_of[row.list]
        try:
            with writing(installation) as connection:
                if row.list not in last:
                    last[row.list] = baseline_before(connection, row.list, row.place)
                derived = _derived(installation, connection, row, last[row.list])
                write(connection, derived)
                if installation.lists[row.list].has_places and derived.opened:
                    opened = [one[-4] for one in derived.opened]
                    place_again(connection, row.list, installation.registers, opened)
                if not row.announced:
                    announce(installation, connection, derived)
                again = _to_judge_again(installation, connection, derived)
                left[its_group] += len(again) - 1
                _settle(installation, connection, its_group, left)
        except CountersignError:
            raise
        except Exception as bug:
            derived, again = _failed(installation, row, bug), []
            left = Counter(group_of[one.list] for one in waiting)
            with writing(installation) as connection:
                _settle(installation, connection, its_group, left)
        if derived.packed is not None and derived.figures is not None:
            last[row.list] = Baseline(derived.publication, derived.figures, derived.packed)
        for one in reversed(again):
            waiting.appendleft(one)
            last.pop(one.list, None)
        progress(row.list, number, number + len(waiting))


def _failed(installation: Installation, row: Row[Any], bug: Exception) -> Result:
    """A bug that one publication meets is its own failure; all others go on as if it were not there."""
    get_log(list=row.list, publication=row.key).error(
        "a bug in countersign; please report it with these lines", exc_info=bug
    )
    said = _ADDRESS.sub("", f"{type(bug).__name__}: {str(bug) or 'no message'}").rstrip(".")
    text = f"A bug in countersign: {said}. It is tried again by another version than {_software()}."
    derived = Result(as_publication(row), "failed", reasons=[Finding(BUG, text)], parser=VERSION)
    with writing(installation) as connection:
        write(connection, derived)
    return derived


def _software() -> str:
    return f"{version()}, rules {VERSION}"


def _try_again(connection: Connection, intake: Ingested) -> None:
    """What a bug of another version ended."""
    for row in new_publications(connection, ("failed",)):
        if not any(reason["text"].endswith(f" {_software()}.") for reason in row.reasons or ()):
            intake.mark(row.list, row.place)


def _tell_of_bugs(installation: Installation) -> None:
    """Open the incident of each list that a bug is in the way of; a look at it, or a restart, closes it again."""
    with installation.engine.connect() as connection:
        names = {row.list for row in new_publications(connection, ("failed",))}
        names -= {row.list for row in open_incidents(connection) if row.kind == "failing"}
    for name in sorted(names & installation.lists.keys()):
        with writing(installation) as connection:
            assess(installation, connection, installation.lists[name])


def _settle(installation: Installation, connection: Connection, group: str, left: Mapping[str, int]) -> None:
    """Lists that are judged together are settled together, with the last of what is new in them."""
    if not left[group]:
        settle_lists(
            connection,
            installation.lists,
            [name for name, its in groups(installation.lists).items() if its == group],
        )


def _to_judge_again(installation: Installation, connection: Connection, derived: Result) -> list[Row[Any]]:
    """Sister lists that were emptied lately and held, since nothing said yet what had become of their rows."""
    found: list[Row[Any]] = []
    place = derived.publication.place
    sisters = [one.name for one in installation.lists.values() if one.other == derived.publication.list]
    for name in sisters if derived.packed is not None else ():
        if since := emptied_before(connection, name, place, SISTER_WITHIN, not_believed=True):
            _rewind(installation, connection, name, since)
            found += [row for row in new_publications(connection, list_name=name) if row.place < place]
    return found


def _derived(
    installation: Installation, connection: Connection, row: Row[Any], last: Baseline | None
) -> Result:
    publication = as_publication(row)
    try:
        with installation.archive.local_path(publication.sha256) as path:
            return derive(connection, installation.lists[row.list], publication, path, last, row.verdict)
    except UnreadableError as error:
        return Result(publication, "unreadable", reasons=[Finding("unreadable", str(error))], parser=VERSION)


def _take_tail(
    installation: Installation, connection: Connection, *, announce: bool, entries: int | None = None
) -> None:
    intake = take(
        connection,
        islice(installation.archive.journal.tail(*position(connection)), entries),
        lambda capture: dated(installation, capture),
        announce=announce,
    )
    _try_again(connection, intake)
    dirty = _with_dependents(installation, connection, intake)
    _keep_derivers_away(installation, connection, intake, dirty)
    for list_name, place in dirty.items():
        _rewind(installation, connection, list_name, place)
    for agreement_id in intake.placed:
        if (of := list_of(connection, agreement_id)) and _has_places(installation, of):
            place_again(connection, of, installation.registers, [agreement_id])


def _rewind(installation: Installation, connection: Connection, list_name: str, place: str) -> None:
    """Undo what was derived from a place on; where agreements are is what the list said of them before."""
    begun = begun_since(connection, list_name, place) if _has_places(installation, list_name) else []
    rewind(connection, list_name, place)
    place_again(connection, list_name, installation.registers, begun)


def _has_places(installation: Installation, list_name: str) -> bool:
    return list_name in installation.lists and installation.lists[list_name].has_places


def _keep_derivers_away(
    installation: Installation, connection: Connection, intake: Ingested, dirty: Mapping[str, str]
) -> None:
    """What another process derives just now may have to be undone too. A newest publication undoes nothing."""
    group_of = groups(installation.lists)
    held = {
        group_of[name]
        for name, place in dirty.items()
        if name in group_of and count_from(connection, name, place) > (name in intake.dirty)
    }
    for group in sorted(held):
        hold_group(connection, group)


def replay(
    installation: Installation, captures: Iterable[tuple[Capture, Path]], progress: Progress = silent
) -> dict[tuple[str, str], str]:
    """Keep files of the past and take them in; returns what each (list, hash) was found to be."""
    installation.archive.journal.check_clock(installation.now())
    seen: dict[tuple[str, str], str] = {}
    known = {
        (e["list"], e.get("sha256"), e["captured_at"])
        for e in installation.archive.entries()
        if e["kind"] == "capture"
    }
    files = iter(captures)
    while some := [*islice(files, AT_ONCE)]:
        for capture, path in some:
            must_be_past(capture.captured_at, installation.now(), f"{path} was captured")
        hashes = installation.archive.put_all(path.read_bytes() for _, path in some)
        kept = [
            replace(capture, sha256=sha256, bytes=path.stat().st_size)
            for (capture, path), sha256 in zip(some, hashes, strict=True)
        ]
        new = [one for one in kept if (one.list, one.sha256, one.as_json()["captured_at"]) not in known]
        installation.archive.keep_all(new, installation.now())
        seen |= {(one.list, one.sha256 or ""): "" for one in kept}
    catch_up(installation, progress=progress)
    with installation.engine.connect() as connection:
        for row in new_publications(connection, states=None):
            if (row.list, row.sha256) in seen:
                seen[row.list, row.sha256] = row.state
    return seen


def must_be_past(at: datetime, now: datetime, what: str) -> None:
    """Raises ClockError for a time ahead: all that is seen afterwards would seem to be older."""
    if at > now + CLOCKS_APART:
        raise ClockError(
            f"{what} at {at:%Y-%m-%d %H:%M} UTC, which is ahead: it is {now:%Y-%m-%d %H:%M} UTC. Correct the clock, "
            "or the time that is given."
        )


def release(installation: Installation, key: str, verdict: str, by: str, note: str) -> Row[Any]:
    """A person's verdict ("accept", "baseline" or "reject") on a held publication; later lists are derived again.

    Returns the publication as it stands afterwards.
    """
    with installation.engine.connect() as connection:
        row = publication_by_key(connection, key)
    if row is None:
        raise UsageError(f"No publication is called {key}. See `countersign held`.")
    installation.archive.append(
        verdict, installation.now(), publication=row.key, list=row.list, sha256=row.sha256, by=by, note=note
    )
    catch_up(installation)
    with installation.engine.connect() as connection:
        released = publication_by_key(connection, key)
    if released is None:
        raise UsageError(f"The publication {key} was derived away.")
    return released


def retract(installation: Installation, sha256: str, by: str, note: str) -> list[Row[Any]]:
    """Take a file that was taken in by mistake out of the record again; it stays in the archive.

    Returns the publications that it stood for, as they stand afterwards. Raises UsageError for an unknown hash.
    """
    installation.archive.journal.check_clock(installation.now())
    with installation.engine.connect() as connection:
        lists = sorted({row.list for row in new_publications(connection, None) if row.sha256 == sha256})
    if not lists:
        raise UsageError(f"No list is recorded of a file with the SHA-256 {sha256[:80]}.")
    installation.archive.append("retract", installation.now(), sha256=sha256, lists=lists, by=by, note=note)
    catch_up(installation)
    with installation.engine.connect() as connection:
        return [row for row in new_publications(connection, None) if row.sha256 == sha256]


def review(installation: Installation, changes: Sequence[str], status: str, by: str, note: str) -> None:
    """A person's verdict on changes: confirmed, disputed, ignored, or undone. Kept in the journal, so it survives."""
    with installation.engine.connect() as connection:
        unknown = [identifier for identifier in changes if read_change(connection, identifier) is None]
    if unknown:
        raise UsageError(f"No change is called {', '.join(unknown)}.")
    for identifier in changes:
        installation.archive.append(
            "review", installation.now(), change=identifier, status=status, by=by, note=note
        )
    catch_up(installation)


def judge_names(
    installation: Installation, verdict: str, one: tuple[str, str], other: tuple[str, str], by: str, note: str
) -> None:
    """A person says that two names (state, agency) are the "same" or "distinct" agencies, or takes it back
    ("unjudged"). Every list is derived again from where either name first stood."""
    installation.archive.append(
        verdict, installation.now(), state=one[0], agency=one[1], other_state=other[0], other_agency=other[1],
        by=by, note=note,
    )  # fmt: skip
    catch_up(installation)


def place(
    installation: Installation,
    agreement_id: str,
    fips: Sequence[str] | None,
    ori: str | None,
    by: str,
    note: str,
) -> None:
    """A person's word on where an agreement is; with neither counties nor a number, the word is taken back."""
    with installation.engine.connect() as connection:
        of = list_of(connection, agreement_id)
        said = latest(connection, of, [agreement_id]).get(agreement_id) if of else None
    if said is None or of is None or not _has_places(installation, of):
        raise UsageError(f"No agreement of a list with places is called {agreement_id[:40]}.")
    known = state_index(installation.registers, said.state or "").by_fips
    if wrong := [code for code in fips or () if code not in known]:
        raise UsageError(
            f"{wrong[0][:20]!r} is no county of {said.state or 'an unknown state'} in the register."
        )
    if ori and agency_of(installation.registers, ori) is None:
        raise UsageError(f"No agency of the register has the number {ori[:20]!r}.")
    word: dict[str, Any] = {
        name: value for name, value in (("fips", fips), ("ori", ori)) if value is not None
    }
    if not word:
        word = {"undone": True}
    installation.archive.append("place", installation.now(), agreement=agreement_id, by=by, note=note, **word)
    catch_up(installation)


def place_all(installation: Installation) -> None:
    """Say again of every agreement where it is: of an older database, or by other registers."""
    for name in installation.lists:
        if _has_places(installation, name):
            with writing(installation) as connection:
                place_again(connection, name, installation.registers)


def ingest_again(
    installation: Installation,
    progress: Progress = silent,
    entries: int | None = None,
    owed: Sequence[str] = (),
) -> None:
    """Take in what is no news to another database: its first `entries` of the journal, or all of them.

    `owed` are the publications whose news that other database still owes.
    """
    with ingesting(installation):
        with writing(installation) as connection:
            more = None if entries is None else max(0, entries - position(connection).n)
            _take_tail(installation, connection, announce=False, entries=more)
            waiting = {row.key for row in new_publications(connection)}
            mark_unannounced(connection, [key for key in owed if key in waiting])
        derive_new(installation, progress)


def dated(installation: Installation, capture: Capture) -> Dated:
    """When a captured file was published, and by what evidence. One that cannot be read is dated all the same."""
    modified = None
    declaration = installation.lists.get(capture.list)
    if declaration is not None and capture.sha256 and (declaration.earlier or declaration.format in DATED):
        try:
            with installation.archive.local_path(capture.sha256) as path:
                modified = last_edited(path, as_published(path, declaration).format)
        except UnreadableError:
            modified = None
        except StorageError:
            raise
        except Exception as bug:  # met again, and told, when it is derived
            get_log(list=capture.list).error("a bug while a file was dated", exc_info=bug)
            modified = None
    return date_of(
        modified,
        http_time(capture.headers.get("last-modified")),
        capture.published_name,
        capture.captured_at,
    )


def http_time(text: str | None) -> datetime | None:
    """The moment in an HTTP header; None when there is none, or it is not one."""
    from email.utils import parsedate_to_datetime

    try:
        parsed = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return parsed if parsed and parsed.tzinfo else None


def _with_dependents(installation: Installation, connection: Connection, intake: Ingested) -> dict[str, str]:
    """A list is judged beside its sister list, so what is new in one is reason to judge the other again."""
    dirty = {name: _from_emptied(connection, name, place) for name, place in intake.dirty.items()}
    for declaration in installation.lists.values():
        other = declaration.other or ""
        place = dirty.get(other)
        later = place and first_new(connection, declaration.name, place, intake.since.get(other, ALWAYS))
        # A list that was emptied may have been believed for what the other list said only after it.
        later = _from_emptied(connection, declaration.name, later or place) if place else None
        if later:
            dirty[declaration.name] = min(later, dirty.get(declaration.name, later))
    return dirty


def _from_emptied(connection: Connection, name: str, place: str) -> str:
    while earlier := emptied_before(connection, name, place, SISTER_WITHIN):
        place = earlier
    return place
