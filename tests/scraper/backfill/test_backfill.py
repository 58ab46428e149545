"""A list's past out of a played web archive: the page era, the workbook era, and every mood of an archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest

from changelog.wording import change_json
from demo.archive import WebArchive
from demo.made import Week, weeks
from demo.page import PageLink, landing_page
from pipelines.history.changes import ChangeFilter, read_changes
from pipelines.history.publications import new_publications
from pipelines.installation import Installation, open_installation
from pipelines.parse import read
from pipelines.run import catch_up, replay
from scraper.backfill import Backfilled, backfill
from scraper.capture import Capture
from scraper.errors import UnreachableError, UsageError
from scraper.lists import BUILT_IN, PARTICIPATING
from scraper.settings import get_settings
from scraper.wayback import Manners, Visitor

PAGE = PARTICIPATING.page or ""
FILES = "https://www.ice.gov/doclib/about/offices/ero/287g"
SINCE, UNTIL = date(2025, 9, 1), date(2025, 12, 1)
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
ERA = 3  # so many publications stood on the page itself
QUICK = Manners(
    delay_seconds=0, first_wait=0, longest_wait=0, tries=4, timeout_seconds=5, sleep=lambda _s: None
)
COLUMNS = ("STATE", "LAW ENFORCEMENT AGENCY", "SUPPORT TYPE", "SIGNED", "MOA")


@dataclass(frozen=True)
class Kept:
    """What the archive has of one publication: its bytes and when it took them."""

    at: datetime
    body: bytes
    name: str


def as_page(week: Week, folder: Path) -> bytes:
    """The list as a table on the page, in the columns of its time."""
    path = folder / "week.xlsx"
    path.write_bytes(week.participating)
    table = read(path, "xlsx", {})
    places = [table.header.index(name) for name in COLUMNS]
    rows = "".join(
        "<tr>" + "".join(_cell(row.cells[at], row.links[at] if row.links else "") for at in places) + "</tr>"
        for row in table.rows
    )
    head = "".join(f"<th>{name.title()}</th>" for name in COLUMNS)
    html = landing_page([], week.statement)
    return html.replace("</main>", f"<table><tr>{head}</tr>{rows}</table></main>").encode()


def _cell(text: str, link: str) -> str:
    return f'<td><a href="{escape(link)}">{escape(text)}</a></td>' if link else f"<td>{escape(text)}</td>"


def linking(name: str) -> bytes:
    text = "View 287(g) Participating Agencies"
    return landing_page([PageLink(f"{FILES}/{name}", text, "287(g) Participating Agencies")]).encode()


@pytest.fixture
def played(tmp_path: Path) -> Iterator[tuple[WebArchive, list[Kept]]]:
    """The archive, and what it truly has of the list, in order of time."""
    kept: list[Kept] = []
    with WebArchive() as archive:
        for number, week in enumerate(weeks()):
            at = week.published_at + timedelta(hours=3)
            if number < ERA:
                body = as_page(week, tmp_path)
                kept.append(Kept(at, body, PAGE.rpartition("/")[2]))
                archive.hold(PAGE, at, body)
                archive.hold(PAGE, at + timedelta(hours=5), body)  # the same again
                continue
            name = week.participating_name
            archive.hold(PAGE, at, linking(name))
            file = f"{FILES}/{name}"
            kept.append(Kept(at + timedelta(minutes=9), week.participating, name))
            archive.hold(file, kept[-1].at, week.participating, headers={"content-type": "application/x"})
            archive.hold(file, kept[-1].at + timedelta(days=2), week.participating)
        _oddities(archive, kept)
        yield archive, kept


def _oddities(archive: WebArchive, kept: Sequence[Kept]) -> None:
    """Nothing of this belongs to the list's history."""
    day = datetime(2025, 9, 12, 8, tzinfo=UTC)
    archive.hold(PAGE, day, b"lost body", lost=True)
    archive.hold(PAGE, day + timedelta(hours=1), b"<html><h1>Access Denied</h1></html>")
    archive.hold(PAGE, day + timedelta(hours=2), b"gone", status="404")
    archive.hold(PAGE, day + timedelta(days=60), linking("participatingAgenciesNeverSaved.xlsx"))
    # A redirect to a capture that is in the index too, and one to another address of the page.
    archive.hold(PAGE, day + timedelta(hours=4), b"moved", status="301", leads_to=(kept[1].at, PAGE))
    old = "https://www.ice.gov/287g"
    archive.hold(old, day + timedelta(hours=6), kept[0].body)
    archive.hold(
        PAGE, day + timedelta(hours=5), b"moved too", status="302", leads_to=(day + timedelta(hours=6), old)
    )


def new_house(home: Path) -> Installation:
    settings = get_settings().model_copy(
        update={"home": home, "database_url": f"sqlite:///{home}/countersign.sqlite"}
    )
    return replace(open_installation(settings, BUILT_IN), now=lambda: NOW)


def run(installation: Installation, archive: WebArchive, manners: Manners = QUICK) -> Backfilled:
    with Visitor(archive.url, "countersign/test", manners) as visitor:
        return backfill(
            PARTICIPATING,
            list(installation.lists.values()),
            installation.archive,
            visitor,
            SINCE,
            UNTIL,
            installation.now,
        )


def log(installation: Installation) -> list[dict[str, Any]]:
    with installation.engine.connect() as connection:
        return [change_json(change) for change in read_changes(connection, ChangeFilter())]


def replayed(home: Path, kept: Sequence[Kept]) -> Installation:
    """The same files, replayed in order."""
    installation = new_house(home)
    pairs = []
    for number, one in enumerate(kept):
        path = home / f"{number}"
        path.write_bytes(one.body)
        capture = Capture("participating", "", one.at, "fetched", published_name=one.name, by="replay")
        pairs.append((capture, path))
    replay(installation, pairs)
    return installation


def test_both_eras_give_what_the_same_lists_give_when_replayed(
    home: Path, tmp_path: Path, played: tuple[WebArchive, list[Kept]]
) -> None:
    archive, kept = played
    archive.trouble = lambda number: {2: 503, 3: 503, 7: 0, 12: 429, 20: 504}.get(number)
    installation = new_house(home)
    done = run(installation, archive)
    catch_up(installation)
    # The old address of the page shows the first list once more, between the first and the second.
    again = Kept(datetime(2025, 9, 12, 14, tzinfo=UTC), kept[0].body, "287g")
    expected = replayed(tmp_path / "other", sorted([*kept, again], key=lambda one: one.at))
    assert len(log(expected)) > 60
    assert log(installation) == log(expected)
    assert done.captures == len(kept) + 1
    assert done.missing == [f"20250912080000 {PAGE} (404)"]
    assert done.never_archived == [f"{FILES}/participatingAgenciesNeverSaved.xlsx (linked on 2025-11-11)"]
    assert [line.partition(":")[0] for line in done.unclear] == ["20250912090000"]
    assert done.gaps()[0][1].date() == UNTIL


def test_publication_and_capture_are_two_times(home: Path, played: tuple[WebArchive, list[Kept]]) -> None:
    archive, kept = played
    installation = new_house(home)
    run(installation, archive)
    catch_up(installation)
    with installation.engine.connect() as connection:
        rows = new_publications(connection, None, "participating")
    assert {row.state for row in rows} <= {"recorded", "unchanged"}
    assert {row.basis for row in rows[:2]} == {"capture"}
    assert {row.basis for row in rows[-4:]} == {"workbook"}
    assert [row.captured_at for row in rows[-4:]] == [one.at for one in kept[-4:]]
    assert all(row.announced for row in rows)


def test_a_second_run_asks_for_nothing(home: Path, played: tuple[WebArchive, list[Kept]]) -> None:
    archive, _ = played
    installation = new_house(home)
    first = run(installation, archive)
    archive.answered.clear()
    entries = len(list(installation.archive.entries()))
    second = run(installation, archive)
    assert not archive.answered
    assert (second.captures, second.known, second.requests) == (0, first.captures + first.known, 0)
    assert len(list(installation.archive.entries())) == entries
    assert not [problem for problem in installation.archive.verify() if problem.damage]


def _ran(installation: Installation, archive: WebArchive) -> bool:
    """A run without patience; says whether it came to its end."""
    archive.asked = 0
    try:
        run(installation, archive, replace(QUICK, tries=1))
    except UnreachableError:
        return False
    return True


@pytest.mark.parametrize("step", [1, 2, 5])
def test_stopping_and_resuming_anywhere_fetches_nothing_twice(
    home: Path, tmp_path: Path, played: tuple[WebArchive, list[Kept]], step: int
) -> None:
    """The archive breaks off after every `step` answers, until everything is there."""
    archive, _ = played
    installation = new_house(home)
    archive.trouble = lambda number: 0 if number > step else None
    stops = 0
    while not _ran(installation, archive):
        stops += 1
        assert stops < 200
    catch_up(installation)
    assert stops > 40 / step / 2
    assert set(archive.answered.values()) == {1}
    at_once = new_house(tmp_path / "other")
    archive.trouble = lambda _number: None
    run(at_once, archive)
    catch_up(at_once)
    assert log(installation) == log(at_once)


def test_patience_has_an_end_and_what_came_is_kept(home: Path, played: tuple[WebArchive, list[Kept]]) -> None:
    archive, _ = played
    waits: list[float] = []
    archive.trouble = lambda number: 503 if number > 8 else None
    installation = new_house(home)
    manners = Manners(
        delay_seconds=0.5, first_wait=10, longest_wait=60, tries=5, timeout_seconds=5, sleep=waits.append
    )
    with pytest.raises(UnreachableError, match=r"status 503.*goes on from here"):
        run(installation, archive, manners)
    assert waits[-8:] == [10, 0.5, 20, 0.5, 40, 0.5, 60, 0.5]
    assert waits.count(0.5) == 12
    assert any(entry["kind"] == "backfill" for entry in installation.archive.entries())


def test_the_archive_is_asked_slowly_and_waits_as_long_as_it_asks(
    home: Path, played: tuple[WebArchive, list[Kept]]
) -> None:
    archive, _ = played
    waits: list[float] = []
    archive.trouble = lambda number: 429 if number == 3 else None
    done = run(new_house(home), archive, replace(QUICK, delay_seconds=2.0, sleep=waits.append))
    assert waits.count(2.0) == done.requests - 1
    assert 1.0 in waits


def test_a_list_in_parts_cannot_be_backfilled(home: Path) -> None:
    installation = new_house(home)
    parts = replace(PARTICIPATING, page=None, files=("https://a.example.org/1", "https://a.example.org/2"))
    with (
        Visitor("http://127.0.0.1:1", "x", QUICK) as visitor,
        pytest.raises(UsageError, match="several parts"),
    ):
        backfill(parts, [], installation.archive, visitor, SINCE, UNTIL, installation.now)
