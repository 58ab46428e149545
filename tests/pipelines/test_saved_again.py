"""A workbook that was saved again is not read again, and nothing that is recorded shows it."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select

from demo.agencies import agencies
from demo.made import Week
from demo.workbooks import Line, workbook
from pipelines.derive import derive
from pipelines.derived import Reading
from pipelines.history.holdings import as_publication, standing
from pipelines.history.publications import new_publications
from pipelines.parse.contents import contents
from pipelines.run import catch_up, judge_names
from pipelines.tables import intervals, publications
from pipelines.values import Finding
from scraper.errors import ArchiveError
from scraper.lists import PARTICIPATING
from tests.pipelines.conftest import File, History, files_of

FIRST = datetime(2025, 9, 10, 12, tzinfo=UTC)
MOMENT = re.compile(rb"(?<=W3CDTF\">)[^<]+")


def saved_again(file: File, minutes: int) -> File:
    """The same lines under another time of saving, so that every byte of it may differ."""
    at = file.at + timedelta(minutes=minutes)
    packed = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(file.body)) as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            body = old.read(name)
            if name == "docProps/core.xml":
                body = MOMENT.sub(f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}".encode(), body)
            new.writestr(name, body)
    return replace(file, at=at, body=packed.getvalue())


def with_copies(files: Sequence[File]) -> list[File]:
    copies = [saved_again(file, minutes) for file in files for minutes in (20, 40)]
    return sorted([*files, *copies], key=lambda file: (file.at, file.list))


def recorded(history: History) -> list[tuple[Any, ...]]:
    """All publications, without when we learned of them."""
    columns = [column for column in publications.columns if column.name not in ("id", "recorded_at")]
    with history.house.engine.connect() as connection:
        return [
            tuple(row)
            for row in connection.execute(
                select(*columns).order_by(publications.c.place, publications.c.list)
            )
        ]


def test_all_at_once_records_what_one_after_another_does(
    new_history: Callable[[], History], published: list[Week]
) -> None:
    files = with_copies(files_of(published[:8]))
    at_once, one_by_one = new_history(), new_history()
    at_once.feed(files)
    for file in files:
        one_by_one.feed([file])
    assert at_once.states("participating").count("unchanged") >= 16
    assert recorded(at_once) == recorded(one_by_one)
    assert at_once.log() == one_by_one.log()


def test_it_is_told_without_being_read(history: History, published: list[Week]) -> None:
    first = files_of(published[:1])[0]
    again = saved_again(first, 20)
    history.feed([first])
    house = history.house
    with house.engine.connect() as connection:
        last = standing(connection, "participating")
        assert last is not None
        publication = replace(last.publication, sha256=house.archive.put(again.body), published_at=again.at)
        with house.archive.local_path(publication.sha256) as path:
            contained = contents(path)
            assert contained is not None
            said = (Finding("said", "Who reads the file cannot know this."),)
            told = replace(last, reading=Reading(PARTICIPATING, contained, said))
            known = derive(connection, PARTICIPATING, publication, path, told, None)
            read = derive(connection, PARTICIPATING, publication, path, last, None)
    assert known.findings == said
    assert read.findings != said
    for name in ("state", "previous_sha256", "figures", "content", "packed", "known_since"):
        assert getattr(known, name) == getattr(read, name), name
    for name in ("opened", "closed", "changes", "newly_signed", "new_agency", "reasons"):
        assert not getattr(known, name)
        assert not getattr(read, name), name


@pytest.mark.parametrize("twice", [False, True])
def test_where_two_rows_say_the_same_every_file_is_read(twice: bool, history: History) -> None:
    """Which of the two a row is, is settled while they are read."""
    agency = agencies()[0]
    lines = [Line(agency, "Jail Enforcement Model", FIRST.date()) for _ in range(1 + twice)]
    file = File("participating", FIRST, workbook(lines, FIRST, signed=True))
    history.feed([file])
    house = history.house
    with house.engine.connect() as connection:
        [row] = new_publications(connection, None, "participating")
        with house.archive.local_path(row.sha256) as path:
            derived = derive(
                connection, PARTICIPATING, as_publication(row), path, None, "accept", followed=True
            )
    assert len(derived.opened) == 1 + twice
    assert (derived.reading is None) is twice


def test_what_was_derived_before_an_error_is_kept(history: History, published: list[Week]) -> None:
    history.feed(files_of(published[:6]))
    house, log = history.house, history.log()
    with house.engine.connect() as connection:
        rows = [*new_publications(connection, None, "participating")]
        stood = connection.execute(
            select(intervals.c.state, intervals.c.agency).where(intervals.c.from_place == rows[0].place)
        ).first()
    assert stood is not None
    lost = house.archive.path(rows[3].sha256)
    body = lost.read_bytes()
    lost.unlink()
    with pytest.raises(ArchiveError):
        judge_names(house, "distinct", (stood.state, stood.agency), ("TX", "No Such Agency"), "test", "")
    assert [state == "new" for state in history.states("participating")] == [False] * 3 + [True] * 3
    lost.write_bytes(body)
    catch_up(house)
    assert history.log() == log
